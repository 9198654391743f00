// TLS over another transport, as a transport.
#pragma once

#include <durable_streams/function.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/net/transport.h"
#include "server/tls/openssl_handles.h"
#include "server/tls/tls_context.h"
#include "server/tls/tls_loop.h"

namespace durable_streams::server {

// The server's side. Between the connection above and the transport below, it owns the one and is
// owned by the other. What has been encrypted counts as written once the transport below has taken
// all of it, so that no more than a chunk of a slow reader's is held here. Threads: loop only.
class TlsTransport final : public Transport, public TransportEvents, private Handshaking {
 public:
  using MakeEvents = Function<std::unique_ptr<TransportEvents>(Transport&)>;

  struct Place {
    TlsLoop& loop;
    std::shared_ptr<const TlsContext> context;
    std::chrono::milliseconds handshake_timeout;
  };

  TlsTransport(Transport& below, Place place, MakeEvents make_events);
  ~TlsTransport() override;
  TlsTransport(const TlsTransport&) = delete;
  TlsTransport& operator=(const TlsTransport&) = delete;

  std::optional<std::size_t> try_write(std::span<const std::string_view> pieces) override;
  bool write(std::span<const std::string_view> pieces) override;
  std::size_t unwritten() const override;
  void pause_reading() override;
  void resume_reading() override;
  void shutdown() override;
  void close() override;

  void on_read(std::string_view bytes) override;
  void on_turn_end() override;
  void on_read_end() override;
  void on_written() override;
  void on_broken() override;

 private:
  enum class State : std::uint8_t {
    kHandshake,
    kOpen,
    kRefused,  // told why, and waits for the peer's end
    kBroken,
  };

  // Goes through pieces as one run of bytes.
  class Cursor {
   public:
    Cursor() = default;
    explicit Cursor(std::span<const std::string_view> pieces) : pieces_(pieces) { skip(0); }

    bool done() const { return pieces_.empty(); }
    // What lies in one piece from here.
    std::string_view front() const { return pieces_.front().substr(offset_); }
    std::size_t left() const;
    void skip(std::size_t bytes);

   private:
    std::span<const std::string_view> pieces_;
    std::size_t offset_ = 0;
  };

  // What a connection rarely needs: something that the transport below did not take at once.
  struct Pending {
    std::string below;                    // given to it, and not taken yet
    std::string behind;                   // of TLS itself, to follow it: an alert, a new key
    std::vector<std::string_view> above;  // of write()
    Cursor rest;                          // in those: not encrypted yet
    bool writing = false;                 // on_written() is owed
    bool ends = false;                    // shutdown() has to follow
  };

  bool busy() const { return pending_ && !pending_->below.empty(); }
  Pending& pending();

  void decrypt(std::string_view bytes);
  std::size_t deliver(std::size_t filled);
  void end_handshake();
  void refuse_plain_http();
  void fail();
  void refuse();
  void break_off();
  std::optional<std::size_t> encrypt(Cursor& from);
  bool send_output();
  bool hold(std::string_view bytes);
  bool write_chunk();
  void pump();
  void send_close_notify();
  void on_handshake_deadline() override;

  Transport& below_;
  TlsLoop& loop_;
  const std::shared_ptr<const TlsContext> context_;
  SslHandle ssl_;
  std::unique_ptr<Pending> pending_;
  std::unique_ptr<TransportEvents> events_;
  std::size_t ahead_ = 0;  // encrypted by try_write(), and not counted as taken by it
  std::size_t handshake_bytes_ = 0;
  State state_ = State::kHandshake;
  bool begun_ = false;    // something has been read
  bool ended_ = false;    // on_read_end() was told
  bool pumping_ = false;  // pump() goes on with what is written meanwhile
  bool closed_ = false;
};

}  // namespace durable_streams::server

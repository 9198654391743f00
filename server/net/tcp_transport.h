// A TCP socket on a libuv loop, as a transport.
#pragma once

#include <durable_streams/function.h>

#include <uv.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "server/net/read_turn.h"
#include "server/net/transport.h"

namespace durable_streams::server {

// Threads: loop only.
class TcpTransport final : public Transport {
 public:
  using MakeEvents = Function<std::unique_ptr<TransportEvents>(Transport&)>;

  // Takes over the connected socket `fd` and begins to read. False: the system refused, and the
  // socket is closed.
  static bool adopt(ReadTurn& turn, int fd, MakeEvents make_events);

  std::optional<std::size_t> try_write(std::span<const std::string_view> pieces) override;
  bool write(std::span<const std::string_view> pieces) override;
  std::size_t unwritten() const override;
  void pause_reading() override;
  void resume_reading() override;
  void shutdown() override;
  void close() override;

  // For the turn: gives what was read to who listens, and tells that everybody's reads are given.
  void hand_on(std::string_view bytes) { events_->on_read(bytes); }
  void end_turn() { events_->on_turn_end(); }

 private:
  TcpTransport(ReadTurn& turn, int fd) : turn_(turn), fd_(fd) {}

  static void on_buffer_wanted(uv_handle_t* handle, std::size_t suggested, uv_buf_t* buffer);
  static void on_read(uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer);
  static void on_written(uv_write_t* request, int status);

  uv_stream_t* stream() { return reinterpret_cast<uv_stream_t*>(&handle_); }

  uv_tcp_t handle_{};
  ReadTurn& turn_;
  int fd_;  // the handle's; -1 once it is closed
  // libuv would read up to 32 buffers of a client that sends much before it turns to the next. It
  // asks for a buffer each time; one that is refused ends this turn's reading, and no more.
  bool filled_buffer_ = false;
  std::unique_ptr<uv_write_t> write_request_;  // of the write under way
  std::unique_ptr<TransportEvents> events_;
};

}  // namespace durable_streams::server

// What the TLS connections of one loop share, so that each of them is small: buffers, and the
// deadline of handshakes.
#pragma once

#include <durable_streams/event_loop.h>
#include <openssl/bio.h>

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "server/metrics/loop_metrics.h"
#include "server/tls/openssl_handles.h"

namespace durable_streams::server {

// A connection whose handshake is not over, or that is being told that it has failed.
class Handshaking {
 public:
  virtual ~Handshaking() = default;
  virtual void on_handshake_deadline() = 0;

 private:
  friend class TlsLoop;
  std::multimap<EventLoop::TimePoint, Handshaking*>::iterator place_;
  bool watched_ = false;
};

// Gone before its loop, after the connections. Threads: loop only.
class TlsLoop {
 public:
  // Most of a record, and of what is encrypted at a time.
  static constexpr std::size_t kRecordBytes = std::size_t{16} << 10;
  static constexpr std::size_t kChunkBytes = std::size_t{64} << 10;

  TlsLoop(EventLoop& loop, LoopMetrics& metrics);
  ~TlsLoop();
  TlsLoop(const TlsLoop&) = delete;
  TlsLoop& operator=(const TlsLoop&) = delete;

  // All connections read and write by this: from `input`, to `output()`.
  BIO* bio() { return bio_.get(); }
  void set_input(std::string_view bytes) { input_ = bytes; }
  std::string_view input() const { return input_; }
  std::string_view output() const { return {output_.data(), output_.size()}; }
  void clear_output() { output_.clear(); }

  // Room for what a read of the socket holds when it is decrypted, and one record more.
  std::span<char> plain() { return {plain_.get(), kPlainBytes}; }
  // Room to gather a record in.
  std::span<char> record() { return {record_.get(), kRecordBytes}; }

  LoopMetrics& metrics() { return metrics_; }

  // Calls on_handshake_deadline() after so long, once, unless it is forgotten before.
  void watch(Handshaking& connection, std::chrono::milliseconds timeout);
  void forget(Handshaking& connection);

 private:
  static constexpr std::size_t kPlainBytes = (std::size_t{64} << 10) + 2 * kRecordBytes;

  static BIO_METHOD* method();
  static int on_bio_write(BIO* bio, const char* bytes, std::size_t size, std::size_t* taken);
  static int on_bio_read(BIO* bio, char* to, std::size_t room, std::size_t* size);
  static long on_bio_control(BIO* bio, int command, long, void*);
  void run_deadlines();
  void set_timer();

  EventLoop& loop_;
  LoopMetrics& metrics_;
  BioHandle bio_;
  std::string_view input_;
  std::string output_;
  std::unique_ptr<char[]> plain_{new char[kPlainBytes]};
  std::unique_ptr<char[]> record_{new char[kRecordBytes]};
  std::multimap<EventLoop::TimePoint, Handshaking*> handshaking_;
  EventLoop::TimerId timer_ = 0;
};

}  // namespace durable_streams::server

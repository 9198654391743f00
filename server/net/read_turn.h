// What the sockets of one loop have read in one turn of it, handed on together.
#pragma once

#include <uv.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace durable_streams::server {

class TcpTransport;

// First all sockets read, then all requests are worked on, then all answers are written: each of
// the three finds its own code and tables in the processor's caches, which the way through the
// kernel otherwise empties for every request anew. Whoever has read waits for the rest of the
// loop's poll, and for the work on at most kReadsMax others. Outlives the transports that read into
// it. Threads: loop only.
class ReadTurn {
 public:
  // Enough for the caches, and so few that the first of a crowd need not wait for the last.
  static constexpr std::size_t kReadsMax = 32;

  // What one read takes at most: a whole pipeline of small requests, and large bodies in few reads.
  static constexpr std::size_t kBufferBytes = std::size_t{64} << 10;

  explicit ReadTurn(uv_loop_t* loop, std::size_t buffer_bytes = kBufferBytes);
  ~ReadTurn();
  ReadTurn(const ReadTurn&) = delete;
  ReadTurn& operator=(const ReadTurn&) = delete;

  uv_loop_t* loop() const { return loop_; }

  // Where the next read goes.
  std::span<char> buffer() { return {room_.get() + used_, buffer_bytes_}; }

  // `transport` has read `size` bytes into buffer(). It gets them later in this turn, or at once
  // when there is room for no more.
  void add(TcpTransport& transport, std::size_t size);

  // Hands on at once what `transport` has read, and ends its turn, before what it learns next.
  void hand_on_first(TcpTransport& transport);

  // What `transport` has read is dropped.
  void forget(const TcpTransport& transport);

 private:
  // A transport may have several, when libuv polls more than once in a turn.
  struct Read {
    TcpTransport* transport;  // null: gone, or has had it
    std::string_view bytes;
  };

  void hand_on();

  uv_loop_t* const loop_;
  const std::size_t buffer_bytes_;
  const std::unique_ptr<char[]> room_;
  std::size_t used_ = 0;
  std::vector<Read> reads_;
  uv_check_t* const check_;  // behind the loop's poll
};

}  // namespace durable_streams::server

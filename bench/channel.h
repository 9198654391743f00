// A connection to a server, in the clear or by TLS, used as a socket is.
#pragma once

#include "bench/socket.h"

#include <durable_streams/result.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include <sys/types.h>

struct ssl_st;

namespace durable_streams::bench {

// Trusts any certificate: what is measured runs on this machine. Threads: one at a time.
class Channel {
 public:
  // Connects, and shakes hands where the target wants TLS. Waits for both; `blocking` is for what
  // follows.
  static Result<Channel> connect(const Target& target, Blocking blocking);

  // In the clear, whatever the target wants; `socket` does not block, and may not be connected yet.
  static Channel raw(Descriptor socket);

  int descriptor() const { return socket_.get(); }

  // As send() and recv() of a socket: bytes, 0 at the end, or -1 with errno.
  ssize_t send(std::string_view bytes);
  ssize_t receive(std::span<char> buffer);

  // Whether so many bytes of what was wanted tell that no more are there; else only EAGAIN does.
  bool shows_end(std::size_t received, std::size_t wanted);

  // Whether drop() costs less than receive(): it leaves the bytes in the kernel.
  bool can_drop() const { return ssl_ == nullptr; }
  ssize_t drop(std::span<char> buffer);

 private:
  struct Free {
    void operator()(ssl_st* ssl) const;
  };

  explicit Channel(Descriptor socket) : socket_(std::move(socket)) {}

  bool read_by_hand();
  bool holds_input() const;
  ssize_t result_of(int result);

  Descriptor socket_;
  std::unique_ptr<ssl_st, Free> ssl_;  // null: in the clear
  bool blocking_ = true;
  bool drained_ = false;  // the socket, when it was last read
};

}  // namespace durable_streams::bench

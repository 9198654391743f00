// A read that the server holds open: a long-poll or a subscription. Many of them, opened gently.
#pragma once

#include "bench/channel.h"
#include "bench/epoll.h"
#include "bench/response_parser.h"

#include <durable_streams/result.h>

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace durable_streams::bench {

// Threads: one at a time.
class HeldRead {
 public:
  // Connects and sends `request`.
  static Result<HeldRead> open(const Target& target, std::string_view request);

  int descriptor() const { return channel_.descriptor(); }
  ResponseParser& parser() { return parser_; }

  // Reads all that has arrived and says how many responses that completed: more than one is the
  // server's mistake. Any status but 200 is an error, and so is the end of the connection.
  Result<std::size_t> receive(std::span<char> buffer);

 private:
  explicit HeldRead(Channel channel) : channel_(std::move(channel)) {}

  Channel channel_;
  ResponseParser parser_;
};

// Opens `count` reads and has `epoll` watch them under their index; number i sends request_of(i).
// Pauses now and then, so that the server's queue of connections does not overflow.
Result<std::vector<HeldRead>> open_held_reads(
    const Target& target, std::size_t count, Epoll& epoll,
    const std::function<std::string(std::size_t)>& request_of);

}  // namespace durable_streams::bench

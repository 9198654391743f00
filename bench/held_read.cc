// Requests are short enough for any socket to take at once, so sending never waits.
#include "bench/held_read.h"

#include <fmt/format.h>

#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

namespace durable_streams::bench {

Result<HeldRead> HeldRead::open(const Target& target, std::string_view request) {
  Result<Channel> channel = Channel::connect(target, Blocking::kNo);
  if (!channel) return channel.error();
  const ssize_t sent = channel->send(request);
  if (sent < 0 || static_cast<std::size_t>(sent) != request.size()) {
    return system_error("sending a request");
  }
  return HeldRead(std::move(*channel));
}

Result<std::size_t> HeldRead::receive(std::span<char> buffer) {
  std::size_t completed = 0;
  while (true) {
    const ssize_t received = channel_.receive(buffer);
    if (received < 0 && errno == EAGAIN) return completed;
    if (received < 0) return system_error("receiving a held read");
    if (received == 0) return Error{ErrorCode::kIo, "the server closed a held read", {}};
    std::string_view bytes(buffer.data(), static_cast<std::size_t>(received));
    Parsed parsed = parser_.parse(bytes);
    if (parsed == Parsed::kMalformed) return Error{ErrorCode::kIo, "an answer is not HTTP/1.1", {}};
    if ((parsed == Parsed::kComplete || parser_.in_body()) && parser_.status() != 200) {
      return Error{
          ErrorCode::kIo, fmt::format("a held read was answered {}", parser_.status()), {}};
    }
    if (parsed == Parsed::kComplete) ++completed;
    if (!bytes.empty()) return Error{ErrorCode::kIo, "a held read got two answers", {}};
    if (channel_.shows_end(static_cast<std::size_t>(received), buffer.size())) return completed;
  }
}

Result<std::vector<HeldRead>> open_held_reads(
    const Target& target, std::size_t count, Epoll& epoll,
    const std::function<std::string(std::size_t)>& request_of) {
  constexpr std::size_t kBurst = 32;
  std::vector<HeldRead> reads;
  reads.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    Result<HeldRead> read = HeldRead::open(target, request_of(i));
    if (!read) return read.error();
    if (Status status = epoll.watch(read->descriptor(), i); !status) return status.error();
    reads.push_back(std::move(*read));
    if (i % kBurst == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return reads;
}

}  // namespace durable_streams::bench

// System calls are what a request costs here, so there is one of each kind for as many requests as
// can share it.
#include "bench/connection.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace durable_streams::bench {

namespace {

// Bodies that have this much to come are dropped inside the kernel; for less, finding out costs
// more than copying.
constexpr std::uint64_t kDropBytesMin = 4096;

}  // namespace

Connection::Connection(Channel channel, RequestRing requests, std::size_t depth,
                       int expected_status)
    : channel_(std::move(channel)),
      requests_(std::move(requests)),
      expected_status_(expected_status),
      started_(depth) {}

Status Connection::send(std::size_t count, Nanos started) {
  for (std::size_t i = 0; i < count; ++i) {
    started_[(oldest_ + in_flight_) % started_.size()] = started;
    ++in_flight_;
  }
  owed_ += count;
  return flush();
}

Status Connection::flush() {
  while (true) {
    if (unsent_.empty()) {
      if (owed_ == 0) return {};
      unsent_ = requests_.take(std::exchange(owed_, 0));
    }
    const ssize_t sent = channel_.send(unsent_);
    if (sent < 0 && errno == EAGAIN) return {};
    if (sent < 0) return system_error("sending a request");
    unsent_.remove_prefix(static_cast<std::size_t>(sent));
  }
}

Result<std::size_t> Connection::receive(std::span<char> buffer, Tally& tally) {
  std::size_t answers = 0;
  for (bool drained = false; !drained;) {
    Result<std::size_t> more = read_once(buffer, tally, drained);
    if (!more) return more;
    answers += *more;
  }
  return answers;
}

Result<std::size_t> Connection::read_once(std::span<char> buffer, Tally& tally, bool& drained) {
  const bool drop = channel_.can_drop() && parser_.skippable() >= kDropBytesMin;
  const std::size_t wanted =
      drop ? std::min<std::uint64_t>(parser_.skippable(), buffer.size()) : buffer.size();
  const ssize_t received =
      drop ? channel_.drop(buffer.first(wanted)) : channel_.receive(buffer.first(wanted));
  if (received < 0 && errno == EAGAIN) {
    drained = true;
    return std::size_t{0};
  }
  if (received < 0) return system_error("receiving an answer");
  if (received == 0) return Error{ErrorCode::kIo, "the server closed a connection", {}};

  const auto bytes_received = static_cast<std::size_t>(received);
  drained = channel_.shows_end(bytes_received, wanted);
  const Nanos now = now_nanos();
  std::size_t answers = 0;
  std::string_view bytes(buffer.data(), drop ? 0 : bytes_received);
  Parsed parsed = drop ? parser_.skip(bytes_received) : parser_.parse(bytes);
  while (parsed == Parsed::kComplete) {
    if (const Status status = finish_answer(now, tally); !status) return status.error();
    ++answers;
    parsed = parser_.parse(bytes);
  }
  if (parsed == Parsed::kMalformed) return Error{ErrorCode::kIo, "an answer is not HTTP/1.1", {}};
  return answers;
}

Status Connection::finish_answer(Nanos now, Tally& tally) {
  if (parser_.status() != expected_status_ || in_flight_ == 0) {
    return Error{ErrorCode::kIo,
                 in_flight_ == 0 ? "an answer came that nothing asked for"
                                 : fmt::format("a request was answered {} instead of {}",
                                               parser_.status(), expected_status_),
                 {}};
  }
  if (tally.counting) {
    tally.latency.record(now - started_[oldest_]);
    tally.body_bytes += parser_.body_bytes();
  }
  oldest_ = (oldest_ + 1) % started_.size();
  --in_flight_;
  return {};
}

}  // namespace durable_streams::bench

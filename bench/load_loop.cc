// One pass: wait, take what came, send what that made room for or what has come due.
#include "bench/load_loop.h"

#include <algorithm>
#include <utility>

namespace durable_streams::bench {

namespace {

constexpr std::size_t kBufferBytes = std::size_t{256} * 1024;
constexpr Nanos kPhaseLook = 50 * kMillisecond;

}  // namespace

LoadLoop::LoadLoop(Epoll epoll, std::vector<Connection> connections, Nanos interval,
                   const std::atomic<Phase>& phase)
    : epoll_(std::move(epoll)),
      connections_(std::move(connections)),
      interval_(interval),
      phase_(phase),
      buffer_(kBufferBytes),
      schedules_(connections_.size()) {}

Status LoadLoop::run() {
  if (Status status = start(); !status) return status;
  while (true) {
    const Nanos wait = interval_ > 0 ? time_of(next_request_) - now_nanos() : kPhaseLook;
    const std::span<const Ready> ready = epoll_.wait(std::min(wait, kPhaseLook));
    const Phase phase = phase_.load(std::memory_order_relaxed);
    if (phase == Phase::kDone) return {};
    tally_.counting = phase == Phase::kMeasure;
    for (const Ready& one : ready) {
      if (Status status = serve(one); !status) return status;
    }
    if (interval_ == 0) continue;
    if (Status status = send_due(now_nanos()); !status) return status;
  }
}

Status LoadLoop::start() {
  start_ = now_nanos();
  for (std::size_t i = 0; i < connections_.size(); ++i) {
    Connection& connection = connections_[i];
    if (Status status = epoll_.watch(connection.descriptor(), i); !status) return status;
    if (interval_ > 0) continue;
    if (Status status = connection.send(connection.room(), now_nanos()); !status) return status;
  }
  return {};
}

Status LoadLoop::serve(const Ready& ready) {
  Connection& connection = connections_[ready.index];
  if (ready.writable) {
    if (Status status = connection.flush(); !status) return status;
  }
  if (!ready.readable) return {};
  const Result<std::size_t> answers = connection.receive(buffer_, tally_);
  if (!answers) return answers.error();
  if (*answers == 0) return {};
  return interval_ > 0 ? send_scheduled(ready.index) : connection.send(*answers, now_nanos());
}

Nanos LoadLoop::time_of(std::size_t request) const {
  return start_ + interval_ * static_cast<Nanos>(request);
}

Status LoadLoop::send_due(Nanos now) {
  for (; time_of(next_request_) <= now; ++next_request_) {
    const std::size_t index = next_request_ % connections_.size();
    ++schedules_[index].due;
    if (Status status = send_scheduled(index); !status) return status;
  }
  return {};
}

Status LoadLoop::send_scheduled(std::size_t index) {
  Schedule& schedule = schedules_[index];
  while (schedule.sent < schedule.due && connections_[index].room() > 0) {
    const Nanos due = time_of(schedule.sent++ * connections_.size() + index);
    if (Status status = connections_[index].send(1, due); !status) return status;
  }
  return {};
}

}  // namespace durable_streams::bench

// The Date header of every response, rendered once a second instead of once a response.
#pragma once

#include <durable_streams/clock.h>
#include <durable_streams/event_loop.h>

#include <array>
#include <string_view>

namespace durable_streams::server {

// Threads: loop only.
class DateLine {
 public:
  // The clock outlives it.
  explicit DateLine(const Clock& clock) : clock_(clock) {}

  // `Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n`. `now` is the loop's time, and tells when to look at
  // the clock again.
  std::string_view at(EventLoop::TimePoint now) {
    if (now >= stale_from_) render(now);
    return {line_.data(), line_.size()};
  }

 private:
  void render(EventLoop::TimePoint now);

  const Clock& clock_;
  EventLoop::TimePoint stale_from_ = EventLoop::TimePoint::min();
  std::array<char, 37> line_{};
};

}  // namespace durable_streams::server

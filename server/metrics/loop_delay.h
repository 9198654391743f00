// How late a loop does what it was to do: what a request that comes now has to wait before anybody
// looks at it.
#pragma once

#include <durable_streams/event_loop.h>

#include <chrono>

#include "server/metrics/loop_metrics.h"

namespace durable_streams::server {

// Sets a timer again and again, and notes how much later than due the loop comes to it, by the
// loop's own time: the samples fall anywhere in its work, as requests do, and a turn that takes
// seconds shows as such. Four wake-ups a second are all that it costs. Destroyed before the loop.
// Threads: loop only.
class LoopDelay {
 public:
  static constexpr std::chrono::milliseconds kInterval{250};

  LoopDelay(EventLoop& loop, LoopMetrics& metrics) : loop_(loop), metrics_(metrics) {}
  ~LoopDelay() { loop_.cancel(timer_); }
  LoopDelay(const LoopDelay&) = delete;
  LoopDelay& operator=(const LoopDelay&) = delete;

  // To be called in a turn of the loop, so that its time is that of now.
  void start();

 private:
  void on_timer();

  EventLoop& loop_;
  LoopMetrics& metrics_;
  EventLoop::TimerId timer_ = 0;
  EventLoop::TimePoint due_{};
};

}  // namespace durable_streams::server

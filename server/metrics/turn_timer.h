// How long requests take, read from the clock twice for all that a turn answers and not twice for
// each request.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "server/metrics/loop_metrics.h"

namespace durable_streams::server {

// A clock that never goes back, read anew each time.
using MonotonicNow = std::chrono::steady_clock::time_point (*)();

// Requests that are answered in one turn all took from when the first of them was taken up to the
// last write, which is about how long their clients waited for us. Threads: loop only.
class TurnTimer {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  TurnTimer(LoopMetrics& metrics, MonotonicNow clock) : metrics_(metrics), now_(clock) {}

  TimePoint now() const { return now_(); }

  // Bytes came, or are now taken up. Within a turn that has answers already, time stands still.
  void begin() {
    if (!any_answered_) began_ = now_();
  }
  TimePoint began() const { return began_; }

  // A request that began at `began` is answered, and the answer will leave before end().
  void answered(MethodLabel method, TimePoint began) {
    if (began != began_) return observe(method, began);
    ++answered_[static_cast<std::size_t>(method)];
    any_answered_ = true;
  }

  // A request that began at `began` is answered, and the answer has left.
  void observe(MethodLabel method, TimePoint began) {
    metrics_.latency[static_cast<std::size_t>(method)].observe(since(began));
  }

  // All answers of this turn have left; the next one is another turn's.
  void end() {
    if (!any_answered_) return;
    any_answered_ = false;
    const std::uint64_t took = since(began_);
    for (std::size_t method = 0; method < answered_.size(); ++method) {
      if (answered_[method] == 0) continue;
      metrics_.latency[method].observe(took, answered_[method]);
      answered_[method] = 0;
    }
  }

 private:
  std::uint64_t since(TimePoint then) const {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(now_() - then).count());
  }

  LoopMetrics& metrics_;
  const MonotonicNow now_;
  TimePoint began_{};
  std::array<std::uint32_t, kMethodNames.size()> answered_{};
  bool any_answered_ = false;
};

}  // namespace durable_streams::server

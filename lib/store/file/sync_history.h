// How long the last syncs took: what tells whether a loop may wait for one.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>

namespace durable_streams {

// Threads: add() by one at a time, short_lately() by any.
class SyncHistory {
 public:
  static constexpr std::chrono::microseconds kShort{1000};

  void add(std::chrono::nanoseconds took) {
    const bool slow = took > kShort;
    slow_count_.fetch_add(static_cast<int>(slow) - static_cast<int>(slow_[next_]),
                          std::memory_order_relaxed);
    slow_[next_] = slow;
    next_ = (next_ + 1) % kRemembered;
  }

  // All but one in a hundred were short. Until many were seen, none counts as long.
  bool short_lately() const { return slow_count_.load(std::memory_order_relaxed) <= 1; }

 private:
  static constexpr std::size_t kRemembered = 128;

  std::array<bool, kRemembered> slow_{};
  std::size_t next_ = 0;
  std::atomic<int> slow_count_{0};
};

}  // namespace durable_streams

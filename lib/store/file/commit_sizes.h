// How many changes the last commits brought: what tells how many clients wait at a time.
#pragma once

#include <atomic>
#include <cstddef>

namespace durable_streams {

// Threads: add() by one at a time, average() by any.
class CommitSizes {
 public:
  void add(std::size_t changes) {
    const std::size_t sum = sum_.load(std::memory_order_relaxed);
    sum_.store(sum - sum / kRemembered + changes, std::memory_order_relaxed);
  }

  // Of the last sixteen or so, the latest counting most; rounded up.
  std::size_t average() const {
    return (sum_.load(std::memory_order_relaxed) + kRemembered - 1) / kRemembered;
  }

 private:
  static constexpr std::size_t kRemembered = 16;

  std::atomic<std::size_t> sum_{0};
};

}  // namespace durable_streams

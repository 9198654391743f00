// The memory that all streams of one store may take together.
#pragma once

#include <atomic>
#include <cstdint>

namespace durable_streams {

// Threads: any.
class MemoryBudget {
 public:
  explicit MemoryBudget(std::uint64_t bytes_max) : bytes_max_(bytes_max) {}

  // Takes `bytes` if they fit.
  bool take(std::uint64_t bytes) {
    if (bytes == 0) return true;
    std::uint64_t taken = taken_.load(std::memory_order_relaxed);
    do {
      if (taken > bytes_max_ || bytes > bytes_max_ - taken) return false;
    } while (!taken_.compare_exchange_weak(taken, taken + bytes, std::memory_order_relaxed));
    return true;
  }

  // For what must never be refused: the budget may be overdrawn.
  void take_anyway(std::uint64_t bytes) {
    if (bytes > 0) taken_.fetch_add(bytes, std::memory_order_relaxed);
  }

  void give_back(std::uint64_t bytes) {
    if (bytes > 0) taken_.fetch_sub(bytes, std::memory_order_relaxed);
  }

  std::uint64_t taken() const { return taken_.load(std::memory_order_relaxed); }

 private:
  const std::uint64_t bytes_max_;
  std::atomic<std::uint64_t> taken_{0};
};

}  // namespace durable_streams

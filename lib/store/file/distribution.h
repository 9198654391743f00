// How often values fell between fixed bounds: what statistics tell of sizes and times.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace durable_streams {

// Threads: add() by one at a time, the others by any.
template <class Value, std::size_t kBounds>
class Distribution {
 public:
  using Counts = std::array<std::uint64_t, kBounds + 1>;

  explicit Distribution(const std::array<Value, kBounds>& bounds) : bounds_(bounds) {}

  template <class Added>
  void add(Added value) {
    const auto bound = std::lower_bound(bounds_.begin(), bounds_.end(), value);
    std::atomic<std::uint64_t>& count = counts_[static_cast<std::size_t>(bound - bounds_.begin())];
    count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

  Counts counts() const {
    Counts counts;
    for (std::size_t i = 0; i < counts.size(); ++i)
      counts[i] = counts_[i].load(std::memory_order_relaxed);
    return counts;
  }

 private:
  const std::array<Value, kBounds>& bounds_;
  std::array<std::atomic<std::uint64_t>, kBounds + 1> counts_{};
};

}  // namespace durable_streams

// Counters that one thread writes and any may read, at the price of plain variables.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace durable_streams::server {

// A load and a store, neither locked nor ordered: right because only one thread adds. Threads:
// add() and subtract() loop only, value() any.
class Counter {
 public:
  void add(std::uint64_t by = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// How often something took how long. `kBounds` are the buckets' upper ends in nanoseconds, in
// order; one more bucket holds the rest. A reader may see a value in its bucket and not yet in the
// sum. Threads: as Counter.
template <const auto& kBounds>
class Histogram {
 public:
  static constexpr std::size_t kBuckets = kBounds.size() + 1;

  void observe(std::uint64_t nanoseconds, std::uint64_t times = 1) {
    std::size_t bucket = 0;
    while (bucket < kBounds.size() && nanoseconds > kBounds[bucket]) ++bucket;
    counts_[bucket].add(times);
    nanoseconds_.add(nanoseconds * times);
  }

  std::uint64_t count(std::size_t bucket) const { return counts_[bucket].value(); }
  std::uint64_t nanoseconds() const { return nanoseconds_.value(); }

 private:
  std::array<Counter, kBuckets> counts_;
  Counter nanoseconds_;
};

}  // namespace durable_streams::server

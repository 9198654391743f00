// Latencies, counted in buckets that are at most 1/128 wide of their value, so that any number of
// them takes the same small memory and recording one costs a few instructions.
#pragma once

#include "bench/nanos.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace durable_streams::bench {

// Threads: one at a time.
class Histogram {
 public:
  // Longer latencies than about 18 minutes count as that.
  void record(Nanos latency);
  void merge(const Histogram& other);

  std::uint64_t count() const { return count_; }
  Nanos max() const { return max_; }

  // The latency that `fraction` (0 to 1) of those recorded do not exceed, or 0 when there are none.
  Nanos quantile(double fraction) const;

 private:
  static constexpr int kSubBits = 7;
  static constexpr int kValueBits = 40;
  static constexpr std::size_t kBuckets = std::size_t{kValueBits - kSubBits + 1} << kSubBits;

  static std::size_t bucket_of(std::uint64_t value);
  static std::uint64_t upper_end(std::size_t bucket);

  std::array<std::uint64_t, kBuckets> counts_{};
  std::uint64_t count_ = 0;
  Nanos max_ = 0;
};

}  // namespace durable_streams::bench

// The buckets: values below 2^8 have one each; above, each power of two is cut into 2^7.
#include "bench/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace durable_streams::bench {

std::size_t Histogram::bucket_of(std::uint64_t value) {
  const int shift = std::max(0, static_cast<int>(std::bit_width(value)) - (kSubBits + 1));
  return (static_cast<std::size_t>(shift) << kSubBits) + static_cast<std::size_t>(value >> shift);
}

std::uint64_t Histogram::upper_end(std::size_t bucket) {
  const std::size_t power = bucket >> kSubBits;
  const std::size_t shift = power < 2 ? 0 : power - 1;
  const std::uint64_t mantissa = bucket - (shift << kSubBits);
  return ((mantissa + 1) << shift) - 1;
}

void Histogram::record(Nanos latency) {
  constexpr std::uint64_t kLargest = (std::uint64_t{1} << kValueBits) - 1;
  const std::uint64_t value = latency < 0 ? 0 : static_cast<std::uint64_t>(latency);
  ++counts_[bucket_of(std::min(value, kLargest))];
  ++count_;
  max_ = std::max(max_, latency);
}

void Histogram::merge(const Histogram& other) {
  for (std::size_t i = 0; i < kBuckets; ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
}

Nanos Histogram::quantile(double fraction) const {
  if (count_ == 0) return 0;
  const double exact = std::ceil(fraction * static_cast<double>(count_));
  const std::uint64_t rank =
      std::clamp<std::uint64_t>(static_cast<std::uint64_t>(exact), 1, count_);
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    seen += counts_[i];
    if (seen >= rank) return std::min(static_cast<Nanos>(upper_end(i)), max_);
  }
  return max_;
}

}  // namespace durable_streams::bench

// Times are nanoseconds since the steady clock began; 0 is a bucket that was never used.
#include "server/access/rate_limiter.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <random>

namespace durable_streams::server {
namespace {

constexpr double kNanosecondsPerSecond = 1e9;
// A day: who asks for less than one request a day means none, and sums stay far from overflowing.
constexpr double kIntervalMax = 86'400 * kNanosecondsPerSecond;
constexpr double kToleranceMax = 366 * kIntervalMax;

std::int64_t nanoseconds_of(SteadyTime time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

std::uint64_t random_key() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

}  // namespace

Result<Rate> Rate::make(const RateLimit& limit) {
  const double interval = kNanosecondsPerSecond / limit.per_second;
  if (!(limit.per_second > 0) || !std::isfinite(limit.per_second) || interval > kIntervalMax) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{} requests a second is no limit: write a number above 0 (0.5 is one "
                             "in two seconds), and at least one a day",
                             limit.per_second),
                 {}};
  }
  if (limit.burst == std::size_t{0}) {
    return Error{ErrorCode::kInvalidArgument, "a burst of 0 lets nobody in: write at least 1", {}};
  }
  const double burst =
      limit.burst ? static_cast<double>(*limit.burst) : std::max(1.0, std::ceil(limit.per_second));
  Rate rate;
  rate.interval_ = std::max<std::int64_t>(1, std::llround(interval));
  rate.tolerance_ = std::llround(std::min((burst - 1) * interval, kToleranceMax));
  return rate;
}

std::optional<std::chrono::nanoseconds> Rate::wait(std::int64_t full_from, SteadyTime now) const {
  const std::int64_t ahead = full_from - nanoseconds_of(now);
  if (ahead <= tolerance_) return std::nullopt;
  return std::chrono::nanoseconds(ahead - tolerance_);
}

std::optional<std::chrono::nanoseconds> Rate::take(std::int64_t& full_from, SteadyTime now) const {
  if (const auto waits = wait(full_from, now)) return waits;
  full_from = std::max(full_from, nanoseconds_of(now)) + interval_;
  return std::nullopt;
}

std::chrono::seconds retry_after(std::chrono::nanoseconds wait) {
  return std::max(std::chrono::ceil<std::chrono::seconds>(wait), std::chrono::seconds(1));
}

std::optional<std::chrono::nanoseconds> RateBucket::take(const Rate& rate, SteadyTime now) {
  std::int64_t before = full_from_.load(std::memory_order_relaxed);
  while (true) {
    std::int64_t after = before;
    if (const auto waits = rate.take(after, now)) return waits;
    if (full_from_.compare_exchange_weak(before, after, std::memory_order_relaxed)) {
      return std::nullopt;
    }
  }
}

AddressLimiter::AddressLimiter(const Rate& rate, std::size_t addresses)
    : rate_(rate),
      hash_key_(random_key()),
      sets_(std::bit_ceil(std::max<std::size_t>(addresses, kBucketsPerSet) / kBucketsPerSet)) {}

std::size_t AddressLimiter::set_of(std::uint64_t address) const {
  std::uint64_t hash = address ^ hash_key_;
  hash = (hash ^ (hash >> 32)) * 0x9E3779B97F4A7C15;
  hash = (hash ^ (hash >> 29)) * 0xBF58476D1CE4E5B9;
  return (hash ^ (hash >> 32)) & (sets_.size() - 1);
}

std::optional<std::chrono::nanoseconds> AddressLimiter::take(std::uint64_t address,
                                                             SteadyTime now) {
  const std::size_t index = set_of(address);
  Set& set = sets_[index];
  const std::lock_guard lock(lock_of(index));
  Bucket* bucket = set.data();
  for (Bucket& each : set) {
    if (each.address == address) return rate_.take(each.full_from, now);
    if (each.full_from < bucket->full_from) bucket = &each;
  }
  *bucket = {.address = address, .full_from = 0};
  return rate_.take(bucket->full_from, now);
}

std::optional<std::chrono::nanoseconds> AddressLimiter::wait(std::uint64_t address,
                                                             SteadyTime now) const {
  const std::size_t index = set_of(address);
  const std::lock_guard lock(lock_of(index));
  for (const Bucket& each : sets_[index]) {
    if (each.address == address) return rate_.wait(each.full_from, now);
  }
  return std::nullopt;
}

}  // namespace durable_streams::server

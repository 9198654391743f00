// How often somebody may come: token buckets, each of which is one number.
#pragma once

#include <durable_streams/result.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "server/access/access_limits.h"
#include "server/config/config.h"

namespace durable_streams::server {

using SteadyTime = std::chrono::steady_clock::time_point;

// A RateLimit worked out. A bucket is kept as the time from which it is full again ("the
// theoretical arrival time" of the generic cell rate algorithm): whoever comes moves it by
// `interval`, and may not when it lies more than `tolerance` ahead. Threads: any, once made.
class Rate {
 public:
  // Errors: what is no number of requests a second.
  static Result<Rate> make(const RateLimit& limit);

  // Takes one from the bucket that is full from `full_from` on, or tells how long until one is
  // there.
  std::optional<std::chrono::nanoseconds> take(std::int64_t& full_from, SteadyTime now) const;

  // The same without taking one.
  std::optional<std::chrono::nanoseconds> wait(std::int64_t full_from, SteadyTime now) const;

 private:
  std::int64_t interval_ = 1;
  std::int64_t tolerance_ = 0;
};

// Whole seconds, for Retry-After: at least one, and never too early.
std::chrono::seconds retry_after(std::chrono::nanoseconds wait);

// One bucket. Threads: any.
class RateBucket {
 public:
  std::optional<std::chrono::nanoseconds> take(const Rate& rate, SteadyTime now);

 private:
  std::atomic<std::int64_t> full_from_{0};
};

// A bucket for each client address (IpAddress::client_key), in memory that is fixed: where there is
// no room for one more, the bucket that is full soonest is forgotten, which is the one that has
// least to say. So addresses that come once cannot make it forget one that comes too often.
// Threads: any.
class AddressLimiter {
 public:
  // `addresses` is rounded up.
  explicit AddressLimiter(const Rate& rate, std::size_t addresses = kAddressesMax);
  AddressLimiter(const AddressLimiter&) = delete;
  AddressLimiter& operator=(const AddressLimiter&) = delete;

  std::optional<std::chrono::nanoseconds> take(std::uint64_t address, SteadyTime now);
  std::optional<std::chrono::nanoseconds> wait(std::uint64_t address, SteadyTime now) const;

 private:
  struct Bucket {
    std::uint64_t address = 0;
    std::int64_t full_from = 0;
  };

  // An address can only be in one set, so that nothing has to be searched.
  static constexpr std::size_t kBucketsPerSet = 8;
  using Set = std::array<Bucket, kBucketsPerSet>;
  static constexpr std::size_t kLocks = 64;

  std::size_t set_of(std::uint64_t address) const;
  std::mutex& lock_of(std::size_t set) const { return locks_[set % kLocks]; }

  const Rate rate_;
  const std::uint64_t hash_key_;  // so that nobody can choose addresses that share a set
  std::vector<Set> sets_;         // each guarded by its lock
  mutable std::array<std::mutex, kLocks> locks_;
};

}  // namespace durable_streams::server

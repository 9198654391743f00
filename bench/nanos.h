// Time as the load generator counts it: nanoseconds of a clock that never goes back.
#pragma once

#include <cstdint>
#include <ctime>

namespace durable_streams::bench {

using Nanos = std::int64_t;

inline constexpr Nanos kSecond = 1'000'000'000;
inline constexpr Nanos kMillisecond = 1'000'000;

inline Nanos read_clock(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return time.tv_sec * kSecond + time.tv_nsec;
}

inline Nanos now_nanos() { return read_clock(CLOCK_MONOTONIC); }

inline timespec to_timespec(Nanos nanos) {
  return {.tv_sec = nanos / kSecond, .tv_nsec = nanos % kSecond};
}

}  // namespace durable_streams::bench

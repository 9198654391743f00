// Wall time, injected: expiry is the only thing that reads it, so tests and simulations bring their
// own.
#pragma once

#include <durable_streams/export.h>

#include <atomic>
#include <chrono>

namespace durable_streams {

// Milliseconds since the Unix epoch, UTC.
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

// Later than every real deadline: "never".
inline constexpr WallTime kNever = WallTime::max();

// Threads: any.
class DURABLE_STREAMS_EXPORT Clock {
 public:
  virtual ~Clock() = default;
  virtual WallTime now() const = 0;
};

// The system's real-time clock. Threads: any.
class DURABLE_STREAMS_EXPORT SystemClock final : public Clock {
 public:
  WallTime now() const override;
};

// A clock that stands still until told otherwise. Threads: any.
class DURABLE_STREAMS_EXPORT ManualClock final : public Clock {
 public:
  explicit ManualClock(WallTime start = WallTime{}) : now_ms_(start.time_since_epoch().count()) {}
  WallTime now() const override;
  void advance(std::chrono::milliseconds by);

 private:
  std::atomic<std::chrono::milliseconds::rep> now_ms_;
};

}  // namespace durable_streams

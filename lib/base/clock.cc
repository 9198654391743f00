// The shipped clocks: the system's, and one that only its owner moves.
#include <durable_streams/clock.h>

namespace durable_streams {

WallTime SystemClock::now() const {
  return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

WallTime ManualClock::now() const { return WallTime(std::chrono::milliseconds(now_ms_.load())); }

void ManualClock::advance(std::chrono::milliseconds by) { now_ms_.fetch_add(by.count()); }

}  // namespace durable_streams

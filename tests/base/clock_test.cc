// Injected time: a clock of the test's own stands still, the system's does not run backwards from
// the present.
#include <durable_streams/clock.h>

#include <chrono>

#include "tests/support/catch.h"

namespace durable_streams {

TEST_CASE("a manual clock stands still until it is moved", "[base][clock]") {
  ManualClock clock(WallTime(std::chrono::milliseconds(1500)));
  CHECK(clock.now() == WallTime(std::chrono::milliseconds(1500)));
  CHECK(clock.now() == WallTime(std::chrono::milliseconds(1500)));
  clock.advance(std::chrono::milliseconds(250));
  CHECK(clock.now() == WallTime(std::chrono::milliseconds(1750)));
  clock.advance(std::chrono::hours(1));
  CHECK(clock.now() == WallTime(std::chrono::milliseconds(3'601'750)));
}

TEST_CASE("a manual clock starts at the epoch", "[base][clock]") {
  CHECK(ManualClock().now() == WallTime{});
}

TEST_CASE("the system's clock tells milliseconds since the epoch", "[base][clock]") {
  const SystemClock clock;
  const WallTime year_2020(std::chrono::hours(24 * 365 * 50));
  CHECK(clock.now() > year_2020);
  CHECK(clock.now() < kNever);
}

}  // namespace durable_streams

// Cursors of live reads: they follow the clock, and never go back.
#include "protocol/cursor.h"

#include "tests/support/catch.h"
#include "tests/support/seed.h"

#include <algorithm>
#include <random>
#include <string>

namespace durable_streams::protocol {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_CASE("a cursor counts intervals of 20 s since 2024-10-09", "[protocol][cursor]") {
  CHECK(kCursorEpoch.time_since_epoch() == seconds(1728432000));
  CHECK(next_cursor(kCursorEpoch, std::nullopt, 0) == 0);
  CHECK(next_cursor(kCursorEpoch + milliseconds(19'999), std::nullopt, 0) == 0);
  CHECK(next_cursor(kCursorEpoch + seconds(20), std::nullopt, 0) == 1);
  CHECK(next_cursor(kCursorEpoch + seconds(20'000), std::nullopt, 0) == 1000);
}

TEST_CASE("a clock before the epoch counts as the epoch", "[protocol][cursor]") {
  CHECK(next_cursor(kCursorEpoch - seconds(1000), std::nullopt, 0) == 0);
  CHECK(next_cursor(WallTime::min(), std::nullopt, 0) == 0);
}

TEST_CASE("a client behind the clock gets the current interval", "[protocol][cursor]") {
  CHECK(next_cursor(kCursorEpoch + seconds(20'000), 999, 5) == 1000);
  CHECK(next_cursor(kCursorEpoch + seconds(20'000), 0, 5) == 1000);
}

TEST_CASE("a client at or ahead of the clock is advanced by 1 to 3600 s", "[protocol][cursor]") {
  const std::uint64_t seed = random_seed();
  INFO("DURABLE_STREAMS_SEED=" << seed);
  std::mt19937_64 random(seed);
  const WallTime now = kCursorEpoch + seconds(20'000);
  for (const std::uint64_t client :
       {std::uint64_t{1000}, std::uint64_t{1001}, std::uint64_t{1} << 60}) {
    std::uint64_t least = UINT64_MAX;
    std::uint64_t most = 0;
    for (int i = 0; i < 5000; ++i) {
      const std::uint64_t ahead = next_cursor(now, client, random()) - client;
      least = std::min(least, ahead);
      most = std::max(most, ahead);
    }
    CHECK(least == 1);
    CHECK(most == 180);
  }
}

TEST_CASE("a cursor that cannot grow stays, and never wraps", "[protocol][cursor]") {
  const WallTime now = kCursorEpoch + seconds(20'000);
  for (const std::uint64_t random : {std::uint64_t{0}, std::uint64_t{179}, UINT64_MAX}) {
    CHECK(next_cursor(now, UINT64_MAX - 1, random) == UINT64_MAX);
    CHECK(next_cursor(now, UINT64_MAX, random) == UINT64_MAX);
    CHECK(next_cursor(now, UINT64_MAX - 180, random) > UINT64_MAX - 180);
  }
}

TEST_CASE("what is not a number is no cursor", "[protocol][cursor]") {
  for (const std::string text : {"", "abc", "1a", " 1", "1 ", "-1", "+1", "1.0", "0x1"}) {
    INFO(text);
    CHECK_FALSE(parse_cursor(text).has_value());
  }
  CHECK(parse_cursor("0") == 0U);
  CHECK(parse_cursor("00012") == 12U);
  CHECK(parse_cursor("18446744073709551615") == UINT64_MAX);
  CHECK(parse_cursor("18446744073709551616") == UINT64_MAX);
  CHECK(parse_cursor(std::string(1000, '9')) == UINT64_MAX);
}

TEST_CASE("a cursor is written as a decimal number", "[protocol][cursor]") {
  char buffer[kCursorTextBytesMax];
  CHECK(std::string(buffer, write_cursor(buffer, 0)) == "0");
  CHECK(std::string(buffer, write_cursor(buffer, 1050)) == "1050");
  CHECK(std::string(buffer, write_cursor(buffer, UINT64_MAX)) == "18446744073709551615");
}

}  // namespace
}  // namespace durable_streams::protocol

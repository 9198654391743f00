// Stream-TTL and Stream-Expires-At: their grammars, and the moments they mean.
#include "protocol/expiry.h"

#include "tests/support/catch.h"
#include "tests/support/seed.h"

#include <random>
#include <string>
#include <vector>

namespace durable_streams::protocol {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::int64_t parsed_ms(std::string_view text) {
  return parse_rfc3339(text).value().time_since_epoch().count();
}

std::string written(WallTime time) {
  char buffer[kRfc3339BytesMax];
  return std::string(buffer, write_rfc3339(buffer, time));
}

TEST_CASE("a TTL is seconds in plain decimal digits", "[protocol][expiry]") {
  CHECK(parse_ttl("0").value() == seconds(0));
  CHECK(parse_ttl("3600").value() == seconds(3600));
  CHECK(parse_ttl("9007199254740991").value() == kTtlMax);
}

TEST_CASE("a TTL has no sign, leading zero, fraction or exponent, and no overflow",
          "[protocol][expiry]") {
  for (const std::string text :
       {"", "+60", "-60", "-0", "00060", "00", "60.5", "60.", "1e3", "0x3C", " 60", "60 ", "60s",
        "abc", "6,0", "9007199254740992", "9223372036854775807", "18446744073709551617",
        "99999999999999999999999999"}) {
    INFO(text);
    const Result<seconds> ttl = parse_ttl(text);
    REQUIRE_FALSE(ttl.ok());
    CHECK(ttl.error().code == ErrorCode::kInvalidArgument);
  }
}

TEST_CASE("the longest TTL from the last moment of time's text does not overflow",
          "[protocol][expiry]") {
  const WallTime last = parse_rfc3339("9999-12-31T23:59:59.999Z").value();
  CHECK(last + kTtlMax > last);
  CHECK(last + kTtlMax < kNever);
}

TEST_CASE("a timestamp is a moment, whatever its offset from UTC", "[protocol][expiry]") {
  CHECK(parsed_ms("1970-01-01T00:00:00Z") == 0);
  CHECK(parsed_ms("2025-01-31T12:00:00Z") == 1'738'324'800'000);
  CHECK(parsed_ms("2025-01-31T12:00:00+00:00") == 1'738'324'800'000);
  CHECK(parsed_ms("2025-01-31T12:00:00-00:00") == 1'738'324'800'000);
  CHECK(parsed_ms("2025-01-31T17:30:00+05:30") == 1'738'324'800'000);
  CHECK(parsed_ms("2025-01-31T04:00:00-08:00") == 1'738'324'800'000);
  CHECK(parsed_ms("2025-02-01T11:59:00+23:59") == 1'738'324'800'000);
  CHECK(parsed_ms("2025-01-31t12:00:00z") == 1'738'324'800'000);
  CHECK(parsed_ms("1969-12-31T23:59:59.999Z") == -1);
}

TEST_CASE("a fraction of any length is cut to milliseconds", "[protocol][expiry]") {
  CHECK(parsed_ms("1970-01-01T00:00:00.5Z") == 500);
  CHECK(parsed_ms("1970-01-01T00:00:00.05Z") == 50);
  CHECK(parsed_ms("1970-01-01T00:00:00.123Z") == 123);
  CHECK(parsed_ms("1970-01-01T00:00:00.1239999Z") == 123);
  CHECK(parsed_ms("1970-01-01T00:00:00." + std::string(100, '9') + "+00:00") == 999);
}

TEST_CASE("only days that exist are dates", "[protocol][expiry]") {
  CHECK(parse_rfc3339("2024-02-29T00:00:00Z").ok());
  CHECK(parse_rfc3339("2000-02-29T00:00:00Z").ok());
  for (const std::string date : {"2025-02-29", "1900-02-29", "2025-04-31", "2025-13-01",
                                 "2025-00-01", "2025-01-00", "2025-01-32", "0000-01-01"}) {
    INFO(date);
    CHECK_FALSE(parse_rfc3339(date + "T00:00:00Z").ok());
  }
}

TEST_CASE("a leap second ends a month in UTC and counts as the second after it",
          "[protocol][expiry]") {
  CHECK(parsed_ms("2016-12-31T23:59:60Z") == parsed_ms("2017-01-01T00:00:00Z"));
  CHECK(parsed_ms("2016-12-31T15:59:60-08:00") == parsed_ms("2017-01-01T00:00:00Z"));
  CHECK(parsed_ms("2015-06-30T23:59:60.25Z") == parsed_ms("2015-07-01T00:00:00.25Z"));
  for (const std::string text :
       {"2016-12-31T22:59:60Z", "2016-12-31T23:58:60Z", "2016-12-30T23:59:60Z",
        "2016-12-31T23:59:60+01:00", "2016-12-31T23:59:61Z"}) {
    INFO(text);
    CHECK_FALSE(parse_rfc3339(text).ok());
  }
}

TEST_CASE("a timestamp lies in the years 0001 to 9999 of UTC", "[protocol][expiry]") {
  CHECK(written(parse_rfc3339("0001-01-01T00:00:00Z").value()) == "0001-01-01T00:00:00Z");
  CHECK(written(parse_rfc3339("9999-12-31T23:59:59.999Z").value()) == "9999-12-31T23:59:59.999Z");
  CHECK_FALSE(parse_rfc3339("0001-01-01T00:00:00+00:01").ok());
  CHECK_FALSE(parse_rfc3339("9999-12-31T23:59:59-00:01").ok());
  CHECK_FALSE(parse_rfc3339("9999-12-31T23:59:60Z").ok());
}

TEST_CASE("what is not RFC 3339 is refused", "[protocol][expiry]") {
  const std::vector<std::string> refused = {"",
                                            "not-a-timestamp",
                                            "2025-01-31",
                                            "2025-01-31T12:00:00",
                                            "2025-01-31 12:00:00Z",
                                            "2025-01-31T12:00Z",
                                            "2025-01-31T24:00:00Z",
                                            "2025-01-31T12:60:00Z",
                                            "20250131T120000Z",
                                            "2025-1-31T12:00:00Z",
                                            "2025-01-31T12:00:00.Z",
                                            "2025-01-31T12:00:00,5Z",
                                            "2025-01-31T12:00:00+0100",
                                            "2025-01-31T12:00:00+01",
                                            "2025-01-31T12:00:00+24:00",
                                            "2025-01-31T12:00:00+01:60",
                                            "2025-01-31T12:00:00ZZ",
                                            " 2025-01-31T12:00:00Z",
                                            "2025-01-31T12:00:00Z ",
                                            "+2025-01-31T12:00:00Z",
                                            "12025-01-31T12:00:00Z",
                                            "1738324800",
                                            "Fri, 31 Jan 2025 12:00:00 GMT",
                                            "2025-01-31T12:00:00UTC",
                                            "2025-01-31T1a:00:00Z",
                                            "2025-01-31T12:00:00.5+",
                                            "2025-01-31T12:00:00\xE2\x88\x92"
                                            "01:00"};
  for (const std::string& text : refused) {
    INFO(text);
    const Result<WallTime> time = parse_rfc3339(text);
    REQUIRE_FALSE(time.ok());
    CHECK(time.error().code == ErrorCode::kInvalidArgument);
  }
}

TEST_CASE("a moment is written in UTC, with milliseconds where there are any",
          "[protocol][expiry]") {
  CHECK(written(WallTime{}) == "1970-01-01T00:00:00Z");
  CHECK(written(WallTime(milliseconds(1))) == "1970-01-01T00:00:00.001Z");
  CHECK(written(WallTime(milliseconds(-1))) == "1969-12-31T23:59:59.999Z");
  CHECK(written(WallTime(milliseconds(1'738'324'800'250))) == "2025-01-31T12:00:00.250Z");
}

TEST_CASE("a moment that RFC 3339 cannot write is written as the nearest that it can",
          "[protocol][expiry]") {
  CHECK(written(kNever) == "9999-12-31T23:59:59.999Z");
  CHECK(written(WallTime::min()) == "0001-01-01T00:00:00Z");
}

TEST_CASE("every moment comes back from its text", "[protocol][expiry]") {
  const std::uint64_t seed = random_seed();
  INFO("DURABLE_STREAMS_SEED=" << seed);
  std::mt19937_64 random(seed);
  std::uniform_int_distribution<std::int64_t> moment(parsed_ms("0001-01-01T00:00:00Z"),
                                                     parsed_ms("9999-12-31T23:59:59.999Z"));
  for (int i = 0; i < 2000; ++i) {
    const WallTime time{milliseconds(moment(random))};
    const std::string text = written(time);
    INFO(text);
    REQUIRE(parse_rfc3339(text).value() == time);
  }
}

}  // namespace
}  // namespace durable_streams::protocol

// The query of a read: what it may say, and what is refused.
#include "protocol/query.h"

#include "tests/support/catch.h"
#include "tests/support/seed.h"

#include <random>
#include <string>
#include <utility>
#include <vector>

namespace durable_streams::protocol {
namespace {

using From = ReadQuery::From;

ReadQuery parsed(std::string_view query) { return parse_read_query(query).value(); }

TEST_CASE("a query without parameters reads from the start and does not wait",
          "[protocol][query]") {
  for (const std::string query : {"", "&", "&&&"}) {
    INFO(query);
    CHECK(parsed(query).from == From::kUnset);
    CHECK(parsed(query).live == LiveMode::kNone);
    CHECK_FALSE(parsed(query).cursor.has_value());
  }
}

TEST_CASE("an offset is -1, now, or one of ours, padded or not", "[protocol][query]") {
  CHECK(parsed("offset=-1").from == From::kStart);
  CHECK(parsed("offset=now").from == From::kNow);
  CHECK(parsed("offset=3_17").from == From::kOffset);
  CHECK(parsed("offset=3_17").offset == Offset{3, 17});
  CHECK(parsed("offset=0000000000000003_0000000000000017").offset == Offset{3, 17});
}

TEST_CASE("names and values are percent-decoded", "[protocol][query]") {
  CHECK(parsed("offset=%2D1").from == From::kStart);
  CHECK(parsed("offset=n%6fw").from == From::kNow);
  CHECK(parsed("offset=0%5F5").offset == Offset{0, 5});
  CHECK(parsed("%6Fffset=0_5").offset == Offset{0, 5});
  CHECK(parsed("offset=-1&live=long%2dpoll").live == LiveMode::kLongPoll);
  CHECK(parsed("cursor=%31%32").cursor == 12U);
}

TEST_CASE("an empty or malformed offset is refused", "[protocol][query]") {
  const std::vector<std::string> refused = {
      "offset=",       "offset",        "offset=0,1",
      "offset=0%201",  "offset=0 1",    "offset=-2",
      "offset=+0_0",   "offset=0_0+",   "offset=NOW",
      "offset=now%00", "offset=0_0%",   "offset=0_0%0",
      "offset=%zz",    "offset=..%2F0", "offset=0_0%0A",
      "offset=0",      "offset=0=0",    "offset=%250_0",
      "offset=-1%20",  "offset=0_0%2C", "offset=" + std::string(1000, '0')};
  for (const std::string& query : refused) {
    INFO(query);
    const Result<ReadQuery> result = parse_read_query(query);
    REQUIRE_FALSE(result.ok());
    CHECK(result.error().code == ErrorCode::kInvalidArgument);
    CHECK(result.error().message.find("offset") != std::string::npos);
  }
}

TEST_CASE("a live mode is long-poll or sse, and needs an offset", "[protocol][query]") {
  CHECK(parsed("offset=-1&live=long-poll").live == LiveMode::kLongPoll);
  CHECK(parsed("live=sse&offset=now").live == LiveMode::kSse);
  for (const std::string query :
       {"offset=-1&live=", "offset=-1&live", "offset=-1&live=true", "offset=-1&live=SSE",
        "offset=-1&live=longpoll", "offset=-1&live=sse%", "live=sse", "live=long-poll&cursor=1"}) {
    INFO(query);
    const Result<ReadQuery> result = parse_read_query(query);
    REQUIRE_FALSE(result.ok());
    CHECK(result.error().code == ErrorCode::kInvalidArgument);
    CHECK(result.error().message.find("live") != std::string::npos);
  }
}

TEST_CASE("offset, live and cursor may each be given once", "[protocol][query]") {
  for (const std::string name : {"offset", "live", "cursor"}) {
    const std::string value = name == "offset" ? "-1" : name == "live" ? "sse" : "7";
    const std::string query = "offset=-1&" + name + "=" + value + "&x=1&" + name + "=" + value;
    INFO(query);
    const Result<ReadQuery> result = parse_read_query(query);
    REQUIRE_FALSE(result.ok());
    CHECK(result.error().code == ErrorCode::kInvalidArgument);
    CHECK(result.error().message.find(name) != std::string::npos);
  }
  CHECK_FALSE(parse_read_query("offset=a&offset=b").ok());
  CHECK_FALSE(parse_read_query("offset=-1&%6fffset=-1").ok());
}

TEST_CASE("unknown parameters are ignored", "[protocol][query]") {
  CHECK(parsed("foo=bar&offset=0_1&foo=baz&=x&%zz=1&Offset=bad").offset == Offset{0, 1});
  CHECK(parsed("timeout=5&lives=1&" + std::string(500, 'n') + "=1").from == From::kUnset);
}

TEST_CASE("a cursor that is no number counts as none", "[protocol][query]") {
  CHECK(parsed("cursor=1050").cursor == 1050U);
  for (const std::string query : {"cursor=", "cursor", "cursor=abc", "cursor=-1", "cursor=1.5",
                                  "cursor=+1", "cursor=%zz", "cursor=1%"}) {
    INFO(query);
    CHECK_FALSE(parsed(query).cursor.has_value());
  }
  CHECK(parsed("cursor=" + std::string(200, '9')).cursor == UINT64_MAX);
}

TEST_CASE("parameters are walked in order, without decoding", "[protocol][query]") {
  QueryParameters parameters("a=1&&b&=c&d=e=f&");
  QueryParameter parameter;
  std::vector<std::pair<std::string, std::string>> seen;
  while (parameters.next(parameter)) seen.emplace_back(parameter.name, parameter.value);
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"a", "1"}, {"b", ""}, {"", "c"}, {"d", "e=f"}};
  CHECK(seen == expected);
}

TEST_CASE("any offset that an answer carries can be asked for", "[protocol][query]") {
  const std::uint64_t seed = random_seed();
  INFO("DURABLE_STREAMS_SEED=" << seed);
  std::mt19937_64 random(seed);
  std::uniform_int_distribution<std::uint64_t> part(0, Offset::kPartMax);
  for (int i = 0; i < 500; ++i) {
    const Offset offset{part(random) >> (i % 54), part(random) >> (i % 51)};
    const ReadQuery query = parsed("cursor=1&offset=" + offset.to_string() + "&live=sse");
    REQUIRE(query.from == From::kOffset);
    REQUIRE(query.offset == offset);
  }
}

}  // namespace
}  // namespace durable_streams::protocol

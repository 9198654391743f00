// Integers in request headers: digits and nothing else.
#include "protocol/header_integer.h"

#include "tests/support/catch.h"
#include "tests/support/seed.h"

#include <random>
#include <string>
#include <vector>

namespace durable_streams::protocol {
namespace {

TEST_CASE("a header integer is digits, up to 2^53-1", "[protocol][integer]") {
  for (const LeadingZeros zeros : {LeadingZeros::kAllowed, LeadingZeros::kRefused}) {
    CHECK(parse_header_integer("0", zeros) == 0U);
    CHECK(parse_header_integer("10", zeros) == 10U);
    CHECK(parse_header_integer("9007199254740991", zeros) == kHeaderIntegerMax);
  }
}

TEST_CASE("a header integer is nothing else", "[protocol][integer]") {
  const std::vector<std::string> refused = {"",
                                            "-1",
                                            "+1",
                                            "1.0",
                                            "1e3",
                                            "1abc",
                                            "0xyz",
                                            " 1",
                                            "1 ",
                                            "1,2",
                                            "0x10",
                                            "1_0",
                                            "abc",
                                            "9007199254740992",
                                            "18446744073709551616",
                                            std::string(100, '9'),
                                            std::string("1\0", 2)};
  for (const LeadingZeros zeros : {LeadingZeros::kAllowed, LeadingZeros::kRefused}) {
    for (const std::string& text : refused) {
      INFO(text);
      CHECK_FALSE(parse_header_integer(text, zeros).has_value());
    }
  }
}

TEST_CASE("leading zeros are refused where the protocol says so", "[protocol][integer]") {
  for (const std::string text : {"00", "05", "00060", "0009007199254740991"}) {
    INFO(text);
    CHECK(parse_header_integer(text, LeadingZeros::kAllowed) == std::stoull(text));
    CHECK_FALSE(parse_header_integer(text, LeadingZeros::kRefused).has_value());
  }
}

TEST_CASE("every integer up to 2^53-1 comes back from its digits", "[protocol][integer]") {
  const std::uint64_t seed = random_seed();
  INFO("DURABLE_STREAMS_SEED=" << seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 500; ++i) {
    const std::uint64_t value = random() >> (11 + i % 53);
    REQUIRE(parse_header_integer(std::to_string(value), LeadingZeros::kRefused) == value);
  }
}

}  // namespace
}  // namespace durable_streams::protocol

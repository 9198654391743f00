// Offsets as text: what clients may send, and that what we send sorts as the positions do.
#include <durable_streams/offset.h>

#include "tests/support/catch.h"
#include "tests/support/seed.h"

#include <random>
#include <string>
#include <vector>

namespace durable_streams {
namespace {

TEST_CASE("an offset is written as two padded sixteen-digit numbers", "[protocol][offset]") {
  CHECK(Offset{}.to_string() == "0000000000000000_0000000000000000");
  CHECK(Offset{12, 3456}.to_string() == "0000000000000012_0000000000003456");
  CHECK(Offset{Offset::kPartMax, Offset::kPartMax}.to_string() ==
        "9999999999999999_9999999999999999");
}

TEST_CASE("write fills exactly kTextBytes and returns their end", "[protocol][offset]") {
  char buffer[Offset::kTextBytes + 1];
  buffer[Offset::kTextBytes] = '#';
  CHECK(Offset{1, 2}.write(buffer) == buffer + Offset::kTextBytes);
  CHECK(buffer[Offset::kTextBytes] == '#');
}

TEST_CASE("an offset is read padded or not", "[protocol][offset]") {
  CHECK(Offset::parse("0_0") == Offset{0, 0});
  CHECK(Offset::parse("7_42") == Offset{7, 42});
  CHECK(Offset::parse("0000000000000007_0000000000000042") == Offset{7, 42});
  CHECK(Offset::parse("9999999999999999_9999999999999999") ==
        Offset{Offset::kPartMax, Offset::kPartMax});
}

TEST_CASE("what is not an offset is refused", "[protocol][offset]") {
  const std::vector<std::string> malformed = {"",
                                              "_",
                                              "0",
                                              "0_",
                                              "_0",
                                              "-1",
                                              "now",
                                              "0__0",
                                              "0_0_0",
                                              "+0_0",
                                              "0_+1",
                                              "-1_0",
                                              "0_-1",
                                              " 0_0",
                                              "0_0 ",
                                              "0_ 0",
                                              "0,1",
                                              "0 1",
                                              "a_b",
                                              "0x1_0",
                                              "0_0\n",
                                              "../0_0",
                                              "0_0/..",
                                              "0_1.5",
                                              "0_1e3",
                                              "00000000000000000_0",
                                              "0_00000000000000000",
                                              "10000000000000000_0",
                                              "99999999999999999999999999999999999_0"};
  for (const std::string& text : malformed) {
    INFO(text);
    CHECK_FALSE(Offset::parse(text).has_value());
  }
  CHECK_FALSE(Offset::parse(std::string_view("0_0\0", 4)).has_value());
}

TEST_CASE("offsets sort as their texts do, and survive the round trip", "[protocol][offset]") {
  const std::uint64_t seed = random_seed();
  INFO("DURABLE_STREAMS_SEED=" << seed);
  std::mt19937_64 random(seed);
  std::uniform_int_distribution<std::uint64_t> part(0, Offset::kPartMax);
  Offset previous;
  for (int i = 0; i < 2000; ++i) {
    const Offset offset{part(random) >> (i % 54), part(random) >> (i % 53)};
    const std::string text = offset.to_string();
    REQUIRE(Offset::parse(text) == offset);
    REQUIRE((previous < offset) == (previous.to_string() < text));
    previous = offset;
  }
}

TEST_CASE("no offset is written like a sentinel", "[protocol][offset]") {
  CHECK(Offset::start().to_string() != "-1");
  CHECK(Offset::start().to_string() != "now");
}

}  // namespace
}  // namespace durable_streams

// UTF-8 in pieces: characters, broken ones, and ones that are not finished yet.
#include "protocol/utf8.h"

#include "tests/support/catch.h"
#include "tests/support/seed.h"

#include <random>
#include <string>
#include <vector>

namespace durable_streams::protocol {
namespace {

using Kind = Utf8Step::Kind;

// The UTF-8 of a code point that is no surrogate.
std::string encoded(std::uint32_t code) {
  const auto byte = [](std::uint32_t value) { return static_cast<char>(value); };
  if (code < 0x80) return {byte(code)};
  if (code < 0x800) return {byte(0xC0 | code >> 6), byte(0x80 | (code & 63))};
  if (code < 0x10000) {
    return {byte(0xE0 | code >> 12), byte(0x80 | (code >> 6 & 63)), byte(0x80 | (code & 63))};
  }
  return {byte(0xF0 | code >> 18), byte(0x80 | (code >> 12 & 63)), byte(0x80 | (code >> 6 & 63)),
          byte(0x80 | (code & 63))};
}

TEST_CASE("every character is whole, and each of its beginnings unfinished", "[protocol][utf8]") {
  for (std::uint32_t code = 0; code <= 0x10FFFF; code += code < 0x1000 ? 1 : 61) {
    if (code >= 0xD800 && code <= 0xDFFF) continue;
    const std::string character = encoded(code);
    const Utf8Step whole = utf8_step(character + "x");
    REQUIRE(whole.kind == Kind::kCharacter);
    REQUIRE(whole.bytes == character.size());
    for (std::size_t bytes = 1; bytes < character.size(); ++bytes) {
      const std::string begun = character.substr(0, bytes);
      REQUIRE(utf8_step(begun).kind == Kind::kUnfinished);
      REQUIRE(unfinished_utf8_bytes("a" + begun) == bytes);
      REQUIRE(unfinished_utf8_bytes(begun) == bytes);
    }
    REQUIRE(unfinished_utf8_bytes(character) == 0);
  }
}

TEST_CASE("overlong forms, surrogates and what lies beyond U+10FFFF are broken at once",
          "[protocol][utf8]") {
  for (const std::string text :
       {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xED\xA0\x80", "\xED\xBF\xBF",
        "\xF0\x80\x80\x80", "\xF4\x90\x80\x80", "\xF5", "\xFF"}) {
    CHECK(utf8_step(text).kind == Kind::kInvalid);
    CHECK(utf8_step(text).bytes == 1);
    CHECK_FALSE(is_utf8(text));
  }
  // So an end that can never become a character is not waited for.
  for (const std::string text :
       {"\xED\xA0", "\xE0\x80", "\xF4\x90", "\xC0", "a\x80", "\x80\x80\x80", "\xFF"}) {
    CHECK(unfinished_utf8_bytes(text) == 0);
  }
}

TEST_CASE("a character broken off is replaced as far as it went", "[protocol][utf8]") {
  CHECK(utf8_step("\xE2\x82x").kind == Kind::kInvalid);
  CHECK(utf8_step("\xE2\x82x").bytes == 2);
  CHECK(utf8_step("\xF0\x9F\x98\xC3").bytes == 3);
  CHECK(utf8_step("\xC3\xC3").bytes == 1);
}

TEST_CASE("stepping over a text agrees with validating it", "[protocol][utf8]") {
  const std::uint64_t seed = random_seed();
  INFO("DURABLE_STREAMS_SEED=" << seed);
  std::mt19937_64 random(seed);
  const std::vector<std::string> parts = {"a",
                                          "\xC3\xA9",
                                          "\xE2\x82\xAC",
                                          "\xF0\x9F\x98\x80",
                                          "\xED\x9F\xBF",
                                          "\x80",
                                          "\xE2\x82",
                                          "\xF0\x9F",
                                          "\n"};
  for (int run = 0; run < 3000; ++run) {
    std::string text;
    for (std::size_t i = random() % 8; i > 0; --i) {
      text += parts[random() % (run % 2 == 0 ? parts.size() : 5)];
    }
    bool valid = true;
    for (std::size_t at = 0; at < text.size();) {
      const Utf8Step step = utf8_step(std::string_view(text).substr(at));
      REQUIRE(step.bytes > 0);
      valid = valid && step.kind == Kind::kCharacter;
      if (step.kind == Kind::kUnfinished) {
        REQUIRE(at + step.bytes == text.size());
        REQUIRE(unfinished_utf8_bytes(text) == step.bytes);
      }
      at += step.bytes;
    }
    REQUIRE(is_utf8(text) == valid);
  }
}

}  // namespace
}  // namespace durable_streams::protocol

// Which bodies JSON mode accepts, and what it keeps of them.
#include "protocol/json_text.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "tests/protocol/json_text_fixture.h"
#include "tests/support/catch.h"
#include "tests/support/seed.h"

namespace durable_streams::protocol {
namespace {

// A message that is kept just as it was sent, alone, in an array and in an object.
void check_kept(std::string_view message) {
  const std::string text(message);
  INFO("message: " << text);
  CHECK(stored(text) == text + ",\n");
  CHECK(stored(" \t\r\n" + text + "\n ") == text + ",\n");
  CHECK(stored("[" + text + "]") == text + ",\n");
  CHECK(stored("[ " + text + " , " + text + " ]") == text + ",\n" + text + ",\n");
  CHECK(stored("{\"k\":" + text + "}") == "{\"k\":" + text + "},\n");
  CHECK(stored("[[" + text + "]]") == "[" + text + "],\n");
}

TEST_CASE("one JSON value is one message", "[protocol][json]") {
  const Framed framed = frame(R"({"message":"hello"})");
  CHECK(framed.stored == "{\"message\":\"hello\"},\n");
  CHECK(framed.messages == 1);
  for (const char* value : {"true", "false", "null", "0", "\"\"", "{}"})
    CHECK(frame(value).messages == 1);
}

TEST_CASE("an array is flattened exactly one level", "[protocol][json]") {
  CHECK(stored("[1,[2,[3]],{\"a\":[4]}]") == "1,\n[2,[3]],\n{\"a\":[4]},\n");
  CHECK(frame("[1,[2,[3]],{\"a\":[4]}]").messages == 3);
  CHECK(stored("[[1,2]]") == "[1,2],\n");
  CHECK(frame("[[1,2]]").messages == 1);
  CHECK(stored("[[],{}]") == "[],\n{},\n");
}

TEST_CASE("an empty array holds no messages", "[protocol][json]") {
  for (const char* body : {"[]", " [ ] ", "[\n]"}) {
    const Framed framed = frame(body);
    CHECK(framed.ok);
    CHECK(framed.messages == 0);
    CHECK(framed.stored.empty());
  }
}

TEST_CASE("numbers keep their text", "[protocol][json]") {
  for (const char* number :
       {"0", "-0", "-0.0", "1.10", "1e400", "-1E-400", "1e+5", "1E0005", "0e0", "0.0000", "9",
        "12345678901234567890123", "0.1234567890123456789012345678901234567890",
        "3.141592653589793238462643383279", "18446744073709551616", "-9223372036854775809"}) {
    check_kept(number);
  }
}

TEST_CASE("strings keep their text", "[protocol][json]") {
  for (const char* string :
       {R"("")", R"("a")", R"(" spaced  out ")", R"("\ud83d")", R"("\ude00\ud83d")",
        R"("\uD83D\uDE00")", R"("\u0000")", R"("\u00e9")", R"("\u00E9")",
        R"("\" \\ \/ \b \f \n \r \t")", R"("//")", R"("/* */")", R"("[1,")", R"("{\"a\":1}")",
        R"("\\\\\"")", R"("\\u12")", "\"\x7f\"",
        R"("a string that is longer than one block of sixteen bytes, or two, or three")"}) {
    check_kept(string);
  }
}

TEST_CASE("UTF-8 in strings is kept", "[protocol][json]") {
  for (const char* string :
       {"\"\xC2\x80\"", "\"\xDF\xBF\"", "\"\xE0\xA0\x80\"", "\"\xED\x9F\xBF\"", "\"\xEE\x80\x80\"",
        "\"\xEF\xBF\xBF\"", "\"\xF0\x90\x80\x80\"", "\"\xF4\x8F\xBF\xBF\"", "\"\xEF\xBB\xBF\"",
        "\"\xE2\x80\xA8\xE2\x80\xA9\"",
        "\"caf\xC3\xA9, \xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E, \xF0\x9F\x98\x80\""}) {
    check_kept(string);
  }
}

TEST_CASE("duplicate keys are kept, in order", "[protocol][json]") {
  check_kept(R"({"a":1,"a":2,"":3,"":4})");
}

TEST_CASE("white space outside strings goes, inside it stays", "[protocol][json]") {
  CHECK(stored("{ \"a b\" :\t[ 1 ,\r\n 2 ] , \"c\" : { } }") == "{\"a b\":[1,2],\"c\":{}},\n");
  CHECK(stored("\n[\n  {\n    \"a\": \"  \"\n  },\n  true\n]\n") == "{\"a\":\"  \"},\ntrue,\n");
  CHECK(stored(repeat(" ", 100) + "[" + repeat("\n", 100) + "1" + repeat("\t", 100) + "]") ==
        "1,\n");
}

TEST_CASE("what is stored holds no line feed but those that end messages", "[protocol][json]") {
  const Framed framed = frame("[\n{\n\"a\\n\"\n:\n[\n1\n]\n}\n,\n\"\\u000a\"\n]\n");
  CHECK(framed.stored == "{\"a\\n\":[1]},\n\"\\u000a\",\n");
  CHECK(std::count(framed.stored.begin(), framed.stored.end(), '\n') == 2);
}

TEST_CASE("the most that a body grows fits", "[protocol][json]") {
  for (const std::size_t elements : {1U, 2U, 3U, 100U, 5000U}) {
    const std::string body = "[" + repeat("1,", elements - 1) + "1]";
    CHECK(stored(body) == repeat("1,\n", elements));
  }
  for (std::size_t bytes = 0; bytes < 200; ++bytes) {
    const std::size_t scalar = bytes + 2;
    const std::size_t elements = bytes == 0 ? 0 : bytes + (bytes - 1) / 2;
    CHECK(json_frame_bytes_max(bytes) >= std::max(scalar, elements));
  }
}

TEST_CASE("nesting up to the limit is accepted, past it refused", "[protocol][json]") {
  static_assert(kJsonDepthMax >= 512);
  for (const std::size_t levels : {std::size_t{1}, std::size_t{63}, std::size_t{64},
                                   std::size_t{65}, std::size_t{512}, kJsonDepthMax}) {
    CHECK(stored(nested_objects(levels)) == nested_objects(levels) + ",\n");
    CHECK(stored("[" + nested_arrays(levels) + "]") == nested_arrays(levels) + ",\n");
  }
  CHECK_FALSE(accepts(nested_objects(kJsonDepthMax + 1)));
  CHECK_FALSE(accepts("[" + nested_arrays(kJsonDepthMax + 1) + "]"));
  CHECK_FALSE(accepts(repeat("[", 1'000'000)));
  CHECK_FALSE(accepts(repeat("{\"k\":", 1'000'000)));
}

TEST_CASE("the array that a body flattens is no level of nesting", "[protocol][json]") {
  CHECK(accepts(nested_arrays(kJsonDepthMax + 1)));
  CHECK_FALSE(accepts(nested_arrays(kJsonDepthMax + 2)));
  CHECK(accepts("[" + nested_objects(kJsonDepthMax) + "," + nested_objects(kJsonDepthMax) + "]"));
}

TEST_CASE("arrays and objects close as they were opened, however deep", "[protocol][json]") {
  const std::uint64_t seed = random_seed();
  INFO("DURABLE_STREAMS_SEED=" << seed);
  Random random(seed);
  for (int round = 0; round < 50; ++round) {
    std::string open;
    std::string close;
    const std::size_t levels = 1 + random.below(kJsonDepthMax);
    while (close.size() < levels) {
      const bool object = random.one_in(2);
      open += object ? "{\"k\":" : "[";
      close.insert(close.begin(), object ? '}' : ']');
    }
    const std::string message = open + "1" + close;
    CHECK(stored("[" + message + "]") == message + ",\n");
    char& wrong = close[random.below(close.size())];
    wrong = wrong == '}' ? ']' : '}';
    CHECK_FALSE(accepts("[" + open + "1" + close + "]"));
  }
}

}  // namespace
}  // namespace durable_streams::protocol

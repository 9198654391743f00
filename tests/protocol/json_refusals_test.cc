// Which bodies JSON mode refuses, and what it says of them.
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/json_scan.h"
#include "tests/protocol/json_text_fixture.h"
#include "tests/support/catch.h"

namespace durable_streams::protocol {
namespace {

// What is no value, wherever it stands.
void check_refused(std::string_view value) {
  const std::string text(value);
  INFO("value: " << text);
  CHECK_FALSE(accepts(text));
  CHECK_FALSE(accepts("[" + text + "]"));
  CHECK_FALSE(accepts("[1," + text + "]"));
  CHECK_FALSE(accepts("[" + text + ",1]"));
  CHECK_FALSE(accepts("{\"k\":" + text + "}"));
  CHECK_FALSE(accepts("{\"k\": " + text + " }"));
  CHECK_FALSE(accepts("[[" + text + "]]"));
}

TEST_CASE("nothing, or white space alone, is refused", "[protocol][json]") {
  for (const char* body : {"", " ", "\n", " \t\r\n "}) CHECK_FALSE(accepts(body));
  CHECK_FALSE(frame_json({}, nullptr).ok());
}

TEST_CASE("two values are refused", "[protocol][json]") {
  for (const char* body :
       {"1 2", "{}{}", "[][]", "{}\n{}", "1,2", "[1],", "null null", "\"a\"\"b\"", "[1]]", "{}}"}) {
    INFO(body);
    CHECK_FALSE(accepts(body));
  }
}

TEST_CASE("words that are not JSON's are refused", "[protocol][json]") {
  for (const char* word :
       {"NaN", "nan", "Infinity", "-Infinity", "-NaN", "undefined", "True", "TRUE", "tru", "truE",
        "true1", "truefalse", "nul", "nulll", "None", "fals", "falsey", "a", "_"}) {
    check_refused(word);
  }
}

TEST_CASE("numbers outside the grammar are refused", "[protocol][json]") {
  for (const char* number :
       {"01",    "-01",   "00",   "-00.1", "+1",           "-",       "--1", "-+1", ".5",
        "-.5",   "1.",    "-1.",  "1.e5",  "1..2",         "1.2.3",   "1e",  "1e+", "1e-",
        "1E+-2", "1e1.5", "1ee2", "0x10",  "1_000",        "1a",      "1 2", "- 1", "1. 0",
        "1e 5",  "0b1",   "1f",   "e5",    "\xEF\xBC\x91", "\xD9\xA1"}) {
    check_refused(number);
  }
}

TEST_CASE("raw control characters in strings are refused", "[protocol][json]") {
  for (int byte = 0; byte < 0x20; ++byte) {
    for (const std::size_t before : {0U, 7U, 15U, 16U, 40U}) {
      const std::string string = "\"" + repeat("x", before) + static_cast<char>(byte) + "\"";
      CHECK_FALSE(accepts(string));
      CHECK_FALSE(accepts("{" + string + ":1}"));
    }
  }
}

TEST_CASE("only JSON's four kinds of white space may stand between tokens", "[protocol][json]") {
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    if (JsonSpace::holds(static_cast<unsigned char>(c))) continue;
    INFO("byte " << byte);
    const std::string piece(1, c);
    CHECK_FALSE(accepts(piece + "[ ]"));
    CHECK_FALSE(accepts("[ ]" + piece));
    CHECK_FALSE(accepts("{ " + piece + " }"));
    CHECK_FALSE(accepts("[{\"a\" " + piece + ":1}]"));
    CHECK_FALSE(accepts("[{\"a\":1 " + piece + "}]"));
    CHECK_FALSE(accepts("[[1 " + piece + "]]"));
  }
  for (const char* space : {"\xC2\xA0", "\xE2\x80\x83", "\xE2\x80\xA8", "\xE3\x80\x80"}) {
    CHECK_FALSE(accepts(std::string("[") + space + "1]"));
  }
}

TEST_CASE("escapes that JSON does not know are refused", "[protocol][json]") {
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    if (c != '\0' && std::strchr("\"\\/bfnrtu", c) != nullptr) continue;
    const std::string string = std::string("\"\\") + c + "0000\"";
    INFO("byte " << byte);
    CHECK_FALSE(accepts(string));
  }
  for (const char* string :
       {R"("\u")", R"("\u1")", R"("\u12")", R"("\u123")", R"("\u123g")", R"("\u 123")",
        R"("\u-123")", R"("\U0041")", R"("\u{41}")", R"("\x41")", R"("\'")", R"("\0")", R"("\)"}) {
    check_refused(string);
  }
}

TEST_CASE("strings that are not closed are refused", "[protocol][json]") {
  for (const char* body :
       {"\"", "\"a", "\"a\\\"", "\"a\\", "\"\\u00", "{\"a", "{\"a\":\"b}", "[\"a, \"b\"]", "'a'"}) {
    INFO(body);
    CHECK_FALSE(accepts(body));
  }
}

TEST_CASE("arrays and objects outside the grammar are refused", "[protocol][json]") {
  for (const char* value : {"[1,]",
                            "[,1]",
                            "[,]",
                            "[1,,2]",
                            "[1 2]",
                            "[1:2]",
                            "[1",
                            "[",
                            "[1,",
                            "[[]",
                            "[[1]",
                            "{\"a\":1,}",
                            "{,}",
                            "{,\"a\":1}",
                            "{\"a\":1,,\"b\":2}",
                            "{\"a\"}",
                            "{\"a\",\"b\"}",
                            "{\"a\":}",
                            "{\"a\"::1}",
                            "{\"a\":1:2}",
                            "{\"a\" 1}",
                            "{a:1}",
                            "{'a':1}",
                            "{1:2}",
                            "{null:1}",
                            "{[]:1}",
                            "{\"a\":1 \"b\":2}",
                            "{\"a\":1",
                            "{",
                            "{\"a\":",
                            "{\"a\"",
                            "[1}",
                            "{\"a\":1]",
                            "[}",
                            "{]",
                            "]",
                            "}",
                            ",",
                            ":"}) {
    check_refused(value);
  }
}

TEST_CASE("comments are refused", "[protocol][json]") {
  for (const char* body : {"// a\n1", "1 // a", "/* a */ 1", "[1, /* a */ 2]", "{\"a\": 1 // b\n}",
                           "# a\n1", "1/**/"}) {
    INFO(body);
    CHECK_FALSE(accepts(body));
  }
}

TEST_CASE("a byte order mark is refused", "[protocol][json]") {
  for (const char* body :
       {"\xEF\xBB\xBF{}", "\xEF\xBB\xBF", "\xEF\xBB\xBF 1", " \xEF\xBB\xBF[]", "{}\xEF\xBB\xBF"}) {
    CHECK_FALSE(accepts(body));
  }
  CHECK_FALSE(accepts(std::string_view("\xFF\xFE{\0}\0", 6)));
  CHECK_FALSE(accepts(std::string_view("\0{\0}", 4)));
}

TEST_CASE("bytes that are not UTF-8 are refused", "[protocol][json]") {
  for (const char* bytes : {"\x80",
                            "\xBF",
                            "\xC0\x80",
                            "\xC0\xAF",
                            "\xC1\xBF",
                            "\xC3",
                            "\xC3\x28",
                            "\xE0\x80\x80",
                            "\xE0\x9F\xBF",
                            "\xE2\x82",
                            "\xE2\x28\xAC",
                            "\xED\xA0\x80",
                            "\xED\xBF\xBF",
                            "\xED\xA0\xBD\xED\xB8\x80",
                            "\xF0\x80\x80\x80",
                            "\xF0\x8F\xBF\xBF",
                            "\xF0\x9F\x98",
                            "\xF4\x90\x80\x80",
                            "\xF5\x80\x80\x80",
                            "\xF8\x88\x80\x80\x80",
                            "\xFE",
                            "\xFF",
                            "\xE9"}) {
    for (const std::size_t before : {0U, 1U, 14U, 15U, 16U, 63U, 64U, 100U}) {
      const std::string string = "\"" + repeat("x", before) + bytes + "\"";
      INFO("bytes " << bytes << " after " << before);
      CHECK_FALSE(accepts(string));
      CHECK_FALSE(accepts("{" + string + ":1}"));
      CHECK_FALSE(accepts("[\"ok\"," + string + "]"));
    }
    CHECK_FALSE(accepts(std::string("1 ") + bytes));
  }
}

TEST_CASE("an error says what is wrong and where", "[protocol][json]") {
  struct Case {
    std::string_view body;
    std::string_view message;
  };
  for (
      const auto& [body, message] : std::vector<Case>{
          {"", "line 1, column 1 (byte 0): expected a value, found the end"},
          {"{\"a\":NaN}", "line 1, column 6 (byte 5): expected a value, found 'N'"},
          {"[1,\n 2,\n]", "line 3, column 1 (byte 8): a trailing comma is not allowed"},
          {"{\"a\":1, }", "line 1, column 9 (byte 8): a trailing comma is not allowed"},
          {"[1,,2]", "line 1, column 4 (byte 3): expected a value, found ','"},
          {"{\n  // no\n}", "line 2, column 3 (byte 4): comments are not allowed"},
          {"\xEF\xBB\xBF{}", "line 1, column 1 (byte 0): a byte order mark is not allowed"},
          {"{'a':1}", "line 1, column 2 (byte 1): strings are quoted with \", not with '"},
          {"{a:1}",
           "line 1, column 2 (byte 1): expected a member's name in double quotes, found 'a'"},
          {"{\"a\" 1}", "line 1, column 6 (byte 5): expected ':' after a member's name, found '1'"},
          {"[1 2]", "line 1, column 4 (byte 3): expected ',' or the closing bracket, found '2'"},
          {"[\"\xC3\xA9\" 2]",
           "line 1, column 6 (byte 6): expected ',' or the closing bracket, found '2'"},
          {"[[1", "line 1, column 4 (byte 3): expected ',' or the closing bracket, found the end"},
          {"1\n2", "line 2, column 1 (byte 2): expected one value, found more after it: '2'"},
          {"nul",
           "line 1, column 1 (byte 0): expected a value, found a word other than true, false and "
           "null"},
          {"[01]", "line 1, column 2 (byte 1): a number must not begin with 0 and another digit"},
          {"[1.]", "line 1, column 4 (byte 3): expected a digit, found ']'"},
          {"-", "line 1, column 2 (byte 1): expected a digit, found the end"},
          {"[\"ab]", "line 1, column 2 (byte 1): the string that begins here is not closed"},
          {"\"a\nb\"",
           "line 1, column 3 (byte 2): a control character in a string must be escaped: byte 0x0A"},
          {"\"\\x\"",
           "line 1, column 3 (byte 2): a backslash in a string must not be followed by 'x'"},
          {"\"\\u12g4\"",
           "line 1, column 6 (byte 5): expected four hexadecimal digits after \\u, found 'g'"},
          {"\"caf\xE9\"", "line 1, column 5 (byte 4): not UTF-8: byte 0xE9"},
          {"\"\xC3\xA9\xED\xA0\x80\"", "line 1, column 3 (byte 3): not UTF-8: byte 0xED"},
      }) {
    CHECK(frame(body).error == "invalid JSON at " + std::string(message));
  }
  CHECK(frame("[" + nested_arrays(kJsonDepthMax + 1) + "]").error ==
        "invalid JSON at line 1, column 1026 (byte 1025): nested deeper than 1024 levels");
}

}  // namespace
}  // namespace durable_streams::protocol

// Which bodies JSON mode accepts, what it keeps of them, and what it says of the others; by rule,
// and against a slow reference on random texts.
#include "protocol/json_text.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/json_scan.h"
#include "tests/support/catch.h"
#include "tests/support/json_reference.h"
#include "tests/support/seed.h"

namespace durable_streams::protocol {
namespace {

struct Framed {
  bool ok = false;
  std::string stored;
  std::size_t messages = 0;
  std::string error;
};

// Frames a copy of exactly the body's size into memory of exactly the size asked for, so that
// AddressSanitizer sees every byte too far.
Framed frame(std::string_view body) {
  const std::unique_ptr<char[]> in(new char[body.size()]);
  if (!body.empty()) std::memcpy(in.get(), body.data(), body.size());
  const std::unique_ptr<char[]> out(new char[json_frame_bytes_max(body.size())]);
  const Result<JsonFrame> framed = frame_json({in.get(), body.size()}, out.get());
  if (!framed.ok()) {
    CHECK(framed.error().code == ErrorCode::kInvalidJson);
    return {.ok = false, .stored = "refused", .messages = 0, .error = framed.error().message};
  }
  REQUIRE(framed->bytes <= json_frame_bytes_max(body.size()));
  return {.ok = true,
          .stored = std::string(out.get(), framed->bytes),
          .messages = framed->messages,
          .error = {}};
}

std::string stored(std::string_view body) { return frame(body).stored; }

bool accepts(std::string_view body) { return frame(body).ok; }

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

std::string repeat(std::string_view text, std::size_t count) {
  std::string repeated;
  for (std::size_t i = 0; i < count; ++i) repeated += text;
  return repeated;
}

std::string nested_arrays(std::size_t levels) { return repeat("[", levels) + repeat("]", levels); }

std::string nested_objects(std::size_t levels) {
  return repeat("{\"k\":", levels - 1) + "{}" + repeat("}", levels - 1);
}

// Whether the reader and the reference agree on a body, and what it stored can be read again.
void check_like_reference(const std::string& body) {
  const std::optional<std::string> expected = JsonReference::stored(body);
  const Framed framed = frame(body);
  if (framed.ok != expected.has_value() || (framed.ok && framed.stored != *expected)) {
    INFO("body: " << body << "\nerror: " << framed.error);
    REQUIRE(framed.stored == expected.value_or("refused"));
  }
  if (!framed.ok) {
    if (framed.error.empty() || !is_ascii(framed.error)) FAIL("error: " << framed.error);
    return;
  }
  const auto ends = std::count(framed.stored.begin(), framed.stored.end(), '\n');
  if (static_cast<std::size_t>(ends) != framed.messages) FAIL("miscounted: " << body);
  if (framed.messages == 0) return;
  const std::string read = "[" + framed.stored.substr(0, framed.stored.size() - 2) + "]";
  if (stored(read) != framed.stored) FAIL("read back: " << read);
}

// Random JSON with white space wherever some may stand. Threads: one at a time.
class JsonWriter {
 public:
  explicit JsonWriter(Random& random) : random_(random) {}

  std::string body() {
    text_.clear();
    space();
    value(0);
    space();
    return text_;
  }

 private:
  void value(int depth) {
    switch (random_.below(depth < 6 ? 8 : 6)) {
      case 0:
        return add(random_.one_in(2) ? "true" : "false");
      case 1:
        return add("null");
      case 2:
      case 3:
        return number();
      case 4:
      case 5:
        return string();
      case 6:
        return list('[', ']', [&] { value(depth + 1); });
      default:
        return list('{', '}', [&] {
          string();
          space();
          add(":");
          space();
          value(depth + 1);
        });
    }
  }

  template <class Element>
  void list(char open, char close, Element element) {
    text_ += open;
    space();
    for (std::uint64_t left = random_.below(5); left > 0; --left) {
      element();
      space();
      if (left > 1) add(",");
      space();
    }
    text_ += close;
  }

  void number() {
    if (random_.one_in(3)) add("-");
    if (random_.one_in(4)) {
      add("0");
    } else {
      text_ += static_cast<char>('1' + random_.below(9));
      digits(random_.below(25));
    }
    if (random_.one_in(3)) {
      add(".");
      digits(1 + random_.below(20));
    }
    if (random_.one_in(3)) {
      add(random_.one_in(2) ? "e" : "E");
      if (random_.one_in(2)) add(random_.one_in(2) ? "+" : "-");
      digits(1 + random_.below(3));
    }
  }

  void digits(std::uint64_t count) {
    for (; count > 0; --count) text_ += static_cast<char>('0' + random_.below(10));
  }

  void string() {
    static constexpr std::string_view kPieces[] = {"a",
                                                   "bc",
                                                   " ",
                                                   "{",
                                                   "[1,",
                                                   "\\\"",
                                                   "\\\\",
                                                   "\\/",
                                                   "\\n",
                                                   "\\u0000",
                                                   "\\ud83d",
                                                   "\\uDE00",
                                                   "\x7f",
                                                   "\xC3\xA9",
                                                   "\xE2\x82\xAC",
                                                   "\xF0\x9F\x98\x80",
                                                   "\xE2\x80\xA8",
                                                   "long enough to fill a block of bytes"};
    add("\"");
    for (std::uint64_t left = random_.below(6); left > 0; --left) {
      add(kPieces[random_.below(std::size(kPieces))]);
    }
    add("\"");
  }

  void space() {
    if (!random_.one_in(3)) return;
    const std::uint64_t longest = random_.one_in(8) ? 40 : 3;
    for (std::uint64_t left = random_.below(longest); left > 0; --left) {
      text_ += " \t\r\n"[random_.below(4)];
    }
  }

  void add(std::string_view piece) { text_ += piece; }

  Random& random_;
  std::string text_;
};

void mutate(std::string& text, Random& random) {
  constexpr std::string_view kTelling =
      " \t\n\r\"\\,:[]{}0123456789+-.eEtrufalsn/'\0\x1f\x80\xC3\xED\xFF";
  const std::size_t at = random.below(text.size() + 1);
  const char byte = random.one_in(4) ? static_cast<char>(random.below(256))
                                     : kTelling[random.below(kTelling.size())];
  switch (random.below(4)) {
    case 0:
      text.insert(at, 1, byte);
      break;
    case 1:
      if (at < text.size()) text[at] = byte;
      break;
    case 2:
      text.erase(at, 1 + random.below(3));
      break;
    default:
      text.insert(at, text.substr(random.below(text.size() + 1), random.below(8)));
      break;
  }
}

// Bodies that touch every rule once; what is cut off them or put into them touches the others.
const std::vector<std::string>& telling_bodies() {
  static const std::vector<std::string> bodies = {
      R"({"a":[1,-0,2.50,1e9,-1.5E+10],"b":{"c":null,"d":true,"e":false},"f":"g\"\\\/\b\f\n\r\t\u00fF"})",
      "[ {\"a\" : 1 , \"b\" : [ ] } ,\n\t\"two\" ,\r\n 3 , [ [ ] , { } ] ]",
      "\"\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80 \xED\x9F\xBF \xEE\x80\x80 \xF4\x8F\xBF\xBF\"",
      "[[[[1,2],[3]],{\"a\":{\"b\":{\"c\":[]}}}],null]",
      "  12345678901234567890123.45678901234567890e-12345678  ",
      "{\"the name of a member that is long\":\"and a value that is longer than two blocks of "
      "it\"}",
  };
  return bodies;
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

template <class Kind, class B>
void check_skip_while() {
  std::string plain;
  for (int byte = 0; byte < 256 && plain.empty(); ++byte) {
    if (Kind::holds(static_cast<unsigned char>(byte))) plain = static_cast<char>(byte);
  }
  for (std::size_t bytes = 0; bytes <= 40; ++bytes) {
    for (std::size_t at = 0; at < bytes; ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string text = repeat(plain, bytes);
        text[at] = static_cast<char>(byte);
        const bool holds = Kind::holds(static_cast<unsigned char>(byte));
        const char* end = skip_while<Kind, B>(text.data(), text.data() + bytes);
        if (end != text.data() + (holds ? bytes : at))
          FAIL("byte " << byte << " at " << at << " of " << bytes);
      }
    }
  }
}

template <class B>
void check_scans() {
  check_skip_while<PlainInString, B>();
  check_skip_while<JsonSpace, B>();
  check_skip_while<AsciiDigit, B>();
  for (std::size_t at = 0; at < 40; ++at) {
    std::string text = repeat("a", 40);
    CHECK(is_ascii<B>(text));
    text[at] = '\x80';
    CHECK_FALSE(is_ascii<B>(text));
    CHECK(is_ascii<B>(text.substr(0, at)));
  }
}

TEST_CASE("blocks of any size end a run where its bytes do", "[protocol][json]") {
  check_scans<Block>();
  check_scans<WordBlock>();
}

TEST_CASE("a text cut short is refused unless what is left is JSON", "[protocol][json]") {
  for (const std::string& body : telling_bodies()) {
    REQUIRE(accepts(body));
    for (std::size_t bytes = 0; bytes <= body.size(); ++bytes)
      check_like_reference(body.substr(0, bytes));
    for (std::size_t from = 0; from <= body.size(); ++from) check_like_reference(body.substr(from));
  }
}

TEST_CASE("any byte put into any place is judged as the reference does", "[protocol][json]") {
  for (const std::string& body : telling_bodies()) {
    for (std::size_t at = 0; at <= body.size(); ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        check_like_reference(body.substr(0, at) + static_cast<char>(byte) + body.substr(at));
      }
    }
  }
}

TEST_CASE("random texts, whole and damaged, are judged as the reference does", "[protocol][json]") {
  const std::uint64_t seed = random_seed();
  INFO("DURABLE_STREAMS_SEED=" << seed);
  Random random(seed);
  JsonWriter writer(random);
  for (int round = 0; round < 5000; ++round) {
    std::string body = writer.body();
    if (!accepts(body)) FAIL("not accepted: " << body);
    check_like_reference(body);
    for (int damages = 0; damages < 4; ++damages) {
      mutate(body, random);
      check_like_reference(body);
    }
  }
}

}  // namespace
}  // namespace durable_streams::protocol

// JSON mode against a slow reference: on telling bodies with every cut and byte, and on random
// ones.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/json_scan.h"
#include "tests/protocol/json_text_fixture.h"
#include "tests/support/catch.h"
#include "tests/support/json_reference.h"
#include "tests/support/seed.h"

namespace durable_streams::protocol {
namespace {

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

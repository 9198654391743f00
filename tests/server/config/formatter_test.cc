// How a Caddyfile is written.
#include "server/config/caddyfile/formatter.h"

#include "server/config/caddyfile/lexer.h"
#include "tests/server/config/config_samples.h"
#include "tests/support/seed.h"

namespace durable_streams::server {
namespace {

TEST_CASE("nesting is by tabs, words by one blank, and blank lines are single",
          "[server][config]") {
  CHECK(format_caddyfile("\n\n:1   {\n\n\n  route  /a/*   {\n durable_streams   # why\n\n\n"
                         "# next\n\n   }\n\n\n   }\n\n") ==
        ":1 {\n\troute /a/* {\n\t\tdurable_streams # why\n\n\t\t# next\n\t}\n}\n");
  CHECK(format_caddyfile("a \\\n   b\nc\r\n") == "a \\\n\tb\nc\n");
  CHECK(format_caddyfile("x \"a   b\n  c\"   `d\n   e`\n") == "x \"a   b\n  c\" `d\n   e`\n");
  CHECK(format_caddyfile(":{$PORT:80 80}   {\n}\n") == ":{$PORT:80 80} {\n}\n");
  CHECK(format_caddyfile("").empty());
  CHECK(format_caddyfile("\n \n").empty());
}

std::string random_text(Random& random) {
  constexpr std::string_view kPieces[] = {
      "a",    "route", " ",        "  ",  "\t",   "\n",          "\n\n",     "{",
      "}",    "\"q\"", "`b`",      "# c", "\\\n", "{$A}",        "\"x\ny\"", "/v1/*",
      "\r\n", "\\",    "{$A:b c}", "#",   "é",    "\xEF\xBB\xBF"};
  std::string text;
  const std::size_t size = random.below(40);
  for (std::size_t i = 0; i < size; ++i) text += kPieces[random.below(std::size(kPieces))];
  return text;
}

std::vector<std::string> words_in(const std::string& text) {
  Environment environment = [](std::string_view) -> std::optional<std::string> { return "v"; };
  const Result<std::vector<Word>> words =
      read_words({.name = "Caddyfile", .text = text}, environment);
  if (!words) return {"(an error)"};
  std::vector<std::string> list;
  for (const Word& word : *words)
    list.push_back(std::string(word.first ? "\n" : "") + (word.quoted ? "'" : "") + word.text);
  return list;
}

TEST_CASE("formatting changes no word, and once is enough", "[server][config]") {
  const std::uint64_t seed = random_seed();
  INFO("DURABLE_STREAMS_SEED=" << seed);
  Random random(seed);
  for (int i = 0; i < 20'000; ++i) {
    const std::string text = random_text(random);
    const std::string formatted = format_caddyfile(text);
    INFO(text);
    CAPTURE(formatted);
    REQUIRE(format_caddyfile(formatted) == formatted);
    const std::vector<std::string> words = words_in(text);
    if (words == std::vector<std::string>{"(an error)"}) continue;
    REQUIRE(words_in(formatted) == words);
  }
}

}  // namespace
}  // namespace durable_streams::server

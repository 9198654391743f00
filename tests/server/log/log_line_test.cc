// Lines, byte for byte, and what clients may try to make of them.
#include "server/log/log_line.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include "server/log/utf8.h"
#include "tests/support/catch.h"
#include "tests/support/seed.h"

namespace durable_streams::server {
namespace {

using namespace std::string_literals;

constexpr WallTime kTime{std::chrono::milliseconds{1'795'432'500'123}};
constexpr std::string_view kStart = "2026-11-23T11:15:00.123Z INFO ";
constexpr std::string_view kJsonStart =
    R"({"time":"2026-11-23T11:15:00.123Z","level":"info","message":)";

std::string line(LogFormat format, std::string_view message, std::vector<LogField> fields = {}) {
  return render_log_line(
      format, {.time = kTime, .level = LogLevel::kInfo, .message = message, .fields = fields});
}

TEST_CASE("a line has its time, level, message and fields, in order", "[server][log]") {
  const std::vector<LogField> fields{{"n", 7},      {"big", std::uint64_t{1} << 63U},
                                     {"less", -1L}, {"on", true},
                                     {"ms", 0.125}, {"path", "/a/b?c"},
                                     {"none", ""}};
  CHECK(line(LogFormat::kConsole, "all is well", fields) ==
        std::string(kStart) +
            "all is well n=7 big=9223372036854775808 less=-1 on=true ms=0.125 path=/a/b?c "
            "none=\"\"\n");
  CHECK(line(LogFormat::kJson, "all is well", fields) ==
        std::string(kJsonStart) +
            R"("all is well","n":7,"big":9223372036854775808,"less":-1,"on":true,"ms":0.125,)"
            R"("path":"/a/b?c","none":""})"
            "\n");
  CHECK(line(LogFormat::kJson, "m", {{"x", std::nan("")}}).ends_with("\"m\",\"x\":null}\n"));
}

TEST_CASE("each level has its name", "[server][log]") {
  constexpr std::array<std::pair<LogLevel, std::string_view>, 4> kNames = {
      {{LogLevel::kDebug, "debug"},
       {LogLevel::kInfo, "info"},
       {LogLevel::kWarn, "warn"},
       {LogLevel::kError, "error"}}};
  for (const auto& [level, name] : kNames) {
    const std::string json = render_log_line(
        LogFormat::kJson, {.time = kTime, .level = level, .message = "m", .fields = {}});
    CHECK(json.find("\"level\":\"" + std::string(name) + "\"") != std::string::npos);
    std::string capitals(name);
    std::transform(capitals.begin(), capitals.end(), capitals.begin(), ::toupper);
    const std::string console = render_log_line(
        LogFormat::kConsole, {.time = kTime, .level = level, .message = "m", .fields = {}});
    CHECK(console == "2026-11-23T11:15:00.123Z " + capitals + " m\n");
  }
}

struct Value {
  std::string text;
  std::string console;
  std::string json;
};

TEST_CASE("whatever bytes a value holds, it is told from the rest of its line", "[server][log]") {
  const std::vector<Value> values = {
      {"plain", "plain", "\"plain\""},
      {"two words", "\"two words\"", "\"two words\""},
      {"a=b", "\"a=b\"", "\"a=b\""},
      {"say \"x\"", R"("say \"x\"")", R"("say \"x\"")"},
      {"a\\n", R"("a\\n")", R"("a\\n")"},
      {"a\nb", R"("a\nb")", R"("a\u000ab")"},
      {"a\r\tb", R"("a\r\tb")", R"("a\u000d\u0009b")"},
      {"\0x"s, R"("\x00x")", R"("\u0000x")"},
      {"\x1b[2J\x7f", R"("\x1b[2J\x7f")", R"("\u001b[2J\u007f")"},
      {"caf\u00e9 \U0001f600", "\"caf\u00e9 \U0001f600\"", "\"caf\u00e9 \U0001f600\""},
      {"\u00e9", "\"\u00e9\"", "\"\u00e9\""},
      {"\xc2\x9b"
       "31m",
       R"("\u009b31m")", R"("\u009b31m")"},            // CSI, as one character
      {"\xe2\x80\xa8", R"("\u2028")", R"("\u2028")"},  // a line separator
      {"\xe2\x80\xae"
       "x",
       R"("\u202ex")", R"("\u202ex")"},                                  // turns text around
      {"\xff", R"("\xff")", R"("\ufffd")"},                              // begins nothing
      {"\xc0\x8a", R"("\xc0\x8a")", R"("\ufffd\ufffd")"},                // an overlong line feed
      {"\xed\xa0\x80", R"("\xed\xa0\x80")", R"("\ufffd\ufffd\ufffd")"},  // a surrogate
      {"\xf4\x90\x80\x80", R"("\xf4\x90\x80\x80")", R"("\ufffd\ufffd\ufffd\ufffd")"},
      {"a\xe2\x82", R"("a\xe2\x82")", R"("a\ufffd\ufffd")"},  // ends within a character
  };
  for (const Value& value : values) {
    CAPTURE(value.text);
    CHECK(line(LogFormat::kConsole, "m", {{"v", value.text}}) ==
          std::string(kStart) + "m v=" + value.console + "\n");
    CHECK(line(LogFormat::kJson, "m", {{"v", value.text}}) ==
          std::string(kJsonStart) + "\"m\",\"v\":" + value.json + "}\n");
  }
}

TEST_CASE("random bytes make one line, which shows as itself", "[server][log]") {
  const std::uint64_t seed = random_seed();
  INFO("DURABLE_STREAMS_SEED=" << seed);
  Random random(seed);
  constexpr std::string_view kAwkward = "\n\r\x1b\"\\\xe2\x80\xa8";
  for (int i = 0; i < 20'000; ++i) {
    std::string text(random.below(24), '\0');
    for (char& c : text) {
      c = random.one_in(3) ? static_cast<char>(random.below(256))
                           : kAwkward[random.below(kAwkward.size())];
    }
    const LogFormat format = i % 2 == 0 ? LogFormat::kConsole : LogFormat::kJson;
    const std::string made = line(format, text, {{"v", text}});
    REQUIRE(made.find('\n') == made.size() - 1);
    std::string_view rest(made);
    for (rest.remove_suffix(1); !rest.empty();) {
      const Character character = first_character(rest);
      REQUIRE(character.valid);
      REQUIRE(is_shown(character.code));
      rest.remove_prefix(character.bytes);
    }
  }
}

TEST_CASE("no text can make a second line, or move what is on a screen", "[server][log]") {
  const std::string forged =
      "x\n2026-11-23T11:15:00.123Z ERROR forged\r\n{\"level\":\"error\"}\v\f\x1b]0;t\x07\xc2\x85"
      "\xe2\x80\xa9\xff\n";
  for (const LogFormat format : {LogFormat::kConsole, LogFormat::kJson}) {
    for (const std::string& text :
         {line(format, forged), line(format, "m", {{"v", forged}, {"w", forged}})}) {
      CHECK(std::count(text.begin(), text.end(), '\n') == 1);
      CHECK(text.back() == '\n');
      std::string_view rest(text);
      rest.remove_suffix(1);
      while (!rest.empty()) {
        const Character character = first_character(rest);
        CHECK(character.valid);
        CHECK(is_shown(character.code));
        rest.remove_prefix(character.bytes);
      }
    }
  }
}

}  // namespace
}  // namespace durable_streams::server

// How people write values: sizes, rates, durations, durability.
#include "server/config/options.h"
#include "server/text/duration.h"
#include "server/text/size.h"
#include "tests/support/catch.h"

namespace durable_streams::server {
namespace {

TEST_CASE("a size is a number with a unit of thousands or of 1024", "[server][config]") {
  const std::pair<std::string_view, std::uint64_t> good[] = {
      {"0", 0},
      {"512", 512},
      {"10MB", 10'000'000},
      {"10M", 10'000'000},
      {"64KiB", 65'536},
      {"64kib", 65'536},
      {"1.5GiB", 1'610'612'736},
      {"2 MiB", 2'097'152},
      {"1kB", 1'000},
      {"1Ki", 1'024},
      {"3TB", 3'000'000'000'000},
      {"7B", 7},
      {"0.5KiB", 512},
      {"1024TiB", std::uint64_t{1} << 50},
      {"1125899906842624", std::uint64_t{1} << 50}};
  for (const auto& [text, bytes] : good) {
    INFO(text);
    const Result<std::uint64_t> size = parse_size(text);
    REQUIRE(size.ok());
    CHECK(*size == bytes);
  }
  for (const std::string_view bad : {"", "MB", "-1", "1XB", "1..5MB", "1e3", "10 MB x", "0x10",
                                     "99999999999TB", "12345678901234567890"}) {
    INFO(bad);
    CHECK(!parse_size(bad).ok());
  }
}

TEST_CASE("what is written for a size or a duration is read as the same", "[server][config]") {
  for (const std::uint64_t bytes :
       {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{999}, std::uint64_t{1000},
        std::uint64_t{65536}, std::uint64_t{10'000'000}, std::uint64_t{1} << 50,
        (std::uint64_t{1} << 62) + 1}) {
    CHECK(*parse_size(size_text(bytes)) == bytes);
  }
  CHECK(size_text(65536) == "64KiB");
  CHECK(size_text(10'000'000) == "10MB");
  for (const std::int64_t ms : {0, 1, 999, 1000, 30'000, 90'000, 3'600'000, 86'400'000, 90'061'001})
    CHECK(parse_duration(duration_text(Milliseconds(ms)))->count() == ms);
  CHECK(duration_text(Milliseconds(90'500)) == "1m30s500ms");
  CHECK(parse_duration("31536000000000000ns")->count() == 31'536'000'000);
}

TEST_CASE("a rate is a number of times in a second, a minute or an hour", "[server][config]") {
  CHECK(*parse_rate("100/s") == 100);
  CHECK(*parse_rate("30/m") == 0.5);
  CHECK(*parse_rate("3600/h") == 1);
  for (const std::string_view text :
       {"100/s", "30/m", "7/h", "1/m", "1000000/s", "999999999/h", "1000000000/s"}) {
    CHECK(rate_text(*parse_rate(text)) == text);
  }
  for (const std::string_view bad : {"", "100", "/s", "0/s", "1/d", "1.5/s", "-1/s", "1/s/s"})
    CHECK(!parse_rate(bad).ok());
}

TEST_CASE("every option is set by the words that its default is written with", "[server][config]") {
  for (const auto& option : durable_streams_options()) {
    INFO(option.name);
    CHECK(!option.help.empty());
    CHECK(!option.standard.empty());
    if (option.standard.find(' ') != std::string_view::npos) continue;  // `no limit`
    DurableStreamsConfig streams;
    const std::vector<std::string> words{std::string(option.standard)};
    CHECK(set_option(streams, option, words).ok());
    CHECK(streams != DurableStreamsConfig());
  }
  for (const auto& option : http_limit_options()) {
    INFO(option.name);
    if (option.standard.find(' ') != std::string_view::npos) continue;
    HttpLimitsConfig limits;
    const std::vector<std::string> words{std::string(option.standard)};
    CHECK(set_option(limits, option, words).ok());
    CHECK(limits != HttpLimitsConfig());
  }
}

}  // namespace
}  // namespace durable_streams::server

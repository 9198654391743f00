// docs/configuration.md shows the tables of options as they are, and only examples that are right.
#include <cstdlib>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <string_view>

#include "server/config/apply.h"
#include "server/config/caddyfile/formatter.h"
#include "server/config/json/config_json.h"
#include "server/config/options.h"
#include "tests/server/config/config_samples.h"

namespace durable_streams::server {
namespace {

constexpr char kPage[] = DURABLE_STREAMS_SOURCE_DIR "/docs/configuration.md";
constexpr std::string_view kEnd = "<!-- end -->";

std::string text_of_page(const char* page = kPage) {
  std::ifstream file(page, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string cell(std::string_view text) {
  std::string escaped;
  for (const char c : text) escaped += c == '|' ? std::string("\\|") : std::string(1, c);
  return escaped;
}

// `100` is code, `no limit` is prose.
std::string standard_cell(std::string_view standard) {
  if (standard.find(' ') != std::string_view::npos) return std::string(standard);
  return "`" + std::string(standard) + "`";
}

template <class Owner>
std::string row(const Option<Owner>& option) {
  return "| `" + std::string(option.name) + " " + cell(placeholder(option.kind)) + "` | " +
         standard_cell(option.standard) + " | " + cell(option.help);
}

std::string streams_table() {
  std::string table = "| option | default | |\n|---|---|---|\n";
  for (const Option<DurableStreamsConfig>& option : durable_streams_options()) {
    DurableStreamsConfig set;
    std::visit([&](auto member) { (set.*member).emplace(); }, option.member);
    table += row(option) + (store_part(set) == set ? " The store's." : "") + " |\n";
  }
  return table;
}

std::string limits_table() {
  std::string table = "| option of `servers` | default | |\n|---|---|---|\n";
  for (const Option<HttpLimitsConfig>& option : http_limit_options()) table += row(option) + " |\n";
  return table;
}

// The page with what stands behind the mark replaced.
std::string with_table(std::string page, std::string_view mark, const std::string& table) {
  const std::size_t begin = page.find(mark);
  REQUIRE(begin != std::string::npos);
  const std::size_t from = begin + mark.size() + 1;
  const std::size_t to = page.find(kEnd, from);
  REQUIRE(to != std::string::npos);
  return page.replace(from, to - from, table);
}

void for_each_example(std::string_view language,
                      const std::function<void(const std::string&)>& check) {
  const std::string page = text_of_page();
  const std::string fence = "```" + std::string(language) + "\n";
  std::size_t found = 0;
  for (std::size_t at = page.find(fence); at != std::string::npos; at = page.find(fence, at)) {
    at += fence.size();
    const std::size_t end = page.find("```\n", at);
    REQUIRE(end != std::string::npos);
    check(page.substr(at, end - at));
    ++found;
  }
  CHECK(found > 0);
}

TEST_CASE("the reference shows the options as they are", "[server][config]") {
  const std::string page = text_of_page();
  std::string right = with_table(page, "<!-- options: durable_streams -->", streams_table());
  right = with_table(std::move(right), "<!-- options: servers -->", limits_table());
  if (std::getenv("DURABLE_STREAMS_UPDATE_DOCS") != nullptr)
    std::ofstream(kPage, std::ios::binary) << right;
  INFO("DURABLE_STREAMS_UPDATE_DOCS=1 writes it anew");
  CHECK((text_of_page() == right));
}

TEST_CASE("every Caddyfile of the reference is right, and formatted", "[server][config]") {
  for_each_example("caddyfile", [](const std::string& text) {
    INFO(text);
    CHECK(message_of(read_caddyfile(text)) == "(no error)");
    CHECK(format_caddyfile(text) == text);
  });
}

TEST_CASE("every configuration in JSON of the reference is right", "[server][config]") {
  for_each_example("json", [](const std::string& text) {
    INFO(text);
    CHECK(message_of(parse_config_json({.name = "config.json", .text = text})) == "(no error)");
  });
}

template <class Owner>
Owner as_the_tables_say(std::span<const Option<Owner>> options) {
  Owner owner;
  for (const Option<Owner>& option : options) {
    if (option.standard.find(' ') != std::string_view::npos) continue;  // `no limit`
    const std::vector<std::string> words{std::string(option.standard)};
    REQUIRE(set_option(owner, option, words).ok());
  }
  return owner;
}

TEST_CASE("the defaults that are told are those that hold", "[server][config]") {
  const auto limits = as_the_tables_say(http_limit_options());
  CHECK(limits_of(limits, Limits()) == Limits());

  const auto streams = as_the_tables_say(durable_streams_options());
  const FileStoreOptions file = file_store_options(streams, {});
  const FileStoreOptions file_default;
  CHECK(file.max_file_handles == file_default.max_file_handles);
  CHECK(file.durability == file_default.durability);
  CHECK(file.journal_bytes_max == file_default.journal_bytes_max);
  CHECK(file.memtable_bytes_max == file_default.memtable_bytes_max);
  CHECK(file.settle_interval == file_default.settle_interval);
  CHECK(file.reserve_bytes == file_default.reserve_bytes);
  CHECK(file.read_cache_bytes_max == file_default.read_cache_bytes_max);
  CHECK(file.scrub_bytes_per_second == file_default.scrub_bytes_per_second);
  CHECK(file.in_flight_bytes_max == file_default.in_flight_bytes_max);
  CHECK(memory_store_options(streams, {}).memory_bytes_max ==
        MemoryStoreOptions().memory_bytes_max);

  const EngineOptions engine = engine_options(streams, {});
  CHECK(engine.producers_per_stream_max == EngineOptions().producers_per_stream_max);
  CHECK(engine.waiters_per_stream_max == EngineOptions().waiters_per_stream_max);
  CHECK(EngineOptions().streams_max == 0);
  CHECK(EngineOptions().stream_bytes_max == 0);
  CHECK(!EngineOptions().producer_ttl);

  const http::EndpointOptions endpoint = endpoint_options(streams, {});
  const http::EndpointOptions endpoint_default;
  CHECK(endpoint.long_poll_timeout == endpoint_default.long_poll_timeout);
  CHECK(endpoint.sse_reconnect_interval == endpoint_default.sse_reconnect_interval);
  CHECK(endpoint.chunk_bytes_max == endpoint_default.chunk_bytes_max);
  CHECK(endpoint.body_bytes_max == endpoint_default.body_bytes_max);
  CHECK(endpoint.public_cache == endpoint_default.public_cache);
  CHECK(endpoint.cors_origins == endpoint_default.cors_origins);
}

TEST_CASE("the page of limits names the option that sets each", "[server][config]") {
  const std::string page = text_of_page(DURABLE_STREAMS_SOURCE_DIR "/docs/limits.md");
  const auto is_named = [&](std::string_view name) {
    INFO(name);
    CHECK(page.find(" | `" + std::string(name) + "` | ") != std::string::npos);
  };
  for (const Option<HttpLimitsConfig>& option : http_limit_options()) is_named(option.name);
  for (const Option<DurableStreamsConfig>& option : durable_streams_options()) {
    const bool bounds_nothing =
        option.name == "data_dir" || option.name == "cache" || option.name == "cors_origins";
    if (!bounds_nothing) is_named(option.name);
  }
}

TEST_CASE("what is more than an option can hold is as much as it can", "[server][config]") {
  DurableStreamsConfig streams;
  streams.max_waiters = std::uint64_t{1} << 32;
  CHECK(engine_options(streams, {}).waiters_per_stream_max == 0xFFFF'FFFF);
}

}  // namespace
}  // namespace durable_streams::server

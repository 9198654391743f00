// Feeds bytes to the reader of Caddyfiles and to the formatter: what is read survives formatting
// and JSON, and what is not is told with its place.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "server/config/caddyfile/adapter.h"
#include "server/config/caddyfile/formatter.h"
#include "server/config/json/config_json.h"

namespace durable_streams::server {
namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

// A value for some names, an empty one for some, and none for the others.
std::optional<std::string> variable(std::string_view name) {
  if (name.front() == 'A') return std::string(name);
  if (name.front() == 'B') return "a \"b\nc";
  if (name.front() == 'C') return "";
  return std::nullopt;
}

Result<Config> read(std::string text) {
  Environment environment = variable;
  return parse_caddyfile({.name = "Caddyfile", .text = std::move(text)}, environment);
}

void check(const std::string& text) {
  const std::string formatted = format_caddyfile(text);
  require(format_caddyfile(formatted) == formatted);
  const Result<Config> config = read(text);
  if (!config) return require(config.error().message.starts_with("Caddyfile:"));
  const Result<Config> again = read(formatted);
  require(again.ok() && *again == *config);
  for (const bool pretty : {false, true}) {
    const Result<Config> json =
        parse_config_json({.name = "config.json", .text = write_config_json(*config, pretty)});
    require(json.ok() && *json == *config);
  }
}

}  // namespace
}  // namespace durable_streams::server

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  durable_streams::server::check(std::string(reinterpret_cast<const char*>(data), size));
  return 0;
}

// Feeds bytes to the reader of configurations in JSON: what is read is written as what is read as
// the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "server/config/json/config_json.h"

namespace durable_streams::server {
namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void check(std::string text) {
  const Result<Config> config = parse_config_json({.name = "config.json", .text = std::move(text)});
  if (!config) return require(config.error().message.starts_with("config.json: "));
  for (const bool pretty : {false, true}) {
    const Result<Config> again =
        parse_config_json({.name = "config.json", .text = write_config_json(*config, pretty)});
    require(again.ok() && *again == *config);
  }
}

}  // namespace
}  // namespace durable_streams::server

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  durable_streams::server::check(std::string(reinterpret_cast<const char*>(data), size));
  return 0;
}

// Configurations for tests: read from a text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "server/config/caddyfile/adapter.h"
#include "server/config/config.h"
#include "server/config/source.h"
#include "tests/support/catch.h"

namespace durable_streams::server {

inline Environment no_environment() {
  return [](std::string_view) -> std::optional<std::string> { return std::nullopt; };
}

inline Result<Config> read_caddyfile(std::string text) {
  Environment environment = no_environment();
  return parse_caddyfile({.name = "Caddyfile", .text = std::move(text)}, environment);
}

inline Config good_caddyfile(std::string text) {
  Result<Config> config = read_caddyfile(std::move(text));
  if (!config) FAIL(config.error().message);
  return *config;
}

inline std::string message_of(const Result<Config>& config) {
  return config.ok() ? std::string("(no error)") : config.error().message;
}

}  // namespace durable_streams::server

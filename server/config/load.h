// A configuration from a file, in whichever language it is written.
#pragma once

#include <durable_streams/result.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "server/config/config.h"
#include "server/config/source.h"

namespace durable_streams::server {

enum class ConfigLanguage : std::uint8_t { kCaddyfile, kJson };

// `caddyfile` or `json`.
std::optional<ConfigLanguage> config_language(std::string_view name);

// By the name, `*.json`, `Caddyfile*`, `*.caddyfile`; else by how the text begins.
ConfigLanguage language_of(const ConfigSource& source);

// Reads a whole file, or standard input for `-`.
Result<ConfigSource> read_config_file(const std::string& file);

Result<Config> parse_config(const ConfigSource& source, std::optional<ConfigLanguage> language,
                            Environment& environment);

}  // namespace durable_streams::server

// What a run of durable-streams-attack is asked to do, as its command line says it.
#pragma once

#include <durable_streams/result.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace durable_streams::bench {

struct AttackOptions {
  std::string kind;
  std::string url = "http://127.0.0.1:4437/v1/stream";
  std::size_t connections = 100;
  double seconds = 5;
  double rate = 1000;  // connections begun a second at the most
};

// Reads `KIND [--flag VALUE]...`. Which kinds there are is the script's to know.
Result<AttackOptions> parse_attack_options(std::span<const char* const> arguments);

// The text of `--help`.
std::string_view attack_help();

}  // namespace durable_streams::bench

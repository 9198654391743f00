// What the program can be told to do: one table, from which parsing, help and suggestions all come.
#pragma once

#include <durable_streams/result.h>

#include <chrono>
#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/server.h"

namespace durable_streams::server {

// When a change to stored streams counts as committed; see FileStoreOptions.
struct DurabilityMode {
  Durability durability = Durability::kAlways;
  std::chrono::milliseconds sync_interval{};  // of kInterval
};

// What is asked of `token`.
struct TokenOptions {
  std::string name;
  std::string rights;
  std::vector<std::string> paths;
  std::string expires;
  bool from_input = false;
};

// What flags set.
struct CommandOptions {
  ServerOptions server;
  std::optional<DurabilityMode> durability;
  bool repair = false;  // of fsck
  std::string backup_to;
  TokenOptions token;
};

struct Flag {
  std::string_view name;   // `--listen`
  std::string_view value;  // what stands for its value in the help; empty: it takes none
  std::string_view help;
  Status (*apply)(std::string_view value, CommandOptions& options);
};

struct Terminal {
  std::ostream& out;
  std::ostream& err;
  std::istream* in = nullptr;  // null: nothing comes in
};

struct Command {
  std::string_view name;
  std::string_view argument;  // what may follow the name besides flags, or nothing
  std::string_view summary;
  std::string_view details;
  std::span<const Flag> flags;
  // Called when all flags are applied, for what they mean only together. Null: nothing.
  Status (*join)(CommandOptions& options) = nullptr;
  int (*run)(const CommandOptions& options, std::string_view argument, Terminal& terminal);
};

std::span<const Command> commands();

// Null: no such command.
const Command* find_command(std::string_view name);

std::string program_help();
std::string command_help(const Command& command);

}  // namespace durable_streams::server

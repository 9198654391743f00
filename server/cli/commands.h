// What the program can be told to do: one table, from which parsing, help and suggestions all come.
#pragma once

#include <durable_streams/result.h>

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/config/config.h"
#include "server/config/load.h"

namespace durable_streams::server {

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
  // Of dev.
  std::string listen = "localhost:4437";
  DurableStreamsConfig streams;
  std::optional<std::uint64_t> threads;

  // Of the commands about a data directory.
  std::string data_dir;
  bool repair = false;
  std::string backup_to;

  // Of the commands about a configuration, and about a server that runs.
  std::string config_file;
  std::optional<ConfigLanguage> language;
  std::string address;
  bool pretty = false;
  bool overwrite = false;

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

// The table of commands and flags, and the help that is made from it.
#include "server/cli/commands.h"

#include <durable_streams/version.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <ostream>
#include <vector>

#include "server/access/path_glob.h"
#include "server/access/rights_text.h"
#include "server/access/token_set.h"
#include "server/cli/dev_command.h"
#include "server/text/duration.h"
#include "server/cli/exit_code.h"
#include "server/text/nearest_name.h"
#include "server/cli/store_commands.h"
#include "server/cli/token_command.h"

namespace durable_streams::server {
namespace {

constexpr std::size_t kThreadsMax = 1024;

Status invalid(std::string message) {
  return Error{ErrorCode::kInvalidArgument, std::move(message), {}};
}

Status apply_listen(std::string_view value, CommandOptions& options) {
  Result<ListenAddress> address = parse_listen_address(value);
  if (!address) return std::move(address).error();
  options.server.listen = std::move(*address);
  return {};
}

Status apply_data_dir(std::string_view value, CommandOptions& options) {
  if (value.empty()) return invalid("the directory's name is empty");
  options.server.file_store.emplace().directory = value;
  return {};
}

// Reads a duration of a millisecond or more.
Status apply_duration(std::string_view value, std::chrono::milliseconds& to) {
  const Result<std::chrono::milliseconds> duration = parse_duration(value);
  if (!duration) return duration.error();
  if (duration->count() == 0) return invalid(fmt::format("'{}' is too short: at least 1ms", value));
  to = *duration;
  return {};
}

Status apply_durability(std::string_view value, CommandOptions& options) {
  constexpr std::string_view kIntervalPrefix = "interval:";
  DurabilityMode mode;
  if (value == "off") {
    mode.durability = Durability::kOff;
  } else if (value.starts_with(kIntervalPrefix)) {
    mode.durability = Durability::kInterval;
    const std::string_view interval = value.substr(kIntervalPrefix.size());
    if (Status applied = apply_duration(interval, mode.sync_interval); !applied) return applied;
  } else if (value != "always") {
    return invalid(fmt::format("'{}' is none of always, interval:D and off", value));
  }
  options.durability = mode;
  return {};
}

// Flags come in any order.
Status join_dev_flags(CommandOptions& options) {
  if (!options.durability) return {};
  if (!options.server.file_store) {
    return invalid("--durability says how a directory is kept: it needs --data-dir DIR");
  }
  options.server.file_store->durability = options.durability->durability;
  if (options.durability->durability == Durability::kInterval) {
    options.server.file_store->sync_interval = options.durability->sync_interval;
  }
  return {};
}

Status apply_long_poll_timeout(std::string_view value, CommandOptions& options) {
  return apply_duration(value, options.server.endpoint.long_poll_timeout);
}

Status apply_sse_reconnect_interval(std::string_view value, CommandOptions& options) {
  return apply_duration(value, options.server.endpoint.sse_reconnect_interval);
}

Status apply_threads(std::string_view value, CommandOptions& options) {
  std::size_t threads = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), threads);
  if (error != std::errc() || end != value.data() + value.size() || threads == 0 ||
      threads > kThreadsMax) {
    return invalid(fmt::format("'{}' is no number from 1 to {}", value, kThreadsMax));
  }
  options.server.threads = threads;
  return {};
}

constexpr std::array<Flag, 6> kDevFlags{{
    {"--listen", "ADDR",
     "Where to listen: HOST:PORT, :PORT for every interface, or PORT. Default localhost:4437;\n"
     "port 0 is any that is free.",
     apply_listen},
    {"--data-dir", "DIR",
     "Keep streams in DIR, durably. Default: in memory, gone when the server stops.",
     apply_data_dir},
    {"--durability", "MODE",
     "When a change in DIR is answered: 'always', when it is on the disk; 'interval:D', when it is "
     "written, to be\n"
     "on the disk within D; 'off', when it is written. Default always. See docs/operations.md for "
     "what each promises.",
     apply_durability},
    {"--long-poll-timeout", "D", "How long a long-poll waits for something new. Default 30s.",
     apply_long_poll_timeout},
    {"--sse-reconnect-interval", "D",
     "About how long an SSE response lasts before its client reconnects. Default 60s.",
     apply_sse_reconnect_interval},
    {"--threads", "N", "Event loops, each with a thread. Default: one for each core.",
     apply_threads},
}};

Status apply_repair(std::string_view, CommandOptions& options) {
  options.repair = true;
  return {};
}

constexpr Flag kDataDirFlag{"--data-dir", "DIR", "The directory, which no server has open.",
                            apply_data_dir};

constexpr std::array<Flag, 2> kFsckFlags{{
    kDataDirFlag,
    {"--repair", "",
     "Make a lost or damaged catalog anew, and remove what unfinished work has left.",
     apply_repair},
}};

Status apply_backup_to(std::string_view value, CommandOptions& options) {
  if (value.empty()) return invalid("the backup's directory has no name");
  options.backup_to = value;
  return {};
}

constexpr std::array<Flag, 2> kBackupFlags{{
    {"--data-dir", "DIR", "The directory, whether a server has it open or not.", apply_data_dir},
    {"--to", "DIR", "Where the backup goes: a new directory.", apply_backup_to},
}};

constexpr std::array<Flag, 1> kStatsFlags{{kDataDirFlag}};

Status apply_name(std::string_view value, CommandOptions& options) {
  options.token.name = value;
  return check_token_name(value);
}

Status apply_rights(std::string_view value, CommandOptions& options) {
  const Result<AccessRights> rights = parse_rights(value);
  if (!rights) return rights.error();
  options.token.rights = to_string(*rights);
  return {};
}

Status apply_paths(std::string_view value, CommandOptions& options) {
  std::vector<std::string>& paths = options.token.paths;
  while (true) {
    value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
    if (value.empty()) break;
    const std::size_t end = std::min(value.find(' '), value.size());
    paths.emplace_back(value.substr(0, end));
    value.remove_prefix(end);
  }
  const Result<std::vector<PathGlob>> globs =
      parse_stream_globs(std::vector<std::string_view>(paths.begin(), paths.end()));
  return globs ? Status() : Status(globs.error());
}

Status apply_expires(std::string_view value, CommandOptions& options) {
  options.token.expires = value;
  const Result<WallTime> expires = parse_expiry(value);
  return expires ? Status() : Status(expires.error());
}

Status apply_stdin(std::string_view, CommandOptions& options) {
  options.token.from_input = true;
  return {};
}

Status join_token_flags(CommandOptions& options) {
  if (options.token.name.empty()) return invalid("whose token? Say --name N");
  if (options.token.rights.empty()) return invalid("what may it do? Say --rights R");
  if (options.token.paths.empty()) options.token.paths.emplace_back("/*");
  return {};
}

constexpr std::array<Flag, 5> kTokenFlags{{
    {"--name", "N", "What the file calls it: letters, digits, '.', '_' and '-'.", apply_name},
    {"--rights", "R", "Some of read,write,create,delete; or all.", apply_rights},
    {"--paths", "P",
     "The URL paths of the streams that it is for, with blanks between; may be given again.\n"
     "'/v1/stream/chat/*' is all below chat. Default '/*', every stream.",
     apply_paths},
    {"--expires", "DATE", "From when on it is worth nothing: 2027-01-31, or 2027-01-31T12:00:00Z.",
     apply_expires},
    {"--stdin", "", "Make no token, but hash the one on the standard input.", apply_stdin},
}};

int print_version(const CommandOptions&, std::string_view, Terminal& terminal) {
  terminal.out << fmt::format("durable-streams-server {}\n", kVersion);
  return kExitDone;
}

int print_help(const CommandOptions&, std::string_view topic, Terminal& terminal) {
  if (topic.empty()) {
    terminal.out << program_help();
    return kExitDone;
  }
  const Command* const command = find_command(topic);
  if (command != nullptr) {
    terminal.out << command_help(*command);
    return kExitDone;
  }
  std::vector<std::string_view> names;
  for (const Command& each : commands()) names.push_back(each.name);
  const std::string_view nearest = nearest_name(topic, names);
  terminal.err << fmt::format(
      "durable-streams-server help: unknown command {}{}\n", topic,
      nearest.empty() ? std::string() : fmt::format("; did you mean {}?", nearest));
  return kExitUsage;
}

constexpr std::array<Command, 7> kCommands{{
    {.name = "dev",
     .argument = "",
     .summary = "Start a server for development: no configuration.",
     .details = "Durations D are written 30s, 1m30s, 500ms or 1d.\n\n"
                "Ctrl-C (SIGINT) or SIGTERM stops it: live responses end, what is in flight is "
                "answered, and after 10\n"
                "seconds at most it exits with status 0. A second signal stops it at once, with "
                "status 130 or 143.\n"
                "It exits with 1 when it cannot start, and with 2 when it does not understand its "
                "flags.\n",
     .flags = kDevFlags,
     .join = join_dev_flags,
     .run = run_dev},
    {.name = "fsck",
     .argument = "",
     .summary = "Check a data directory, byte by byte, and repair it.",
     .details =
         "It exits with 0 when nothing is damaged, or no longer; with 1 when something is, or "
         "the directory is in\n"
         "use; with 2 when it does not understand its flags.\n",
     .flags = kFsckFlags,
     .run = run_fsck},
    {.name = "backup",
     .argument = "",
     .summary = "Copy a data directory, also while a server uses it.",
     .details =
         "The copy is a data directory itself, and holds all that was answered before. It is "
         "called DIR.partial\nuntil it is whole. On the same disk it shares what never "
         "changes with the original.\n\n"
         "It exits with 0 when the copy is whole and on the disk; with 1 when there is none; "
         "with 2 when it does\nnot understand its flags.\n",
     .flags = kBackupFlags,
     .run = run_backup},
    {.name = "stats",
     .argument = "",
     .summary = "Tell what a data directory holds.",
     .details = "",
     .flags = kStatsFlags,
     .run = run_stats},
    {.name = "token",
     .argument = "",
     .summary = "Make an access token, and its line for a token file.",
     .details =
         "The line goes to standard output and the token, which is written down nowhere else, "
         "to standard error:\n\n"
         "  durable-streams-server token --name chat --rights read,write \\\n"
         "    --paths '/v1/stream/chat/*' >>/etc/durable-streams/tokens\n",
     .flags = kTokenFlags,
     .join = join_token_flags,
     .run = run_token},
    {.name = "version",
     .argument = "",
     .summary = "Print the version.",
     .details = "",
     .flags = {},
     .run = print_version},
    {.name = "help",
     .argument = "[COMMAND]",
     .summary = "Explain the program, or one command.",
     .details = "",
     .flags = {},
     .run = print_help},
}};

std::string flag_help(const Flag& flag) {
  std::string text =
      fmt::format("  {}{}{}\n      ", flag.name, flag.value.empty() ? "" : " ", flag.value);
  for (const char c : flag.help) text += c == '\n' ? std::string("\n      ") : std::string(1, c);
  return text + "\n";
}

}  // namespace

std::span<const Command> commands() { return kCommands; }

const Command* find_command(std::string_view name) {
  const auto command = std::find_if(kCommands.begin(), kCommands.end(),
                                    [&](const Command& each) { return each.name == name; });
  return command == kCommands.end() ? nullptr : &*command;
}

std::string program_help() {
  std::string text =
      "durable-streams-server serves append-only streams over HTTP.\n\n"
      "Usage: durable-streams-server COMMAND [FLAGS]\n\n"
      "Commands:\n";
  for (const Command& command : kCommands)
    text += fmt::format("  {:<10}{}\n", command.name, command.summary);
  return text + "\n'durable-streams-server help COMMAND' tells a command's flags.\n";
}

std::string command_help(const Command& command) {
  std::string text =
      fmt::format("{}\n\nUsage: durable-streams-server {}", command.summary, command.name);
  if (!command.argument.empty()) text += fmt::format(" {}", command.argument);
  if (!command.flags.empty()) text += " [FLAGS]\n\nFlags:";
  text += "\n";
  for (const Flag& flag : command.flags) text += flag_help(flag);
  if (!command.details.empty()) text += fmt::format("\n{}", command.details);
  return text;
}

}  // namespace durable_streams::server

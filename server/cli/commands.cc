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
#include "server/cli/completion.h"
#include "server/cli/config_commands.h"
#include "server/cli/dev_command.h"
#include "server/cli/exit_code.h"
#include "server/cli/running_commands.h"
#include "server/cli/store_commands.h"
#include "server/cli/token_command.h"
#include "server/config/options.h"
#include "server/net/listen_address.h"
#include "server/text/nearest_name.h"

namespace durable_streams::server {
namespace {

constexpr std::size_t kThreadsMax = 1024;

Status invalid(std::string message) {
  return Error{ErrorCode::kInvalidArgument, std::move(message), {}};
}

Status apply_listen(std::string_view value, CommandOptions& options) {
  const Result<ListenAddress> address = parse_listen_address(value);
  if (!address) return address.error();
  options.listen = value;
  return {};
}

// Sets an option of durable_streams, as a Caddyfile would.
Status apply_option(std::string_view name, std::string_view value, CommandOptions& options) {
  for (const Option<DurableStreamsConfig>& option : durable_streams_options()) {
    if (option.name != name) continue;
    const std::vector<std::string> words{std::string(value)};
    Status set = set_option(options.streams, option, words);
    if (set.ok()) return set;
    // The flag's own name stands before it.
    return invalid(set.error().message.substr(name.size() + 2));
  }
  return {};
}

Status apply_dev_data_dir(std::string_view value, CommandOptions& options) {
  if (value.empty()) return invalid("the directory's name is empty");
  return apply_option("data_dir", value, options);
}

Status apply_durability(std::string_view value, CommandOptions& options) {
  return apply_option("durability", value, options);
}

// Flags come in any order.
Status join_dev_flags(CommandOptions& options) {
  if (!options.streams.durability || options.streams.data_dir) return {};
  return invalid("--durability says how a directory is kept: it needs --data-dir DIR");
}

Status apply_long_poll_timeout(std::string_view value, CommandOptions& options) {
  return apply_option("long_poll_timeout", value, options);
}

Status apply_sse_reconnect_interval(std::string_view value, CommandOptions& options) {
  return apply_option("sse_reconnect_interval", value, options);
}

Status apply_threads(std::string_view value, CommandOptions& options) {
  std::size_t threads = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), threads);
  if (error != std::errc() || end != value.data() + value.size() || threads == 0 ||
      threads > kThreadsMax) {
    return invalid(fmt::format("'{}' is no number from 1 to {}", value, kThreadsMax));
  }
  options.threads = threads;
  return {};
}

Status apply_data_dir(std::string_view value, CommandOptions& options) {
  if (value.empty()) return invalid("the directory's name is empty");
  options.data_dir = value;
  return {};
}

Status apply_config(std::string_view value, CommandOptions& options) {
  if (value.empty()) return invalid("the file's name is empty");
  options.config_file = value;
  return {};
}

Status apply_adapter(std::string_view value, CommandOptions& options) {
  options.language = config_language(value);
  if (!options.language) return invalid(fmt::format("'{}' is neither caddyfile nor json", value));
  return {};
}

Status apply_pretty(std::string_view, CommandOptions& options) {
  options.pretty = true;
  return {};
}

Status apply_overwrite(std::string_view, CommandOptions& options) {
  options.overwrite = true;
  return {};
}

Status apply_address(std::string_view value, CommandOptions& options) {
  if (value.starts_with("http://")) value.remove_prefix(7);
  if (value.ends_with('/')) value.remove_suffix(1);
  const Result<ListenAddress> address = parse_listen_address(value);
  if (!address) return address.error();
  options.address = value;
  return {};
}

constexpr Flag kConfigFlag{"--config", "FILE",
                           "The configuration, or - for standard input. Default: Caddyfile, if "
                           "there is one here.",
                           apply_config};
constexpr Flag kAdapterFlag{"--adapter", "LANGUAGE",
                            "In which it is written: caddyfile or json. Default: as its name and "
                            "its beginning tell.",
                            apply_adapter};
constexpr Flag kAddressFlag{
    "--address", "ADDR",
    "The server's admin endpoint. Default: the one that the configuration "
    "names, or with 'admin off'\nthe control socket in its data_dir; without "
    "a configuration localhost:2019.",
    apply_address};

constexpr std::array<Flag, 2> kConfigFlags{{kConfigFlag, kAdapterFlag}};
constexpr std::array<Flag, 3> kAdaptFlags{{
    kConfigFlag,
    kAdapterFlag,
    {"--pretty", "", "Indent it, for people.", apply_pretty},
}};
constexpr std::array<Flag, 1> kFmtFlags{{
    {"--overwrite", "", "Write the result to FILE.", apply_overwrite},
}};
constexpr std::array<Flag, 3> kAskFlags{{kConfigFlag, kAdapterFlag, kAddressFlag}};

constexpr std::array<Flag, 6> kDevFlags{{
    {"--listen", "ADDR",
     "Where to listen: HOST:PORT, :PORT for every interface, or PORT. Default localhost:4437;\n"
     "port 0 is any that is free.",
     apply_listen},
    {"--data-dir", "DIR",
     "Keep streams in DIR, durably. Default: in memory, gone when the server stops.",
     apply_dev_data_dir},
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

int print_completion(const CommandOptions&, std::string_view shell, Terminal& terminal) {
  const std::string script = completion_script(shell);
  if (script.empty()) {
    terminal.err << "durable-streams-server completion: for which shell? Say bash, zsh or fish\n";
    return kExitUsage;
  }
  terminal.out << script;
  return kExitDone;
}

constexpr std::array<Command, 15> kCommands{{
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
    {.name = "run",
     .argument = "",
     .summary = "Start a server that a configuration describes.",
     .details =
         "SIGHUP has it read the configuration again, as 'reload' does: one that is wrong is told "
         "of, and what\nwas served before is served on. SIGINT and SIGTERM stop it: live responses "
         "end, what is in flight is\nanswered, and after grace_period (10s) at most it exits with "
         "status 0.\n\n"
         "It exits with 1 when the configuration is wrong or it cannot start, and with 2 when it "
         "does not understand\nits flags.\n",
     .flags = kConfigFlags,
     .run = run_run},
    {.name = "validate",
     .argument = "",
     .summary = "Tell whether a configuration is right.",
     .details = "It exits with 0 when it is, with 1 when it is not, and says where and why.\n",
     .flags = kConfigFlags,
     .run = run_validate},
    {.name = "adapt",
     .argument = "",
     .summary = "Print a configuration as JSON.",
     .details = "",
     .flags = kAdaptFlags,
     .run = run_adapt},
    {.name = "fmt",
     .argument = "[FILE]",
     .summary = "Print a Caddyfile as everybody writes it.",
     .details = "FILE is Caddyfile unless it is named; - is standard input. It exits with 0 when "
                "nothing differs or with\n--overwrite, and with 1 when something does.\n",
     .flags = kFmtFlags,
     .run = run_fmt},
    {.name = "reload",
     .argument = "",
     .summary = "Have a server that runs serve another configuration.",
     .details =
         "No connection is dropped. It exits with 0 when it is served, and with 1 when it is "
         "refused, with the reason:\nthen all is served as before.\n",
     .flags = kAskFlags,
     .run = run_reload},
    {.name = "stop",
     .argument = "",
     .summary = "Stop a server that runs, as SIGTERM does.",
     .details = "",
     .flags = kAskFlags,
     .run = run_stop},
    {.name = "health",
     .argument = "",
     .summary = "Tell whether a server that runs is ready for requests.",
     .details = "It exits with 0 when it is; with 1 when it is not, or does not answer; for the "
                "probes of containers.\n",
     .flags = kAskFlags,
     .run = run_health},
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
    {.name = "completion",
     .argument = "SHELL",
     .summary = "Print what completes these commands in bash, zsh or fish.",
     .details = "  source <(durable-streams-server completion bash)\n",
     .flags = {},
     .run = print_completion},
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
    text += fmt::format("  {:<12}{}\n", command.name, command.summary);
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

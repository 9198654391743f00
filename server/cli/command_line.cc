// Mistakes name what was typed, suggest what may have been meant and end with kExitUsage.
#include "server/cli/command_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "server/cli/exit_code.h"
#include "server/text/nearest_name.h"

namespace durable_streams::server {
namespace {

constexpr std::string_view kProgram = "durable-streams-server";

bool asks_for_help(std::string_view argument) { return argument == "--help" || argument == "-h"; }

template <class Named>
std::string suggestion(std::string_view typed, std::span<const Named> all) {
  std::vector<std::string_view> names;
  for (const Named& each : all) names.push_back(each.name);
  const std::string_view nearest = nearest_name(typed, names);
  return nearest.empty() ? std::string() : fmt::format("; did you mean {}?", nearest);
}

int usage_error(Terminal& terminal, const Command* command, std::string_view message) {
  const std::string where = command == nullptr ? std::string() : fmt::format(" {}", command->name);
  terminal.err << fmt::format("{}{}: {}\nTry '{} help{}'.\n", kProgram, where, message, kProgram,
                              where);
  return kExitUsage;
}

const Flag* find_flag(const Command& command, std::string_view name) {
  const auto flag = std::find_if(command.flags.begin(), command.flags.end(),
                                 [&](const Flag& each) { return each.name == name; });
  return flag == command.flags.end() ? nullptr : &*flag;
}

// Reads the flag at the front, `--flag VALUE`, `--flag=VALUE` or `--flag`, into `options`.
Status take_flag(const Command& command, std::span<const std::string_view>& arguments,
                 CommandOptions& options) {
  const auto invalid = [](std::string message) {
    return Error{ErrorCode::kInvalidArgument, std::move(message), {}};
  };
  const std::string_view argument = arguments.front();
  arguments = arguments.subspan(1);
  const std::size_t equals = argument.find('=');
  const std::string_view name = argument.substr(0, equals);
  const Flag* const flag = find_flag(command, name);
  if (flag == nullptr)
    return invalid(fmt::format("unknown flag {}{}", name, suggestion(name, command.flags)));
  std::string_view value;
  if (flag->value.empty()) {
    if (equals != std::string_view::npos) return invalid(fmt::format("{} takes no value", name));
  } else if (equals != std::string_view::npos) {
    value = argument.substr(equals + 1);
  } else if (!arguments.empty()) {
    value = arguments.front();
    arguments = arguments.subspan(1);
  } else {
    return invalid(fmt::format("{} needs a value: {} {}", name, name, flag->value));
  }
  const Status applied = flag->apply(value, options);
  if (!applied) return invalid(fmt::format("{}: {}", name, applied.error().message));
  return {};
}

int run_command(const Command& command, std::span<const std::string_view> arguments,
                Terminal& terminal) {
  if (std::any_of(arguments.begin(), arguments.end(), asks_for_help)) {
    terminal.out << command_help(command);
    return kExitDone;
  }
  CommandOptions options;
  std::optional<std::string_view> argument;
  while (!arguments.empty()) {
    if (arguments.front().starts_with('-')) {
      const Status taken = take_flag(command, arguments, options);
      if (!taken) return usage_error(terminal, &command, taken.error().message);
      continue;
    }
    if (command.argument.empty() || argument) {
      return usage_error(terminal, &command,
                         fmt::format("'{}' means nothing here", arguments.front()));
    }
    argument = arguments.front();
    arguments = arguments.subspan(1);
  }
  if (command.join != nullptr) {
    const Status joined = command.join(options);
    if (!joined) return usage_error(terminal, &command, joined.error().message);
  }
  return command.run(options, argument.value_or(""), terminal);
}

}  // namespace

int run_command_line(std::span<const std::string_view> arguments, Terminal& terminal) {
  if (arguments.empty()) {
    terminal.err << program_help();
    return kExitUsage;
  }
  std::string_view name = arguments.front();
  if (name == "--version") name = "version";
  if (asks_for_help(name)) name = "help";
  const Command* const command = find_command(name);
  if (command != nullptr) return run_command(*command, arguments.subspan(1), terminal);
  const std::string_view kind = name.starts_with('-') ? "flag" : "command";
  return usage_error(terminal, nullptr,
                     fmt::format("unknown {} {}{}", kind, name, suggestion(name, commands())));
}

}  // namespace durable_streams::server

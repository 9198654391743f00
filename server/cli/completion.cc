// Commands behind the program's name, a command's flags behind a dash, files everywhere else.
#include "server/cli/completion.h"

#include <fmt/format.h>

#include "server/cli/commands.h"

namespace durable_streams::server {
namespace {

std::string command_names() {
  std::string names;
  for (const Command& command : commands())
    names += fmt::format("{}{}", names.empty() ? "" : " ", command.name);
  return names;
}

std::string flag_names(const Command& command) {
  std::string names = "--help";
  for (const Flag& flag : command.flags) names += fmt::format(" {}", flag.name);
  return names;
}

// Single quotes do not end in what is put between them.
std::string quotable(std::string_view text) {
  std::string quoted;
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted;
}

std::string bash_script() {
  std::string cases;
  for (const Command& command : commands())
    cases += fmt::format("    {}) words='{}' ;;\n", command.name, flag_names(command));
  return fmt::format(
      "_durable_streams_server() {{\n"
      "  local words=\n"
      "  COMPREPLY=()\n"
      "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
      "    COMPREPLY=($(compgen -W '{}' -- \"$2\"))\n"
      "    return\n"
      "  fi\n"
      "  case \"${{COMP_WORDS[1]}}\" in\n"
      "{}"
      "  esac\n"
      "  case \"$2\" in\n"
      "    -*) COMPREPLY=($(compgen -W \"$words\" -- \"$2\")) ;;\n"
      "    *) COMPREPLY=($(compgen -f -- \"$2\")) ;;\n"
      "  esac\n"
      "}}\n"
      "complete -F _durable_streams_server durable-streams-server\n",
      command_names(), cases);
}

std::string zsh_script() {
  std::string names;
  std::string cases;
  for (const Command& command : commands()) {
    names += fmt::format("    '{}:{}'\n", command.name, quotable(command.summary));
    std::string arguments = " '*:file:_files'";
    for (const Flag& flag : command.flags)
      arguments += fmt::format(" '{}{}'", flag.name, flag.value.empty() ? "" : ":value:_files");
    cases += fmt::format("    {}) _arguments{} ;;\n", command.name, arguments);
  }
  return fmt::format(
      "#compdef durable-streams-server\n"
      "_durable_streams_server() {{\n"
      "  local -a commands=(\n"
      "{}"
      "  )\n"
      "  if (( CURRENT == 2 )); then\n"
      "    _describe command commands\n"
      "    return\n"
      "  fi\n"
      "  local command=$words[2]\n"
      "  shift words\n"
      "  (( CURRENT-- ))\n"
      "  case $command in\n"
      "{}"
      "  esac\n"
      "}}\n"
      "compdef _durable_streams_server durable-streams-server\n",
      names, cases);
}

std::string fish_script() {
  std::string script = fmt::format(
      "complete -c durable-streams-server -n __fish_use_subcommand -f -a '{}'\n", command_names());
  for (const Command& command : commands()) {
    for (const Flag& flag : command.flags) {
      script += fmt::format(
          "complete -c durable-streams-server -n '__fish_seen_subcommand_from {}' -l {}{}\n",
          command.name, flag.name.substr(2), flag.value.empty() ? "" : " -r");
    }
  }
  return script;
}

}  // namespace

std::string completion_script(std::string_view shell) {
  if (shell == "bash") return bash_script();
  if (shell == "zsh") return zsh_script();
  if (shell == "fish") return fish_script();
  return {};
}

}  // namespace durable_streams::server

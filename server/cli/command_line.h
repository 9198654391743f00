// From the program's arguments to its exit code.
#pragma once

#include <span>
#include <string_view>

#include "server/cli/commands.h"

namespace durable_streams::server {

// `arguments` without the program's name. Returns when the command is done, for a server when it
// was stopped.
int run_command_line(std::span<const std::string_view> arguments, Terminal& terminal);

}  // namespace durable_streams::server

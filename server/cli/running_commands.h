// The commands that start a server from a configuration, and those that ask one that runs.
#pragma once

#include <string_view>

#include "server/cli/commands.h"

namespace durable_streams::server {

int run_run(const CommandOptions& options, std::string_view, Terminal& terminal);
int run_reload(const CommandOptions& options, std::string_view, Terminal& terminal);
int run_stop(const CommandOptions& options, std::string_view, Terminal& terminal);
int run_health(const CommandOptions& options, std::string_view, Terminal& terminal);

}  // namespace durable_streams::server

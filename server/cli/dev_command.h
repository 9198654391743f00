// `dev`: a server that needs no configuration.
#pragma once

#include <string_view>

#include "server/cli/commands.h"

namespace durable_streams::server {

// Says where it listens, then serves until a signal stops it.
int run_dev(const CommandOptions& options, std::string_view argument, Terminal& terminal);

}  // namespace durable_streams::server

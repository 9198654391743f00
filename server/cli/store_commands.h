// `fsck` and `stats`: what a data directory holds that no server has open.
#pragma once

#include <string_view>

#include "server/cli/commands.h"

namespace durable_streams::server {

// Tells of each thing found on a line. kExitDone: nothing is damaged, or no longer.
int run_fsck(const CommandOptions& options, std::string_view argument, Terminal& terminal);

int run_stats(const CommandOptions& options, std::string_view argument, Terminal& terminal);

}  // namespace durable_streams::server

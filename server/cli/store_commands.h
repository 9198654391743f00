// `fsck` and `stats`: what a data directory holds that no server has open. `backup`: a copy of one,
// by the server that has it open, if any has.
#pragma once

#include <string_view>

#include "server/cli/commands.h"

namespace durable_streams::server {

// Tells of each thing found on a line. kExitDone: nothing is damaged, or no longer.
int run_fsck(const CommandOptions& options, std::string_view argument, Terminal& terminal);

int run_backup(const CommandOptions& options, std::string_view argument, Terminal& terminal);

int run_stats(const CommandOptions& options, std::string_view argument, Terminal& terminal);

}  // namespace durable_streams::server

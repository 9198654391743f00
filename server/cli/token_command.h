// `token`: makes an access token, or hashes one.
#pragma once

#include <string_view>

#include "server/cli/commands.h"

namespace durable_streams::server {

int run_token(const CommandOptions& options, std::string_view argument, Terminal& terminal);

}  // namespace durable_streams::server

// The commands that look at a configuration without serving it.
#pragma once

#include <durable_streams/result.h>

#include <string_view>

#include "server/cli/commands.h"
#include "server/config/config.h"

namespace durable_streams::server {

// The configuration that the flags name, or `Caddyfile` where there is one. The error is what to
// print.
Result<Config> load_named_config(const CommandOptions& options);

// Whether there is a `Caddyfile` here.
bool has_default_config();

int run_validate(const CommandOptions& options, std::string_view, Terminal& terminal);
int run_adapt(const CommandOptions& options, std::string_view, Terminal& terminal);
int run_fmt(const CommandOptions& options, std::string_view file, Terminal& terminal);

}  // namespace durable_streams::server

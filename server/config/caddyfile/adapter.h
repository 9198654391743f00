// A Caddyfile's meaning.
#pragma once

#include <durable_streams/result.h>

#include "server/config/config.h"
#include "server/config/source.h"

namespace durable_streams::server {

// Errors point at the place (error_at()). Nothing is ignored: what this server does not have is an
// error.
Result<Config> parse_caddyfile(const ConfigSource& source, Environment& environment);

}  // namespace durable_streams::server

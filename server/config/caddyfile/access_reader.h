// What stands in an `authorize` block.
#pragma once

#include <durable_streams/result.h>

#include "server/config/caddyfile/directive_reader.h"
#include "server/config/config.h"

namespace durable_streams::server {

// `tokens FILE`, `anonymous RIGHTS [PATH...]`, `rate N/s [BURST]`, `anonymous_rate N/s [BURST]`.
Result<AuthorizeConfig> read_authorize_block(const DirectiveReader& reader, const Block& block);

}  // namespace durable_streams::server

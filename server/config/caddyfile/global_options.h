// The block of options before a Caddyfile's sites.
#pragma once

#include <durable_streams/result.h>

#include <optional>
#include <string>
#include <vector>

#include "server/config/caddyfile/directive_reader.h"
#include "server/config/config.h"

namespace durable_streams::server {

// What holds for all sites.
struct SiteDefaults {
  std::vector<std::string> trusted_proxies;
  HttpLimitsConfig limits;
};

// Sets what the block says in `config` and `defaults`.
Status read_global_options(const DirectiveReader& reader, const Block& block, Config& config,
                           SiteDefaults& defaults);

// `log { level, format, output }`, of the server or of a site; also without a block.
Result<LogConfig> read_log(const DirectiveReader& reader, const Directive& directive);

}  // namespace durable_streams::server

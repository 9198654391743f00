// A Caddyfile as directives and blocks, whatever they mean.
#pragma once

#include <durable_streams/result.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/config/caddyfile/lexer.h"
#include "server/config/source.h"

namespace durable_streams::server {

struct Directive;

struct Block {
  std::vector<Directive> directives;
};

// A line: a name, its arguments, and what stands in braces behind them.
struct Directive {
  Word name;
  std::vector<Word> arguments;
  std::optional<Block> block;
};

struct SiteBlock {
  std::vector<Word> addresses;
  Block block;
};

struct CaddyfileTree {
  std::optional<Block> global;
  std::vector<SiteBlock> sites;
};

Result<CaddyfileTree> parse_caddyfile_tree(const ConfigSource& source, Environment& environment);

}  // namespace durable_streams::server

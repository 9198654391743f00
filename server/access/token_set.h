// The tokens of one file, as they stood in it at one time.
#pragma once

#include <durable_streams/clock.h>
#include <durable_streams/result.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/access/access_limits.h"
#include "server/access/path_glob.h"
#include "server/access/rate_limiter.h"
#include "server/access/token_hash.h"
#include "server/config/config.h"

namespace durable_streams::server {

// Where a token was right lately. Threads: any.
class KnownAddresses {
 public:
  bool knows(std::uint64_t address) const;
  // The one that was added longest ago makes room.
  void add(std::uint64_t address);

 private:
  std::array<std::atomic<std::uint64_t>, kKnownAddressesPerToken> addresses_{};
  std::atomic<std::size_t> next_{0};
};

// What becomes of a token while it is used; outlives the reading of its file. Threads: any.
struct TokenUse {
  RateBucket requests;
  KnownAddresses addresses;
};

// A line of the file.
struct Token {
  std::string name;
  TokenHash hash;
  AccessRights rights;
  std::vector<PathGlob> paths;
  WallTime expires = kNever;  // from here on it is nobody's
  std::shared_ptr<TokenUse> use;
};

// The format is in docs/access.md. Threads: any, once made.
class TokenSet {
 public:
  // Errors are `FILE:LINE: what is wrong`, and repeat nothing that may be a token.
  static Result<TokenSet> parse(std::string_view text, std::string_view file);

  std::size_t size() const { return tokens_.size(); }

  // Null: there is no such token. An expired one is found.
  const Token* find(const TokenHash& hash) const;

  // Takes over what `before` knows of the tokens that are in both.
  void keep_use_of(const TokenSet& before);

 private:
  std::vector<Token> tokens_;  // by hash
};

// `2027-01-31` (its first moment, UTC) or `2027-01-31T12:00:00Z`.
Result<WallTime> parse_expiry(std::string_view text);

// Letters, digits, `.`, `_` and `-`.
Status check_token_name(std::string_view name);

}  // namespace durable_streams::server

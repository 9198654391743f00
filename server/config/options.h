// The options of an endpoint and the limits of HTTP, in one table each: both configuration
// languages, their errors, the schema and the reference are made from it.
#pragma once

#include <durable_streams/result.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "server/config/config.h"

namespace durable_streams::server {

enum class OptionKind : std::uint8_t {
  kText,
  kCount,
  kBytes,
  kDuration,
  kDurability,
  kCacheScope,
  kOrigins,
};

template <class Owner>
struct Option {
  using Member =
      std::variant<std::optional<std::string> Owner::*, std::optional<std::uint64_t> Owner::*,
                   std::optional<Milliseconds> Owner::*, std::optional<DurabilityConfig> Owner::*,
                   std::optional<CacheScope> Owner::*,
                   std::optional<std::vector<std::string>> Owner::*>;

  std::string_view name;
  OptionKind kind;
  Member member;
  std::uint64_t least;        // of a count, of bytes, of milliseconds
  std::string_view standard;  // what it is when it is not set, for people
  std::string_view help;      // a sentence
};

std::span<const Option<DurableStreamsConfig>> durable_streams_options();
std::span<const Option<HttpLimitsConfig>> http_limit_options();

// `DIR`, `N`, `SIZE`: what stands for the value in a syntax line.
std::string_view placeholder(OptionKind kind);

// Values as a Caddyfile writes them, one or several words. Errors say what would have been right.
template <class Owner>
Status set_option(Owner& owner, const Option<Owner>& option, std::span<const std::string> words);

extern template Status set_option(DurableStreamsConfig&, const Option<DurableStreamsConfig>&,
                                  std::span<const std::string>);
extern template Status set_option(HttpLimitsConfig&, const Option<HttpLimitsConfig>&,
                                  std::span<const std::string>);

// `always`, `interval:100ms`, `off`: as one word.
std::string durability_text(const DurabilityConfig& durability);

// `100/s`, `30/m`, `1000/h`.
Result<double> parse_rate(std::string_view text);
std::string rate_text(double per_second);

}  // namespace durable_streams::server

// Paths of streams are globs over the whole URL path (server/access/path_glob.h).
#include "server/config/caddyfile/access_reader.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <utility>

#include "server/access/path_glob.h"
#include "server/access/rights_text.h"
#include "server/config/options.h"

namespace durable_streams::server {
namespace {

Result<RateLimit> read_rate(const DirectiveReader& reader, const Directive& line) {
  const std::string syntax = fmt::format("{} 100/s [BURST]", line.name.text);
  if (Status right = reader.expect(line, 1, 2, syntax); !right) return right.error();
  const Result<double> rate = parse_rate(line.arguments[0].text);
  if (!rate) return reader.at(line.arguments[0], rate.error().message);
  RateLimit limit{.per_second = *rate, .burst = {}};
  if (line.arguments.size() == 1) return limit;
  const std::string& text = line.arguments[1].text;
  std::uint64_t burst = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), burst);
  if (error != std::errc() || end != text.data() + text.size() || burst == 0)
    return reader.at(line.arguments[1],
                     fmt::format("'{}' is no number of requests, of 1 or more", text));
  limit.burst = burst;
  return limit;
}

Result<AnonymousConfig> read_anonymous(const DirectiveReader& reader, const Directive& line) {
  if (Status right = reader.expect(line, 1, SIZE_MAX, "anonymous RIGHTS [PATH...]"); !right)
    return right.error();
  const Result<AccessRights> rights = parse_rights(line.arguments[0].text);
  if (!rights) return reader.at(line.arguments[0], rights.error().message);
  AnonymousConfig anonymous{.rights = *rights, .streams = {}};
  for (const Word& word : std::span(line.arguments).subspan(1)) {
    if (const Result<PathGlob> glob = PathGlob::parse(word.text); !glob)
      return reader.at(word, glob.error().message);
    anonymous.streams.push_back(word.text);
  }
  return anonymous;
}

Status said_already(const DirectiveReader& reader, const Directive& line) {
  return reader.at(line.name, fmt::format("{} was said already", line.name.text));
}

}  // namespace

Result<AuthorizeConfig> read_authorize_block(const DirectiveReader& reader, const Block& block) {
  constexpr std::array<std::string_view, 4> kNames{"anonymous", "anonymous_rate", "rate", "tokens"};
  AuthorizeConfig authorize;
  for (const Directive& line : block.directives) {
    const std::string& name = line.name.text;
    if (name == "tokens") {
      if (authorize.token_file) return said_already(reader, line).error();
      if (Status right = reader.expect(line, 1, 1, "tokens FILE"); !right) return right.error();
      authorize.token_file = line.arguments.front().text;
    } else if (name == "anonymous") {
      Result<AnonymousConfig> anonymous = read_anonymous(reader, line);
      if (!anonymous) return anonymous.error();
      authorize.anonymous.push_back(std::move(*anonymous));
    } else if (name == "rate" || name == "anonymous_rate") {
      std::optional<RateLimit>& to =
          name == "rate" ? authorize.rate_per_token : authorize.rate_per_address;
      if (to) return said_already(reader, line).error();
      Result<RateLimit> rate = read_rate(reader, line);
      if (!rate) return rate.error();
      to = *rate;
    } else {
      return reader.unknown(line.name, "option of authorize", kNames);
    }
  }
  return authorize;
}

}  // namespace durable_streams::server

// A line is read field by field; the first mistake refuses the file.
#include "server/access/token_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <optional>
#include <utility>

#include "server/access/rights_text.h"
#include "server/http/characters.h"

namespace durable_streams::server {
namespace {

constexpr std::string_view kExpires = "expires=";
constexpr CharacterSet kNameChars = alphanumerics_and("._-");

Error invalid(std::string message) {
  return Error{ErrorCode::kInvalidArgument, std::move(message), {}};
}

// The fields of a line, up to its comment.
std::vector<std::string_view> fields_of(std::string_view line) {
  std::vector<std::string_view> fields;
  std::size_t at = 0;
  while (true) {
    at = std::min(line.find_first_not_of(" \t", at), line.size());
    if (at == line.size() || line[at] == '#') return fields;
    const std::size_t end = std::min(line.find_first_of(" \t", at), line.size());
    fields.push_back(line.substr(at, end - at));
    at = end;
  }
}

Result<Token> parse_fields(std::span<const std::string_view> fields) {
  constexpr std::string_view kShape = "a line is: NAME HASH RIGHTS PATH... [expires=DATE]";
  if (fields.size() < 4) return invalid(fmt::format("something is missing; {}", kShape));
  Token token;
  if (Status named = check_token_name(fields[0]); !named) return std::move(named).error();
  token.name = fields[0];
  Result<TokenHash> hash = TokenHash::parse(fields[1]);
  if (!hash) return std::move(hash).error();
  token.hash = *hash;
  Result<AccessRights> rights = parse_rights(fields[2]);
  if (!rights) return std::move(rights).error();
  token.rights = *rights;
  fields = fields.subspan(3);
  if (fields.back().starts_with(kExpires)) {
    Result<WallTime> expires = parse_expiry(fields.back().substr(kExpires.size()));
    if (!expires) return std::move(expires).error();
    token.expires = *expires;
    fields = fields.first(fields.size() - 1);
  }
  if (fields.empty()) return invalid(fmt::format("there is no path; {}", kShape));
  Result<std::vector<PathGlob>> paths = parse_stream_globs(fields);
  if (!paths) return std::move(paths).error();
  token.paths = std::move(*paths);
  token.use = std::make_shared<TokenUse>();
  return token;
}

Result<std::optional<Token>> parse_line(std::string_view line) {
  const bool control =
      std::any_of(line.begin(), line.end(), [](char c) { return !is_field_char(c); });
  if (control) return invalid("a control character stands there");
  const std::vector<std::string_view> fields = fields_of(line);
  if (fields.empty()) return std::optional<Token>();
  Result<Token> token = parse_fields(fields);
  if (!token) return std::move(token).error();
  return std::optional<Token>(std::move(*token));
}

// Reads a number of as many digits as `text` has.
bool read_digits(std::string_view text, int& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && text[0] != '-';
}

// What `pattern` has a digit for, in groups that anything else divides; the rest is as it stands.
template <std::size_t N>
bool read_numbers(std::string_view text, std::string_view pattern, std::array<int, N>& numbers) {
  if (text.size() != pattern.size()) return false;
  std::size_t group = 0;
  for (std::size_t at = 0; at < text.size();) {
    if (pattern[at] != '0') {
      if (text[at] != pattern[at]) return false;
      ++at;
      continue;
    }
    const std::size_t end = std::min(pattern.find_first_not_of('0', at), pattern.size());
    if (!read_digits(text.substr(at, end - at), numbers[group++])) return false;
    at = end;
  }
  return true;
}

// Whether two neighbours have the same in `member`; gives the second of them.
template <class T>
const Token* first_twin(std::vector<const Token*>& tokens, T Token::*member) {
  std::stable_sort(tokens.begin(), tokens.end(),
                   [&](const Token* a, const Token* b) { return a->*member < b->*member; });
  const auto twin =
      std::adjacent_find(tokens.begin(), tokens.end(),
                         [&](const Token* a, const Token* b) { return a->*member == b->*member; });
  return twin == tokens.end() ? nullptr : *(twin + 1);
}

}  // namespace

bool KnownAddresses::knows(std::uint64_t address) const {
  return std::any_of(addresses_.begin(), addresses_.end(), [&](const auto& each) {
    return each.load(std::memory_order_relaxed) == address;
  });
}

void KnownAddresses::add(std::uint64_t address) {
  const std::size_t place = next_.fetch_add(1, std::memory_order_relaxed) % addresses_.size();
  addresses_[place].store(address, std::memory_order_relaxed);
}

Result<TokenSet> TokenSet::parse(std::string_view text, std::string_view file) {
  TokenSet set;
  std::vector<std::size_t> lines;  // of each token
  std::size_t number = 0;
  const auto wrong = [&](std::size_t line, std::string_view what) {
    return invalid(fmt::format("{}:{}: {}", file, line, what));
  };
  while (!text.empty()) {
    ++number;
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) {
      return wrong(number, "the last line has no end: is the file still being written?");
    }
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    Result<std::optional<Token>> token = parse_line(line);
    if (!token) return wrong(number, token.error().message);
    if (!*token) continue;
    if (set.size() == kTokensMax) {
      return wrong(number, fmt::format("a file holds at most {} tokens", kTokensMax));
    }
    set.tokens_.push_back(std::move(**token));
    lines.push_back(number);
  }
  std::vector<const Token*> order;
  for (const Token& token : set.tokens_) order.push_back(&token);
  const auto line_of = [&](const Token* token) {
    return lines[static_cast<std::size_t>(token - set.tokens_.data())];
  };
  if (const Token* twin = first_twin(order, &Token::name)) {
    return wrong(line_of(twin), fmt::format("a token named '{}' stands above", twin->name));
  }
  if (const Token* twin = first_twin(order, &Token::hash)) {
    return wrong(line_of(twin), "the same token stands above under another name");
  }
  std::sort(set.tokens_.begin(), set.tokens_.end(),
            [](const Token& a, const Token& b) { return a.hash < b.hash; });
  return set;
}

const Token* TokenSet::find(const TokenHash& hash) const {
  const auto token = std::lower_bound(
      tokens_.begin(), tokens_.end(), hash,
      [](const Token& each, const TokenHash& wanted) { return each.hash < wanted; });
  return token != tokens_.end() && token->hash == hash ? &*token : nullptr;
}

void TokenSet::keep_use_of(const TokenSet& before) {
  for (Token& token : tokens_) {
    if (const Token* known = before.find(token.hash)) token.use = known->use;
  }
}

Result<WallTime> parse_expiry(std::string_view text) {
  using namespace std::chrono;  // NOLINT(google-build-using-namespace)
  std::array<int, 6> parts{};
  const bool read =
      read_numbers(text, "0000-00-00", parts) || read_numbers(text, "0000-00-00T00:00:00Z", parts);
  const year_month_day date{year(parts[0]), month(static_cast<unsigned>(parts[1])),
                            day(static_cast<unsigned>(parts[2]))};
  if (!read || !date.ok() || parts[3] > 23 || parts[4] > 59 || parts[5] > 59) {
    return invalid(
        "what expires says is no date: write 2027-01-31 (its first moment, UTC) or "
        "2027-01-31T12:00:00Z");
  }
  return WallTime(sys_days(date) + hours(parts[3]) + minutes(parts[4]) + seconds(parts[5]));
}

Status check_token_name(std::string_view name) {
  const bool plain =
      std::all_of(name.begin(), name.end(), [](char c) { return in(kNameChars, c); });
  if (!name.empty() && name.size() <= kTokenNameBytesMax && plain) return {};
  return invalid(fmt::format("a token's name has 1 to {} letters, digits, '.', '_' and '-'",
                             kTokenNameBytesMax));
}

}  // namespace durable_streams::server

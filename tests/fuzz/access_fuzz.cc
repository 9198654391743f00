// Feeds bytes to what access control reads: first byte 'f' a token file, 'h' an Authorization
// header, 'g' a pattern and a path, which a slow and plain matcher must agree about, 'x' an
// X-Forwarded-For header.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "server/access/bearer.h"
#include "server/access/path_glob.h"
#include "server/access/token_set.h"
#include "server/access/trusted_proxies.h"

namespace durable_streams::server {
namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void check_token_file(std::string_view text) {
  const Result<TokenSet> set = TokenSet::parse(text, "tokens");
  if (set) return require(set->size() <= kTokensMax);
  require(set.error().message.starts_with("tokens:"));
  for (const char c : set.error().message) require(c >= ' ' && c <= '~');
}

void check_header(std::string_view value) {
  const std::vector<http::Header> headers{{"Authorization", value}};
  const Credentials credentials = read_credentials(headers);
  const bool has_token = credentials.kind == Credentials::Kind::kToken;
  require(has_token == !credentials.token.empty());
  require(!has_token || (is_token(credentials.token) && value.ends_with(credentials.token)));
}

// Without escapes and `**`.
bool plainly_matches(std::string_view pattern, std::string_view path) {
  if (pattern.empty()) return path.empty();
  if (pattern.ends_with("/*") && pattern.find('*') + 1 == pattern.size()) {
    return path.starts_with(pattern.substr(0, pattern.size() - 1));
  }
  if (pattern[0] != '*') {
    return !path.empty() && path[0] == pattern[0] &&
           plainly_matches(pattern.substr(1), path.substr(1));
  }
  if (plainly_matches(pattern.substr(1), path)) return true;
  return !path.empty() && path[0] != '/' && plainly_matches(pattern, path.substr(1));
}

void check_glob(std::string_view text) {
  const std::size_t line = text.find('\n');
  const std::string_view pattern = text.substr(0, line);
  const std::string_view path = line == std::string_view::npos ? "" : text.substr(line + 1);
  const Result<PathGlob> glob = PathGlob::parse(pattern);
  if (!glob) return require(!glob.error().message.empty());
  const bool matches = glob->matches(path);
  const bool plain = pattern.find('%') == std::string_view::npos &&
                     pattern.find("**") == std::string_view::npos && pattern.size() < 16 &&
                     path.size() < 24 && path.find('\0') == std::string_view::npos;
  const std::size_t any = pattern.find('*');
  const bool below_later = pattern.ends_with("/*") && any + 1 != pattern.size();
  if (plain && !below_later) require(matches == plainly_matches(pattern, path));
}

void check_forwarded(std::string_view value) {
  const TrustedProxies proxies =
      TrustedProxies::parse(std::vector<std::string>{"10.0.0.0/8", "::1"}).value();
  const std::vector<http::Header> headers{{"X-Forwarded-For", value}};
  require(client_address("192.0.2.1", headers, proxies) == IpAddress::parse("192.0.2.1"));
  const std::optional<IpAddress> client = client_address("10.0.0.1", headers, proxies);
  require(client && IpAddress::parse(client->to_string()) == client);
  const std::vector<std::string> texts{std::string(value)};
  const Result<TrustedProxies> parsed = TrustedProxies::parse(texts);
  require(parsed || !parsed.error().message.empty());
}

}  // namespace
}  // namespace durable_streams::server

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace durable_streams::server;
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0]) {
    case 'f':
      check_token_file(rest);
      break;
    case 'h':
      check_header(rest);
      break;
    case 'g':
      check_glob(rest);
      break;
    case 'x':
      check_forwarded(rest);
      break;
    default:
      break;
  }
  return 0;
}

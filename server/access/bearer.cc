// The scheme's name is compared in any case (RFC 9110 section 11.1), the token byte by byte.
#include "server/access/bearer.h"

#include <algorithm>

#include "server/access/access_limits.h"
#include "server/access/letter_case.h"
#include "server/http/characters.h"

namespace durable_streams::server {
namespace {

constexpr CharacterSet kBearerChars = alphanumerics_and("-._~+/");

bool all_in(const CharacterSet& set, std::string_view text) {
  return std::all_of(text.begin(), text.end(), [&](char c) { return in(set, c); });
}

Credentials credentials_in(std::string_view value) {
  using Kind = Credentials::Kind;
  const std::size_t space = value.find(' ');
  const std::string_view scheme = value.substr(0, space);
  if (scheme.empty() || !all_in(kTokenChars, scheme)) {
    return {.kind = Kind::kMalformed};
  }
  if (!equal_ignoring_case(scheme, "bearer")) return {.kind = Kind::kOtherScheme};
  const std::size_t begin = value.find_first_not_of(' ', scheme.size());
  if (begin == std::string_view::npos) return {.kind = Kind::kMalformed};
  const std::string_view token = value.substr(begin);
  if (!is_token(token)) return {.kind = Kind::kMalformed};
  return {.kind = Kind::kToken, .token = token};
}

}  // namespace

bool is_token(std::string_view text) {
  if (text.size() > kTokenCharactersMax) return false;
  const std::size_t padding = text.find('=');
  const std::string_view body = text.substr(0, padding);
  if (body.empty() || !all_in(kBearerChars, body)) return false;
  return text.find_first_not_of('=', body.size()) == std::string_view::npos;
}

Credentials read_credentials(std::span<const http::Header> headers) {
  const http::Header* found = nullptr;
  for (const http::Header& header : headers) {
    if (!equal_ignoring_case(header.name, "authorization")) continue;
    if (found != nullptr) return {.kind = Credentials::Kind::kMalformed};
    found = &header;
  }
  return found == nullptr ? Credentials{} : credentials_in(found->value);
}

}  // namespace durable_streams::server

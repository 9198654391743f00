// Which characters stand for themselves in a URL (RFC 3986 section 2).
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "protocol/ascii.h"

namespace durable_streams::http {

constexpr bool is_hex_digit(char c) {
  const char lower = protocol::to_lower(c);
  return protocol::is_digit(c) || (lower >= 'a' && lower <= 'f');
}

namespace internal {

constexpr std::array<bool, 256> make_name_characters() {
  std::array<bool, 256> name{};
  for (unsigned char c = '0'; c <= '9'; ++c) name[c] = true;
  for (unsigned char c = 'a'; c <= 'z'; ++c) name[c] = true;
  for (unsigned char c = 'A'; c <= 'Z'; ++c) name[c] = true;
  for (const char c : std::string_view("-._~!$&'()*+,;="))
    name[static_cast<unsigned char>(c)] = true;
  return name;
}

inline constexpr std::array<bool, 256> kNameCharacters = make_name_characters();

}  // namespace internal

// Those of a host's name, other than escapes: unreserved ones and subordinate delimiters.
constexpr bool is_name_char(char c) {
  return internal::kNameCharacters[static_cast<unsigned char>(c)];
}

// Those of a path.
constexpr bool is_path_char(char c) { return is_name_char(c) || c == '/' || c == ':' || c == '@'; }

}  // namespace durable_streams::http

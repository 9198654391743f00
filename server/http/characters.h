// Which bytes may stand where in HTTP's grammar, as tables: a look-up a byte.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace durable_streams::server {

using CharacterSet = std::array<bool, 256>;

constexpr bool in(const CharacterSet& set, char c) { return set[static_cast<unsigned char>(c)]; }

// Letters, digits and `others`.
constexpr CharacterSet alphanumerics_and(std::string_view others) {
  CharacterSet set{};
  for (int c = '0'; c <= '9'; ++c) set[static_cast<std::size_t>(c)] = true;
  for (int c = 'A'; c <= 'Z'; ++c) set[static_cast<std::size_t>(c)] = true;
  for (int c = 'a'; c <= 'z'; ++c) set[static_cast<std::size_t>(c)] = true;
  for (const char c : others) set[static_cast<unsigned char>(c)] = true;
  return set;
}

// RFC 9110 section 5.6.2: what names and methods are made of.
inline constexpr CharacterSet kTokenChars = alphanumerics_and("!#$%&'*+-.^_`|~");

// RFC 9110 section 5.6.3: white space within a line.
constexpr bool is_blank(char c) { return c == ' ' || c == '\t'; }

// RFC 9110 section 5.5: what a field's value is made of, white space included.
constexpr bool is_field_char(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte >= 0x20 && byte != 0x7F) || c == '\t';
}

}  // namespace durable_streams::server

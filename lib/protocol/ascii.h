// Character rules of HTTP that depend on no locale: case folding, optional whitespace, tokens.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace durable_streams::protocol {

constexpr char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Whether two texts are equal but for the case of their ASCII letters.
constexpr bool equal_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (to_lower(a[i]) != to_lower(b[i])) return false;
  }
  return true;
}

constexpr bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && equal_ignoring_case(text.substr(0, prefix.size()), prefix);
}

// Without optional whitespace (space and tab: RFC 9110, section 5.6.3) at either end.
constexpr std::string_view trim_whitespace(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

namespace internal {

constexpr std::array<bool, 256> make_token_characters() {
  std::array<bool, 256> token{};
  for (unsigned char c = '0'; c <= '9'; ++c) token[c] = true;
  for (unsigned char c = 'a'; c <= 'z'; ++c) token[c] = true;
  for (unsigned char c = 'A'; c <= 'Z'; ++c) token[c] = true;
  for (const char c : std::string_view("!#$%&'*+-.^_`|~"))
    token[static_cast<unsigned char>(c)] = true;
  return token;
}

inline constexpr std::array<bool, 256> kTokenCharacters = make_token_characters();

}  // namespace internal

// Whether `text` is a token (RFC 9110, section 5.6.2): at least one of the characters that names
// are made of.
constexpr bool is_token(std::string_view text) {
  for (const char c : text) {
    if (!internal::kTokenCharacters[static_cast<unsigned char>(c)]) return false;
  }
  return !text.empty();
}

}  // namespace durable_streams::protocol

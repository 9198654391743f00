// Strict: no overlong forms, no surrogates, nothing past U+10FFFF (RFC 3629).
#include "server/log/utf8.h"

namespace durable_streams::server {

Character first_character(std::string_view text) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned char lead = byte(0);
  const Character invalid{.code = lead, .bytes = 1, .valid = false};
  if (lead < 0x80) return {.code = lead, .bytes = 1, .valid = true};
  if (lead < 0xc2 || lead > 0xf4) return invalid;
  const std::uint8_t bytes = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (text.size() < bytes) return invalid;
  char32_t code = lead & (0x7fU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0U) != 0x80U) return invalid;
    code = (code << 6U) | (byte(i) & 0x3fU);
  }
  const char32_t least = bytes == 2 ? 0x80 : bytes == 3 ? 0x800 : 0x10000;
  if (code < least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return invalid;
  return {.code = code, .bytes = bytes, .valid = true};
}

bool is_shown(char32_t code) {
  const auto within = [code](char32_t from, char32_t to) { return code >= from && code <= to; };
  return !(within(0, 0x1f) || within(0x7f, 0x9f) || code == 0x61c || within(0x200b, 0x200f) ||
           within(0x2028, 0x202e) || within(0x2060, 0x206f) || code == 0xfeff ||
           within(0xfff9, 0xfffb));
}

}  // namespace durable_streams::server

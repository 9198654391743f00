// UTF-8, fast where all is well and exact where it is not.
#include "protocol/utf8.h"

#include <simdjson.h>

#include <algorithm>

namespace durable_streams::protocol {
namespace {

// How a lead byte goes on: the length of its character, and the bounds of its second byte. These
// exclude overlong forms, surrogates and what lies beyond U+10FFFF; further bytes are 80 to BF (the
// Unicode standard's table 3-7).
struct Lead {
  std::size_t bytes = 0;  // 0: begins no character
  unsigned char second_min = 0x80;
  unsigned char second_max = 0xBF;
};

Lead lead_of(unsigned char byte) {
  if (byte < 0x80) return {1};
  if (byte < 0xC2) return {0};
  if (byte < 0xE0) return {2};
  if (byte == 0xE0) return {3, 0xA0, 0xBF};
  if (byte == 0xED) return {3, 0x80, 0x9F};
  if (byte < 0xF0) return {3};
  if (byte == 0xF0) return {4, 0x90, 0xBF};
  if (byte < 0xF4) return {4};
  if (byte == 0xF4) return {4, 0x80, 0x8F};
  return {0};
}

}  // namespace

bool is_utf8(std::string_view text) { return simdjson::validate_utf8(text.data(), text.size()); }

Utf8Step utf8_step(std::string_view text) {
  const Lead lead = lead_of(static_cast<unsigned char>(text[0]));
  if (lead.bytes == 0) return {Utf8Step::Kind::kInvalid, 1};
  for (std::size_t i = 1; i < lead.bytes; ++i) {
    if (i == text.size()) return {Utf8Step::Kind::kUnfinished, i};
    const auto byte = static_cast<unsigned char>(text[i]);
    const unsigned char min = i == 1 ? lead.second_min : 0x80;
    const unsigned char max = i == 1 ? lead.second_max : 0xBF;
    if (byte < min || byte > max) return {Utf8Step::Kind::kInvalid, i};
  }
  return {Utf8Step::Kind::kCharacter, lead.bytes};
}

std::size_t unfinished_utf8_bytes(std::string_view text) {
  for (std::size_t bytes = 1; bytes <= std::min<std::size_t>(3, text.size()); ++bytes) {
    const std::string_view end = text.substr(text.size() - bytes);
    const bool continuation = (static_cast<unsigned char>(end[0]) & 0xC0) == 0x80;
    if (continuation) continue;
    return utf8_step(end).kind == Utf8Step::Kind::kUnfinished ? bytes : 0;
  }
  return 0;
}

}  // namespace durable_streams::protocol

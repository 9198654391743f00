// Reads text character by character, for whoever writes bytes of clients where only sound text may
// stand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace durable_streams::server {

struct Character {
  char32_t code = 0;
  std::uint8_t bytes = 1;
  bool valid = false;  // false: the byte begins no character of UTF-8, and `code` is the byte
};

// The first character of `text`, which is not empty.
Character first_character(std::string_view text);

// Whether a line that holds the character shows it, as itself and in its place: no control
// character, of either set, no separator of lines, nothing that turns the direction of text.
bool is_shown(char32_t code);

}  // namespace durable_streams::server

// UTF-8 (RFC 3629) where text arrives in pieces: what is valid, and what is only not finished yet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace durable_streams::protocol {

// Whether all of `text` is UTF-8.
bool is_utf8(std::string_view text);

// What stands at the beginning of a text.
struct Utf8Step {
  enum class Kind : std::uint8_t {
    kCharacter,   // one whole character
    kUnfinished,  // the text ends inside a character that may yet become valid
    kInvalid,     // bytes that begin no character: to be replaced by one U+FFFD, as browsers do
  };
  Kind kind = Kind::kCharacter;
  std::size_t bytes = 0;
};

// Looks at the first character of `text`, which is not empty.
Utf8Step utf8_step(std::string_view text);

// How many bytes at the end of `text`, 0 to 3, begin a character that is not finished there.
std::size_t unfinished_utf8_bytes(std::string_view text);

}  // namespace durable_streams::protocol

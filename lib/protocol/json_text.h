// JSON mode (protocol section 9.1): turns the body of an append into the messages that a stream
// stores. This one pass is all that decides what is JSON; nothing parses the messages again.
#pragma once

#include <durable_streams/result.h>

#include <cstddef>
#include <string_view>

namespace durable_streams::protocol {

// How deep the arrays and objects of one message may nest. The array that a body flattens is not
// part of a message, so it does not count. RFC 8259 section 9 allows such a limit; the readers'
// parsers have theirs, and few go below 512.
inline constexpr std::size_t kJsonDepthMax = 1024;

struct JsonFrame {
  std::size_t messages = 0;
  std::size_t bytes = 0;
};

// The memory that frame_json() needs for a body. The most that a message grows is `1,` to `1,\n`,
// so by half; the rest is room to copy in whole blocks.
constexpr std::size_t json_frame_bytes_max(std::size_t body_bytes) {
  constexpr std::size_t kRoom = 64;
  return body_bytes + body_bytes / 2 + kRoom;
}

// Writes the messages of `body`, each followed by `,\n`, to `out`, which has room for
// json_frame_bytes_max(body.size()) bytes and does not overlap the body. A body that is an array
// holds its elements as messages, none if it is empty; any other value is one message.
//
// A message is kept byte for byte but for white space outside its strings, which goes: numbers of
// any size, escapes, lone surrogates among them, and duplicate keys stay as they were sent. What
// RFC 8259 does not allow, and what nests deeper than kJsonDepthMax, is kInvalidJson, with a
// message that says what and where; `out` is undefined then. Allocates only to say so.
Result<JsonFrame> frame_json(std::string_view body, char* out);

}  // namespace durable_streams::protocol

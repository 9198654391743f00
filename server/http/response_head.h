// Renders the head of a response as HTTP/1.1 writes it.
#pragma once

#include <durable_streams/http/message.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace durable_streams::server {

// How the end of a response's body is told.
enum class BodyFraming : std::uint8_t {
  kNone,     // no body, and no word about one: 204, 304, and a HEAD whose length is not known
  kSized,    // Content-Length
  kChunked,  // Transfer-Encoding
  kClosed,   // the connection's end
};

struct ResponseHeadOptions {
  int status = 200;
  std::string_view fields;       // rendered lines
  std::string_view date_line;    // a rendered line
  std::string_view extra_lines;  // rendered lines, or nothing
  BodyFraming framing = BodyFraming::kNone;
  std::uint64_t content_length = 0;  // for kSized
};

// No head is longer.
std::size_t response_head_bytes_max(const ResponseHeadOptions& options);

// Writes it to `to`, which has room for response_head_bytes_max(); returns how many bytes it took.
std::size_t render_response_head(const ResponseHeadOptions& options, char* to);

// `1f\r\n`, the line before a chunk of `size` bytes. `to` has room for kChunkLineBytesMax.
inline constexpr std::size_t kChunkLineBytesMax = 18;
std::size_t render_chunk_line(std::size_t size, char* to);

}  // namespace durable_streams::server

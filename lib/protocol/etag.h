// Entity tags of reads (protocol section 10.1): which bytes of which incarnation of a stream an
// answer holds.
#pragma once

#include <durable_streams/offset.h>
#include <durable_streams/store.h>

#include <cstddef>
#include <string_view>

namespace durable_streams::protocol {

// Quotes, a stream id in hexadecimal, two padded offsets, and what stands between them.
inline constexpr std::size_t kEtagBytesMax = 2 + 16 + 2 * (1 + Offset::kTextBytes) + 2;

// Writes the quoted tag of the bytes from `start` to `end` of stream `id`: `"2a:0_0:0_1024"`, and
// `:c` before the closing quote when the answer says that the stream is closed. At most
// kEtagBytesMax characters; returns the end of what it wrote. Two answers have the same tag only if
// they have the same content.
char* write_etag(char* out, StreamId id, const Offset& start, const Offset& end, bool closed);

// Whether an If-None-Match value names `etag` (RFC 9110, section 13.1.2): as `*`, or as one of a
// list, weak (`W/"..."`) or not. Items that are no entity tags match nothing.
bool if_none_match(std::string_view header_value, std::string_view etag);

}  // namespace durable_streams::protocol

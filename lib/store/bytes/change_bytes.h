// What any store can tell of the bytes of a change before it looks at the stream.
#pragma once

#include <durable_streams/offset.h>
#include <durable_streams/result.h>

#include <cstdint>
#include <string_view>

#include "store/bytes/chunk_list.h"

namespace durable_streams {

// Whether a store takes `bytes` behind the position `before`, with `tail` as the stream's tail
// then.
inline Status check_bytes(std::string_view bytes, Offset tail, std::uint64_t before) {
  if (bytes.size() > ChunkList::kAppendBytesMax) {
    return Error{.code = ErrorCode::kTooLarge,
                 .message = "a store takes at most 1 GiB in one append",
                 .detail = {}};
  }
  if (tail.position != before + bytes.size()) {
    return Error{.code = ErrorCode::kInvalidArgument,
                 .message = "the tail of a change does not lie behind its bytes",
                 .detail = {}};
  }
  return {};
}

}  // namespace durable_streams

// What every store says of a read that it cannot answer.
#pragma once

#include <durable_streams/result.h>

namespace durable_streams {

inline Error gone_from_store() {
  return {.code = ErrorCode::kNotFound, .message = "the stream is gone", .detail = {}};
}

inline Error outside_stream() {
  return {.code = ErrorCode::kInvalidArgument,
          .message = "the range lies outside the stream",
          .detail = {}};
}

}  // namespace durable_streams

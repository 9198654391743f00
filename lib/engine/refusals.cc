// The texts of the engine's common errors.
#include "engine/refusals.h"

#include <fmt/format.h>

namespace durable_streams {

Error no_such_stream() {
  return {.code = ErrorCode::kNotFound, .message = "no such stream", .detail = {}};
}

Error no_such_source() {
  return {.code = ErrorCode::kNotFound, .message = "no such source to fork", .detail = {}};
}

Error stream_gone() {
  return {.code = ErrorCode::kGone,
          .message = "the stream was deleted; its forks keep its path taken",
          .detail = {}};
}

Error offset_lost() {
  return {.code = ErrorCode::kGone,
          .message =
              "the offset is from before a crash, and lies beyond what that has left of the "
              "stream; read from an earlier offset",
          .detail = {}};
}

Error too_many_streams(std::uint64_t streams_max) {
  return {.code = ErrorCode::kTooMany,
          .message = fmt::format("there may be at most {} streams; a deletion or expiry makes room",
                                 streams_max),
          .detail = {}};
}

Error too_many_waiters(std::uint32_t waiters_max) {
  return {
      .code = ErrorCode::kTooMany,
      .message = fmt::format("at most {} readers may wait for one stream; come again", waiters_max),
      .detail = {}};
}

Error stream_full(std::uint64_t bytes_max) {
  return {.code = ErrorCode::kTooLarge,
          .message = fmt::format("a stream may hold at most {} bytes", bytes_max),
          .detail = {}};
}

Error dependency_failed() {
  return {.code = ErrorCode::kUnavailable,
          .message = "a change that this one depended on could not be kept; try again",
          .detail = {}};
}

}  // namespace durable_streams

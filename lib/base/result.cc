// The out-of-line parts of Result: names of error codes, and the end of a program that reads what
// is not there.
#include <durable_streams/result.h>

#include <cstdio>
#include <cstdlib>

namespace durable_streams {

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return "invalid_argument";
    case ErrorCode::kInvalidJson:
      return "invalid_json";
    case ErrorCode::kEpochStart:
      return "epoch_start";
    case ErrorCode::kStaleEpoch:
      return "stale_epoch";
    case ErrorCode::kNotFound:
      return "not_found";
    case ErrorCode::kConflict:
      return "conflict";
    case ErrorCode::kClosed:
      return "closed";
    case ErrorCode::kContentTypeMismatch:
      return "content_type_mismatch";
    case ErrorCode::kSequenceGap:
      return "sequence_gap";
    case ErrorCode::kSequenceRegression:
      return "sequence_regression";
    case ErrorCode::kGone:
      return "gone";
    case ErrorCode::kTooLarge:
      return "too_large";
    case ErrorCode::kPathTooLong:
      return "path_too_long";
    case ErrorCode::kTooMany:
      return "too_many";
    case ErrorCode::kIo:
      return "io";
    case ErrorCode::kCorruption:
      return "corruption";
    case ErrorCode::kUnavailable:
      return "unavailable";
    case ErrorCode::kNoSpace:
      return "no_space";
    case ErrorCode::kWouldWait:
      return "would_wait";
    case ErrorCode::kCanceled:
      return "canceled";
  }
  return "unknown";
}

namespace internal {

void fail_result_access(std::string_view what) {
  std::fprintf(stderr, "durable_streams: result accessed wrongly: %.*s\n",
               static_cast<int>(what.size()), what.data());
  std::abort();
}

}  // namespace internal
}  // namespace durable_streams

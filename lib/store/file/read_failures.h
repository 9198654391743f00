// What was wrong with reads that failed: all of it for the operator, and what clients may know of
// it, which names no file.
#pragma once

#include <durable_streams/result.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "base/mutex.h"

namespace durable_streams {

// Threads: any.
class ReadFailures {
 public:
  template <class T>
  Result<T> told(Result<T> result) {
    if (!result.ok()) return told(std::move(result).error());
    return result;
  }

  template <class T>
  std::optional<Result<T>> told(std::optional<Result<T>> result) {
    if (!result) return std::nullopt;
    return told(*std::move(result));
  }

  Error told(Error error) {
    switch (error.code) {
      case ErrorCode::kIo:
        return note(std::move(error), ErrorCode::kIo, "the disk did not give what is stored");
      case ErrorCode::kCorruption:
        return note(std::move(error), ErrorCode::kCorruption, "what is stored here is damaged");
      case ErrorCode::kTooMany:
        return note(std::move(error), ErrorCode::kUnavailable,
                    "the store has no file descriptor left");
      default:
        return error;
    }
  }

  std::uint64_t count() const {
    const MutexLock lock(mutex_);
    return count_;
  }
  std::string last() const {
    const MutexLock lock(mutex_);
    return last_;
  }

 private:
  Error note(Error error, ErrorCode code, const char* message) {
    const MutexLock lock(mutex_);
    ++count_;
    last_ = std::move(error.message);
    return {.code = code, .message = message, .detail = {}};
  }

  mutable Mutex mutex_;
  std::uint64_t count_ DURABLE_STREAMS_GUARDED_BY(mutex_) = 0;
  std::string last_ DURABLE_STREAMS_GUARDED_BY(mutex_);
};

}  // namespace durable_streams

// How every fallible call of the library answers: a value or an error, never an exception.
#pragma once

#include <durable_streams/export.h>
#include <durable_streams/offset.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

namespace durable_streams {

// Names outcomes, not causes. The HTTP endpoint maps each to one status, given here for
// orientation.
enum class ErrorCode : std::uint8_t {
  kInvalidArgument,  // 400: the caller's input is malformed
  kInvalidJson,      // 400: the body of a JSON stream is not JSON
  kEpochStart,       // 400: a producer's new epoch must start at sequence 0
  kStaleEpoch,       // 403: a newer epoch of this producer fenced the caller off
  kNotFound,         // 404: no such stream
  kConflict,         // 409: the stream exists with another configuration, or its path is blocked
  kClosed,           // 409: the stream is closed; `detail.tail` is its final offset
  kContentTypeMismatch,  // 409: the stream has another content type
  kSequenceGap,  // 409: producer sequence gap; `detail.expected_seq` and `detail.received_seq`
  kSequenceRegression,  // 409: Stream-Seq did not increase
  kGone,         // 410: deleted, but kept for its forks; or an offset that is no longer retained
  kTooLarge,     // 413: more bytes than a limit allows
  kPathTooLong,  // 414: the stream's path exceeds its limit
  kTooMany,      // 429: a count reached its limit
  kIo,           // 500: the disk or the system failed
  kCorruption,   // 500: stored bytes fail their checksum
  kUnavailable,  // 503: not now: shutting down, read-only, or a change it depended on failed
  kNoSpace,      // 507: the store is full
  kWouldWait,    // a `_now` call on a store that cannot answer at once
  kCanceled,     // the caller or its handle went away first
};

// The enumerator's name without the k, in snake case: `not_found`. Stable, for logs and metrics.
DURABLE_STREAMS_EXPORT std::string_view to_string(ErrorCode code);

// Facts that some errors carry for the caller to act on; zero where they do not apply.
struct ErrorDetail {
  Offset tail;                      // kClosed
  std::uint64_t current_epoch = 0;  // kStaleEpoch
  std::uint64_t expected_seq = 0;   // kSequenceGap
  std::uint64_t received_seq = 0;   // kSequenceGap
};

struct Error {
  ErrorCode code = ErrorCode::kInvalidArgument;
  std::string message;  // says what was wrong, for a person; never internals
  ErrorDetail detail;
};

namespace internal {
// Reports a broken invariant of the caller (reading the value of an error) and aborts.
[[noreturn]] DURABLE_STREAMS_EXPORT void fail_result_access(std::string_view what);
}  // namespace internal

// A value of type T, or the Error that prevented it.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT(google-explicit-constructor)
  Result(Error error)
      : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  // Aborts, with the error's message, when there is no value.
  T& value() & { return checked(); }
  const T& value() const& { return const_cast<Result*>(this)->checked(); }
  T&& value() && { return std::move(checked()); }

  T& operator*() & { return checked(); }
  const T& operator*() const& { return const_cast<Result*>(this)->checked(); }
  T* operator->() { return &checked(); }
  const T* operator->() const { return &const_cast<Result*>(this)->checked(); }

  // Aborts when there is a value.
  const Error& error() const& {
    if (ok()) internal::fail_result_access("error() of a result that holds a value");
    return *std::get_if<1>(&state_);
  }
  Error&& error() && { return std::move(const_cast<Error&>(std::as_const(*this).error())); }

 private:
  T& checked() {
    if (!ok()) internal::fail_result_access(std::get_if<1>(&state_)->message);
    return *std::get_if<0>(&state_);
  }

  std::variant<T, Error> state_;
};

// Success, or the Error that prevented it.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error)
      : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  // Aborts, with the error's message, on failure.
  void value() const {
    if (!ok()) internal::fail_result_access(std::get_if<1>(&state_)->message);
  }

  const Error& error() const& {
    if (ok()) internal::fail_result_access("error() of a status that is ok");
    return *std::get_if<1>(&state_);
  }
  Error&& error() && { return std::move(const_cast<Error&>(std::as_const(*this).error())); }

 private:
  std::variant<std::monostate, Error> state_;
};

using Status = Result<void>;

// Drops a result on purpose; `why` says for the reader why that is right.
template <class T>
void ignore(const Result<T>& result, std::string_view why) {
  static_cast<void>(result);
  static_cast<void>(why);
}

}  // namespace durable_streams

// Results: a value or an error, moved and copied as what it holds.
#include <durable_streams/result.h>

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "tests/support/catch.h"

namespace durable_streams {

namespace {

Error not_found() {
  return {.code = ErrorCode::kNotFound, .message = "no such stream", .detail = {}};
}

Result<int> half_of(int number) {
  if (number % 2 != 0) {
    return Error{.code = ErrorCode::kInvalidArgument, .message = "odd", .detail = {}};
  }
  return number / 2;
}

}  // namespace

TEST_CASE("a result holds its value", "[base][result]") {
  Result<int> result = half_of(8);
  REQUIRE(result.ok());
  CHECK(static_cast<bool>(result));
  CHECK(result.value() == 4);
  CHECK(*result == 4);
  *result = 5;
  CHECK(result.value() == 5);
}

TEST_CASE("a result holds its error", "[base][result]") {
  const Result<int> result = half_of(7);
  REQUIRE_FALSE(result.ok());
  CHECK_FALSE(static_cast<bool>(result));
  CHECK(result.error().code == ErrorCode::kInvalidArgument);
  CHECK(result.error().message == "odd");
}

TEST_CASE("a value that only moves is moved out", "[base][result]") {
  Result<std::unique_ptr<int>> result(std::make_unique<int>(3));
  CHECK(**result == 3);
  const std::unique_ptr<int> value = std::move(result).value();
  CHECK(*value == 3);
  CHECK(result.value() == nullptr);  // NOLINT(bugprone-use-after-move): it is about what is left
}

TEST_CASE("an error is moved out", "[base][result]") {
  Result<int> result(not_found());
  const Error error = std::move(result).error();
  CHECK(error.code == ErrorCode::kNotFound);
  CHECK(error.message == "no such stream");
}

TEST_CASE("members are reached through a result", "[base][result]") {
  const Result<std::string> result(std::string("text"));
  CHECK(result->size() == 4);
}

TEST_CASE("a copy of a result is a result of its own", "[base][result]") {
  Result<std::string> first(std::string("one"));
  Result<std::string> second = first;
  *first = "two";
  CHECK(*second == "one");
  second = not_found();
  CHECK(first.ok());
  CHECK_FALSE(second.ok());
}

TEST_CASE("a status is ok unless it has an error", "[base][result]") {
  const Status ok;
  CHECK(ok.ok());
  ok.value();
  const Status failed = not_found();
  CHECK_FALSE(failed.ok());
  CHECK(failed.error().code == ErrorCode::kNotFound);
}

TEST_CASE("an error keeps the facts that its code carries", "[base][result]") {
  const Status closed = Error{.code = ErrorCode::kClosed,
                              .message = "closed",
                              .detail = {.tail = {.read_sequence = 1, .position = 20}}};
  CHECK(closed.error().detail.tail == Offset{.read_sequence = 1, .position = 20});
}

TEST_CASE("each error code has a name of its own", "[base][result]") {
  std::set<std::string_view> names;
  const int last = static_cast<int>(ErrorCode::kCanceled);
  for (int code = 0; code <= last; ++code) names.insert(to_string(static_cast<ErrorCode>(code)));
  CHECK(names.size() == static_cast<std::size_t>(last) + 1);
  CHECK_FALSE(names.contains("unknown"));
  CHECK(to_string(ErrorCode::kNotFound) == "not_found");
  CHECK(to_string(ErrorCode::kWouldWait) == "would_wait");
  CHECK(to_string(static_cast<ErrorCode>(last + 1)) == "unknown");
}

}  // namespace durable_streams

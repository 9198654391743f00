// Operations that wait for their answer, by name.
#include "engine/waiting_operations.h"

#include <vector>

#include "tests/support/catch.h"

namespace durable_streams {
namespace {

TEST_CASE("a waiting operation is taken once, by its own name", "[engine]") {
  WaitingOperations waiting;
  int resumed = 0;
  const std::uint64_t name = waiting.add([&](const Status&) { ++resumed; });
  const std::uint64_t other = waiting.add([](const Status&) {});
  CHECK(name != other);
  waiting.take(name)(Status());
  CHECK(resumed == 1);
  CHECK_FALSE(static_cast<bool>(waiting.take(name)));
  CHECK_FALSE(static_cast<bool>(waiting.take(12'345)));
  CHECK(static_cast<bool>(waiting.take(other)));
}

TEST_CASE("the name of an operation that is over does not name the next", "[engine]") {
  WaitingOperations waiting;
  const std::uint64_t over = waiting.add([](const Status&) {});
  waiting.take(over)(Status());
  const std::uint64_t next = waiting.add([](const Status&) {});
  CHECK(next != over);
  CHECK_FALSE(static_cast<bool>(waiting.take(over)));
  CHECK(static_cast<bool>(waiting.take(next)));
}

TEST_CASE("all that wait are resumed, also those that come of it", "[engine]") {
  WaitingOperations waiting;
  int resumed = 0;
  for (int i = 0; i < 3; ++i) {
    waiting.add([&](const Status& status) {
      CHECK_FALSE(status.ok());
      ++resumed;
      waiting.add([&](const Status&) { ++resumed; });
    });
  }
  waiting.resume_all(Error{.code = ErrorCode::kCanceled, .message = "over", .detail = {}});
  CHECK(resumed == 6);
}

TEST_CASE("after a crowd has been answered operations go on waiting", "[engine]") {
  WaitingOperations waiting;
  std::vector<std::uint64_t> names;
  int resumed = 0;
  for (int i = 0; i < 5'000; ++i) names.push_back(waiting.add([&](const Status&) { ++resumed; }));
  for (const std::uint64_t name : names) waiting.take(name)(Status());
  CHECK(resumed == 5'000);
  waiting.take(waiting.add([&](const Status&) { ++resumed; }))(Status());
  CHECK(resumed == 5'001);
}

}  // namespace
}  // namespace durable_streams

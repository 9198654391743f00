// The posted tasks of a loop: when it is woken, and what a batch is.
#include "loop/post_queue.h"

#include "tests/support/catch.h"

#include <vector>

namespace durable_streams {
namespace {

TEST_CASE("only the first task of a batch wakes the loop", "[loop][post]") {
  PostQueue queue;
  int wakes = 0;
  const auto wake = [&] { ++wakes; };
  for (int i = 0; i < 3; ++i) queue.push([] {}, wake);
  CHECK(wakes == 1);
  CHECK(queue.run() == 3);
  queue.push([] {}, wake);
  CHECK(wakes == 2);
}

TEST_CASE("a task pushed while a batch runs is of the next one, and wakes the loop",
          "[loop][post]") {
  PostQueue queue;
  int wakes = 0;
  int ran = 0;
  const auto wake = [&] { ++wakes; };
  queue.push(
      [&] {
        queue.push([&] { ++ran; }, wake);
        queue.push([&] { ++ran; }, wake);
      },
      wake);
  CHECK(queue.run() == 1);
  CHECK(wakes == 2);
  CHECK(ran == 0);
  CHECK(queue.run() == 2);
  CHECK(ran == 2);
}

TEST_CASE("a burst of tasks runs in order", "[loop][post]") {
  PostQueue queue;
  std::vector<int> order;
  for (int round = 0; round < 3; ++round) {
    order.clear();
    for (int i = 0; i < 5000; ++i) queue.push([&order, i] { order.push_back(i); }, [] {});
    REQUIRE(queue.run() == 5000);
    for (int i = 0; i < 5000; ++i) REQUIRE(order[static_cast<std::size_t>(i)] == i);
  }
}

}  // namespace
}  // namespace durable_streams

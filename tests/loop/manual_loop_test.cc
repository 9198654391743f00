// What only the manual loop promises: what one turn runs, in which order, and time that stands
// still.
#include <durable_streams/manual_loop.h>

#include "tests/support/catch.h"

#include <chrono>
#include <optional>
#include <vector>

namespace durable_streams {
namespace {

using std::chrono::milliseconds;

TEST_CASE("a turn runs what was posted in order, then the due timers in theirs", "[loop][manual]") {
  ManualLoop loop(ManualLoop::Time::kVirtual);
  std::vector<int> order;
  loop.run_after(milliseconds(7), [&] { order.push_back(3); });
  loop.run_after(milliseconds(5), [&] { order.push_back(2); });
  loop.run_after(milliseconds(7), [&] { order.push_back(4); });
  loop.run_after(milliseconds(8), [&] { order.push_back(99); });
  loop.post([&] { order.push_back(0); });
  loop.post([&] { order.push_back(1); });
  loop.advance(milliseconds(7));
  CHECK(loop.run_once() == 5);
  CHECK(order == std::vector<int>{0, 1, 2, 3, 4});
  CHECK(loop.run_once() == 0);
}

TEST_CASE("what a turn's tasks post waits for the next turn", "[loop][manual]") {
  ManualLoop loop(ManualLoop::Time::kVirtual);
  int ran = 0;
  loop.post([&] { loop.post([&] { ++ran; }); });
  loop.run_after(milliseconds(0), [&] { loop.post([&] { ++ran; }); });
  CHECK(loop.run_once() == 2);
  CHECK(ran == 0);
  CHECK(loop.run_once() == 2);
  CHECK(ran == 2);
}

TEST_CASE("a timer due at once that a timer sets waits for the next turn", "[loop][manual]") {
  ManualLoop loop(ManualLoop::Time::kVirtual);
  int ran = 0;
  loop.run_after(milliseconds(0), [&] { loop.run_after(milliseconds(0), [&] { ++ran; }); });
  CHECK(loop.run_once() == 1);
  CHECK(ran == 0);
  CHECK(loop.run_once() == 1);
  CHECK(ran == 1);
}

TEST_CASE("a timer due at once that a posted task sets runs in the same turn", "[loop][manual]") {
  ManualLoop loop(ManualLoop::Time::kVirtual);
  int ran = 0;
  loop.post([&] { loop.run_after(milliseconds(0), [&] { ++ran; }); });
  CHECK(loop.run_once() == 2);
  CHECK(ran == 1);
}

TEST_CASE("virtual time starts at zero and moves only by advance", "[loop][manual]") {
  ManualLoop loop(ManualLoop::Time::kVirtual);
  CHECK(loop.now() == EventLoop::TimePoint{});
  bool ran = false;
  loop.run_after(milliseconds(10), [&] { ran = true; });
  loop.advance(milliseconds(9));
  CHECK(loop.run_once() == 0);
  CHECK(loop.now() == EventLoop::TimePoint(milliseconds(9)));
  loop.advance(milliseconds(1));
  CHECK_FALSE(ran);
  CHECK(loop.run_once() == 1);
  CHECK(ran);
}

TEST_CASE("the next timer is the earliest that waits", "[loop][manual]") {
  ManualLoop loop(ManualLoop::Time::kVirtual);
  CHECK_FALSE(loop.next_timer().has_value());
  loop.run_after(milliseconds(20), [] {});
  const EventLoop::TimerId earliest = loop.run_after(milliseconds(10), [] {});
  CHECK(loop.next_timer() == EventLoop::TimePoint(milliseconds(10)));
  loop.cancel(earliest);
  CHECK(loop.next_timer() == EventLoop::TimePoint(milliseconds(20)));
  loop.advance(milliseconds(20));
  loop.run_once();
  CHECK_FALSE(loop.next_timer().has_value());
}

TEST_CASE("running until idle leaves only timers that are not due", "[loop][manual]") {
  ManualLoop loop(ManualLoop::Time::kVirtual);
  int ran = 0;
  loop.post([&] {
    ++ran;
    loop.post([&] {
      ++ran;
      loop.run_after(milliseconds(0), [&] { loop.post([&] { ++ran; }); });
    });
  });
  loop.run_after(milliseconds(1), [&] { ran += 100; });
  CHECK(loop.run_until_idle() == 4);
  CHECK(ran == 3);
  CHECK(loop.next_timer() == EventLoop::TimePoint(milliseconds(1)));
}

TEST_CASE("a task may turn its loop", "[loop][manual]") {
  ManualLoop loop(ManualLoop::Time::kVirtual);
  std::vector<int> order;
  loop.post([&] {
    order.push_back(0);
    loop.post([&] { order.push_back(1); });
    CHECK(loop.run_once() == 1);
  });
  loop.post([&] { order.push_back(2); });
  CHECK(loop.run_once() == 2);
  CHECK(order == std::vector<int>{0, 1, 2});
}

TEST_CASE("real time is the steady clock's", "[loop][manual]") {
  ManualLoop loop;
  const auto before = std::chrono::steady_clock::now();
  const auto now = loop.now();
  CHECK(before <= now);
  CHECK(now <= std::chrono::steady_clock::now());
}

}  // namespace
}  // namespace durable_streams

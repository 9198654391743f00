// The contract of EventLoop, over every loop that the library ships.
#include "tests/loop/loop_harness.h"

#if defined(DURABLE_STREAMS_TEST_UV)
#include "tests/loop/uv_loop_harness.h"
#define DURABLE_STREAMS_LOOPS \
  VirtualLoopHarness, RealManualLoopHarness, ThreadLoopHarness, UvLoopHarness
#else
#define DURABLE_STREAMS_LOOPS VirtualLoopHarness, RealManualLoopHarness, ThreadLoopHarness
#endif

#include <cstddef>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace durable_streams {
namespace {

using std::chrono::milliseconds;

// A test ends its loop before it looks at the outcome: until then tasks may be running on another
// thread.

// Calls back when it is destroyed, but not when it was moved from.
class OnDestruction {
 public:
  explicit OnDestruction(std::function<void()> call)
      : call_(std::make_unique<std::function<void()>>(std::move(call))) {}
  OnDestruction(OnDestruction&&) = default;
  OnDestruction& operator=(OnDestruction&&) = default;
  ~OnDestruction() {
    if (call_) (*call_)();
  }

 private:
  std::unique_ptr<std::function<void()>> call_;
};

TEMPLATE_TEST_CASE("a posted task never runs inside post", "[loop][contract]",
                   DURABLE_STREAMS_LOOPS) {
  TestType harness;
  int ran = 0;
  int ran_in_post = 0;
  harness.on_loop([&] {
    harness.loop().post([&] {
      harness.loop().post([&] { ++ran; });
      ran_in_post += ran;
      ++ran;
    });
    ran_in_post += ran;
  });
  harness.turn_until([&] { return ran == 2; });
  harness.destroy();
  CHECK(ran_in_post == 0);
}

TEMPLATE_TEST_CASE("tasks posted by one thread run in its order", "[loop][contract]",
                   DURABLE_STREAMS_LOOPS) {
  TestType harness;
  std::vector<int> order;
  // From the loop's thread before its first turn, from a task, and from a timer.
  harness.on_loop([&] {
    harness.loop().post([&] {
      order.push_back(0);
      harness.loop().post([&] { order.push_back(3); });
      harness.loop().post([&] {
        order.push_back(4);
        harness.loop().run_after(milliseconds(2), [&] {
          harness.loop().post([&] { order.push_back(5); });
          harness.loop().post([&] { order.push_back(6); });
        });
      });
    });
    harness.loop().post([&] { order.push_back(1); });
    harness.loop().post([&] { order.push_back(2); });
  });
  harness.turn_until([&] { return order.size() == 7; });
  harness.destroy();
  CHECK(order == std::vector<int>{0, 1, 2, 3, 4, 5, 6});
}

TEMPLATE_TEST_CASE(
    "what several threads post all runs on the loop's thread, each thread's in order",
    "[loop][contract]", DURABLE_STREAMS_LOOPS) {
  constexpr int kThreads = 4;
  constexpr int kPosts = 2000;
  TestType harness;
  std::thread::id loop_thread;
  harness.on_loop([&] { loop_thread = std::this_thread::get_id(); });
  std::vector<int> next(kThreads + 1);
  int strays = 0;
  const auto post = [&](int thread, int index) {
    harness.loop().post([&, thread, index] {
      if (next[static_cast<std::size_t>(thread)]++ != index) ++strays;
      if (std::this_thread::get_id() != loop_thread) ++strays;
    });
  };
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&post, thread] {
      for (int index = 0; index < kPosts; ++index) post(thread, index);
    });
  }
  // The loop posts too, a task at a time.
  std::function<void(int)> post_on = [&](int index) {
    post(kThreads, index);
    if (index + 1 < kPosts) harness.loop().post([&, index] { post_on(index + 1); });
  };
  harness.on_loop([&] { post_on(0); });
  harness.turn_until([&] { return next == std::vector<int>(kThreads + 1, kPosts); });
  harness.destroy();
  for (std::thread& thread : threads) thread.join();
  CHECK(strays == 0);
}

TEMPLATE_TEST_CASE("a task is destroyed before the next one runs", "[loop][contract]",
                   DURABLE_STREAMS_LOOPS) {
  TestType harness;
  std::vector<std::string> order;
  harness.on_loop([&] {
    harness.loop().post([&, last = OnDestruction([&] { order.emplace_back("post gone"); })] {
      order.emplace_back("post");
    });
    harness.loop().post([&] { order.emplace_back("next post"); });
    harness.loop().run_after(milliseconds(1), [&, last = OnDestruction([&] {
                                                    order.emplace_back("timer gone");
                                                  })] { order.emplace_back("timer"); });
    harness.loop().run_after(milliseconds(1), [&] { order.emplace_back("next timer"); });
  });
  harness.turn_until([&] { return order.size() == 6; });
  harness.destroy();
  CHECK(order == std::vector<std::string>{"post", "post gone", "next post", "timer", "timer gone",
                                          "next timer"});
}

TEMPLATE_TEST_CASE("a timer runs once, no earlier than its delay", "[loop][contract]",
                   DURABLE_STREAMS_LOOPS) {
  TestType harness;
  EventLoop::TimePoint set_at;
  EventLoop::TimePoint ran_at;
  int ran = 0;
  bool later = false;
  harness.on_loop([&] {
    set_at = harness.loop().now();
    harness.loop().run_after(milliseconds(3), [&] {
      ran_at = harness.loop().now();
      ++ran;
    });
    harness.loop().run_after(milliseconds(8), [&] { later = true; });
    CHECK(ran == 0);
  });
  harness.turn_until([&] { return later; });
  harness.destroy();
  CHECK(ran == 1);
  CHECK(ran_at - set_at >= milliseconds(3));
}

TEMPLATE_TEST_CASE("timers run in the order of their deadlines, then as they were set",
                   "[loop][contract]", DURABLE_STREAMS_LOOPS) {
  TestType harness;
  std::vector<int> order;
  harness.on_loop([&] {
    harness.loop().run_after(milliseconds(8), [&] { order.push_back(4); });
    harness.loop().run_after(milliseconds(2), [&] { order.push_back(0); });
    harness.loop().run_after(milliseconds(2), [&] { order.push_back(1); });
    harness.loop().run_after(milliseconds(5), [&] { order.push_back(3); });
    harness.loop().run_after(milliseconds(2), [&] { order.push_back(2); });
  });
  harness.turn_until([&] { return order.size() == 5; });
  harness.destroy();
  CHECK(order == std::vector<int>{0, 1, 2, 3, 4});
}

TEMPLATE_TEST_CASE("a cancelled timer never runs, and its task is destroyed at once",
                   "[loop][contract]", DURABLE_STREAMS_LOOPS) {
  TestType harness;
  bool destroyed = false;
  bool destroyed_by_cancel = false;
  bool ran = false;
  bool later = false;
  harness.on_loop([&] {
    const EventLoop::TimerId timer = harness.loop().run_after(
        milliseconds(1), [&, last = OnDestruction([&] { destroyed = true; })] { ran = true; });
    harness.loop().run_after(milliseconds(3), [&] { later = true; });
    harness.loop().cancel(timer);
    destroyed_by_cancel = destroyed;
  });
  harness.turn_until([&] { return later; });
  harness.destroy();
  CHECK(destroyed_by_cancel);
  CHECK_FALSE(ran);
}

TEMPLATE_TEST_CASE("a timer may cancel another that is due with it", "[loop][contract]",
                   DURABLE_STREAMS_LOOPS) {
  TestType harness;
  bool ran = false;
  bool later = false;
  harness.on_loop([&] {
    const auto second = std::make_shared<EventLoop::TimerId>(0);
    harness.loop().run_after(milliseconds(1), [&, second] { harness.loop().cancel(*second); });
    *second = harness.loop().run_after(milliseconds(1), [&] { ran = true; });
    harness.loop().run_after(milliseconds(3), [&] { later = true; });
  });
  harness.turn_until([&] { return later; });
  harness.destroy();
  CHECK_FALSE(ran);
}

TEMPLATE_TEST_CASE("cancelling 0, or a timer that runs, has run or was cancelled, is ignored",
                   "[loop][contract]", DURABLE_STREAMS_LOOPS) {
  TestType harness;
  EventLoop::TimerId first = 0;
  EventLoop::TimerId cancelled = 0;
  int ran = 0;
  harness.on_loop([&] {
    EventLoop& loop = harness.loop();
    loop.cancel(0);
    first = loop.run_after(milliseconds(1), [&] {
      ++ran;
      loop.cancel(first);
    });
    cancelled = loop.run_after(milliseconds(1), [&] { ran += 100; });
    loop.cancel(cancelled);
  });
  harness.turn_until([&] { return ran > 0; });
  harness.on_loop([&] {
    // These take the places of the two before, which must not be cancelled in their stead.
    for (int i = 0; i < 2; ++i) harness.loop().run_after(milliseconds(1), [&] { ++ran; });
    harness.loop().cancel(first);
    harness.loop().cancel(cancelled);
  });
  harness.turn_until([&] { return ran == 3; });
  harness.destroy();
}

TEMPLATE_TEST_CASE("a timer's id is not 0 and never comes twice", "[loop][contract]",
                   DURABLE_STREAMS_LOOPS) {
  constexpr std::size_t kTimers = 10'000;
  TestType harness;
  std::set<EventLoop::TimerId> ids;
  harness.on_loop([&] {
    EventLoop::TimerId previous = 0;
    for (std::size_t i = 0; i < kTimers; ++i) {
      const EventLoop::TimerId timer = harness.loop().run_after(std::chrono::minutes(1), [] {});
      ids.insert(timer);
      if (i % 3 != 0) harness.loop().cancel(previous);
      previous = timer;
    }
  });
  harness.destroy();
  CHECK(ids.size() == kTimers);
  CHECK(ids.count(0) == 0);
}

TEMPLATE_TEST_CASE("a negative delay is none, and the longest one never passes", "[loop][contract]",
                   DURABLE_STREAMS_LOOPS) {
  TestType harness;
  bool never = false;
  bool at_once = false;
  harness.on_loop([&] {
    harness.loop().run_after(milliseconds::max(), [&] { never = true; });
    harness.loop().run_after(milliseconds::min(), [&] { at_once = true; });
  });
  harness.turn_until([&] { return at_once; });
  harness.destroy();
  CHECK_FALSE(never);
}

TEMPLATE_TEST_CASE("time never goes back", "[loop][contract]", DURABLE_STREAMS_LOOPS) {
  TestType harness;
  EventLoop::TimePoint last = EventLoop::TimePoint::min();
  int steps_back = 0;
  int turns = 0;
  std::function<void()> turn = [&] {
    const EventLoop::TimePoint now = harness.loop().now();
    if (now < last) ++steps_back;
    last = now;
    if (++turns < 200) harness.loop().post([&] { turn(); });
  };
  harness.on_loop([&] {
    turn();
    harness.loop().run_after(milliseconds(2), [&] { turn(); });
  });
  harness.turn_until([&] { return turns > 200; });
  harness.destroy();
  CHECK(steps_back == 0);
}

TEMPLATE_TEST_CASE("a task that posts itself for ever holds up no timer", "[loop][contract]",
                   DURABLE_STREAMS_LOOPS) {
  TestType harness;
  bool stop = false;
  int turns = 0;
  std::function<void()> again = [&] {
    ++turns;
    if (!stop) harness.loop().post([&] { again(); });
  };
  harness.on_loop([&] {
    harness.loop().post([&] { again(); });
    // Due at once, for virtual time passes only where nothing is left to run.
    harness.loop().run_after(milliseconds(0), [&] { stop = true; });
  });
  harness.turn_until([&] { return stop; });
  harness.destroy();
  CHECK(turns > 0);
}

TEMPLATE_TEST_CASE("a timer that sets itself at once for ever holds up no posted task",
                   "[loop][contract]", DURABLE_STREAMS_LOOPS) {
  TestType harness;
  int posted = 0;
  std::function<void()> again = [&] {
    if (posted < 3) harness.loop().run_after(milliseconds(0), [&] { again(); });
  };
  std::function<void()> post = [&] {
    if (++posted < 3) harness.loop().post([&] { post(); });
  };
  harness.on_loop([&] {
    again();
    harness.loop().post([&] { post(); });
  });
  harness.turn_until([&] { return posted == 3; });
  harness.destroy();
}

TEMPLATE_TEST_CASE("tasks waiting when the loop is destroyed are destroyed without being run",
                   "[loop][contract]", DURABLE_STREAMS_LOOPS) {
  TestType harness;
  int ran = 0;
  int destroyed = 0;
  const auto task = [&] { return [&ran, last = OnDestruction([&] { ++destroyed; })] { ++ran; }; };
  harness.on_loop([&] {
    for (int i = 0; i < 10; ++i) harness.loop().run_after(milliseconds(60'000 + i), task());
  });
  if (!TestType::kRunsPostsAtEnd) harness.loop().post(task());
  harness.destroy();
  CHECK(ran == 0);
  CHECK(destroyed == (TestType::kRunsPostsAtEnd ? 10 : 11));
}

TEMPLATE_TEST_CASE("a task destroyed with its loop may post, and set and cancel timers",
                   "[loop][contract]", DURABLE_STREAMS_LOOPS) {
  TestType harness;
  int ran = 0;
  int destroyed = 0;
  harness.on_loop([&] {
    EventLoop& loop = harness.loop();
    const EventLoop::TimerId other = loop.run_after(
        std::chrono::minutes(2), [&ran, last = OnDestruction([&] { ++destroyed; })] { ++ran; });
    const auto last_words = [&, other] {
      ++destroyed;
      loop.cancel(other);
      loop.post([&ran, last = OnDestruction([&] { ++destroyed; })] { ++ran; });
      loop.run_after(milliseconds(0),
                     [&ran, last = OnDestruction([&] { ++destroyed; })] { ++ran; });
    };
    loop.run_after(std::chrono::minutes(1), [&ran, last = OnDestruction(last_words)] { ++ran; });
  });
  harness.destroy();
  CHECK(ran == 0);
  CHECK(destroyed == 4);
}

}  // namespace
}  // namespace durable_streams

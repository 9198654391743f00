// The timer queue against a plain ordered map, and what tens of thousands of timers may cost.
#include "loop/timer_queue.h"

#include "tests/support/catch.h"

#include <chrono>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <utility>
#include <vector>

namespace durable_streams {
namespace {

using std::chrono::milliseconds;
using TimePoint = TimerQueue::TimePoint;

// Timers in the order they must run: by deadline, then by when they were set.
using Model = std::map<std::pair<TimePoint, int>, TimerQueue::TimerId>;

TEST_CASE("random timers run as a sorted list of them would", "[loop][timer]") {
  const std::uint32_t seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const auto below = [&](int bound) {
    return std::uniform_int_distribution<int>(0, bound - 1)(random);
  };
  TimerQueue queue;
  Model model;
  std::vector<int> ran;
  std::vector<TimerQueue::TimerId> gone;
  TimePoint now{};
  int set = 0;
  for (int step = 0; step < 20'000; ++step) {
    const int choice = below(100);
    if (choice < 50) {
      const milliseconds delay(below(4) == 0 ? below(1000) : 10 * below(5));
      const int name = set++;
      model[{now + delay, name}] = queue.add(now, delay, [&ran, name] { ran.push_back(name); });
    } else if (choice < 80 && !model.empty()) {
      const auto timer = std::next(model.begin(), below(static_cast<int>(model.size())));
      queue.cancel(timer->second);
      gone.push_back(timer->second);
      model.erase(timer);
    } else if (choice < 90 && !gone.empty()) {
      queue.cancel(gone[static_cast<std::size_t>(below(static_cast<int>(gone.size())))]);
    } else if (choice >= 90) {
      now += milliseconds(below(50));
      std::vector<int> expected;
      while (!model.empty() && model.begin()->first.first <= now) {
        expected.push_back(model.begin()->first.second);
        gone.push_back(model.begin()->second);
        model.erase(model.begin());
      }
      ran.clear();
      REQUIRE(queue.run_due(now) == expected.size());
      REQUIRE(ran == expected);
    }
    REQUIRE(queue.size() == model.size());
    REQUIRE(queue.next_deadline().has_value() == !model.empty());
    if (!model.empty()) REQUIRE(*queue.next_deadline() == model.begin()->first.first);
  }
}

TEST_CASE("a timer costs about 100 bytes, its task included", "[loop][timer]") {
  for (const std::size_t timers : {10'000U, 16'384U, 50'000U}) {
    TimerQueue queue;
    for (std::size_t i = 0; i < timers; ++i) queue.add(TimePoint{}, milliseconds(30'000), [] {});
    CHECK(queue.memory_bytes() <= timers * 104);
  }
}

TEST_CASE("setting and cancelling timers for ever takes no more memory than they need at once",
          "[loop][timer]") {
  TimerQueue queue;
  std::vector<TimerQueue::TimerId> waiting;
  TimePoint now{};
  for (int i = 0; i < 1000; ++i) waiting.push_back(queue.add(now, milliseconds(30'000), [] {}));
  const std::size_t bytes = queue.memory_bytes();
  for (std::size_t i = 0; i < 200'000; ++i) {
    now += milliseconds(1);
    TimerQueue::TimerId& timer = waiting[i * 7919 % waiting.size()];
    queue.cancel(timer);
    timer = queue.add(now, milliseconds(30'000), [] {});
  }
  CHECK(queue.size() == waiting.size());
  CHECK(queue.memory_bytes() == bytes);
}

TEST_CASE("a slot whose ids are used up is given up, so that no id comes twice", "[loop][timer]") {
  TimerQueue queue(3);
  std::set<TimerQueue::TimerId> ids;
  constexpr std::size_t kTimers = 5000;
  for (std::size_t i = 0; i < kTimers; ++i) {
    const TimerQueue::TimerId timer = queue.add(TimePoint{}, milliseconds(1), [] {});
    ids.insert(timer);
    queue.cancel(timer);
    queue.cancel(timer & std::numeric_limits<std::uint32_t>::max());
  }
  CHECK(ids.size() == kTimers);
  CHECK(ids.count(0) == 0);
  CHECK(queue.size() == 0);
}

TEST_CASE("an id that was never given out is ignored", "[loop][timer]") {
  TimerQueue queue;
  queue.cancel(std::numeric_limits<TimerQueue::TimerId>::max());
  int ran = 0;
  const TimerQueue::TimerId timer = queue.add(TimePoint{}, milliseconds(0), [&] { ++ran; });
  for (TimerQueue::TimerId other = timer + 1; other < timer + 300; ++other) queue.cancel(other);
  queue.cancel(timer + (TimerQueue::TimerId{1} << 32));
  CHECK(queue.run_due(TimePoint{}) == 1);
  CHECK(ran == 1);
}

TEST_CASE("a task that is cancelled may set and cancel timers as it is destroyed",
          "[loop][timer]") {
  TimerQueue queue;
  int ran = 0;
  const TimerQueue::TimerId other = queue.add(TimePoint{}, milliseconds(1), [&] { ran += 100; });
  const auto last_words = [&queue, &ran, other](const int* held) {
    delete held;
    queue.cancel(other);
    for (int i = 0; i < 300; ++i) queue.add(TimePoint{}, milliseconds(2), [&ran] { ++ran; });
  };
  std::unique_ptr<int, decltype(last_words)> held(new int(0), last_words);
  queue.cancel(queue.add(TimePoint{}, milliseconds(1), [held = std::move(held)] {}));
  CHECK(queue.run_due(TimePoint(milliseconds(2))) == 300);
  CHECK(ran == 300);
}

}  // namespace
}  // namespace durable_streams

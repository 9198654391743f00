// What only the thread loop promises: a thread of its own, and an end that runs what was posted
// before.
#include <durable_streams/thread_loop.h>

#include "tests/support/catch.h"

#include <chrono>
#include <future>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace durable_streams {
namespace {

using std::chrono::milliseconds;

// Reports the thread that destroys it.
class ThreadWitness {
 public:
  explicit ThreadWitness(std::thread::id& seen) : seen_(&seen) {}
  ThreadWitness(ThreadWitness&& other) noexcept : seen_(std::exchange(other.seen_, nullptr)) {}
  ThreadWitness& operator=(ThreadWitness&&) = delete;
  ~ThreadWitness() {
    if (seen_ != nullptr) *seen_ = std::this_thread::get_id();
  }

 private:
  std::thread::id* seen_;
};

TEST_CASE("every task runs on one thread, which is not the poster's", "[loop][thread]") {
  std::vector<std::thread::id> threads;
  {
    ThreadLoop loop;
    std::promise<void> timer_ran;
    loop.post([&] {
      threads.push_back(std::this_thread::get_id());
      loop.run_after(milliseconds(1), [&] {
        threads.push_back(std::this_thread::get_id());
        timer_ran.set_value();
      });
    });
    timer_ran.get_future().wait();
  }
  REQUIRE(threads.size() == 2);
  CHECK(threads[0] == threads[1]);
  CHECK(threads[0] != std::this_thread::get_id());
}

TEST_CASE("the destructor runs what was posted before it, and only that", "[loop][thread]") {
  int ran = 0;
  int ran_too_late = 0;
  {
    ThreadLoop loop;
    std::promise<void> go;
    // Holds the loop so that the rest still waits when the destructor starts.
    loop.post([&, hold = go.get_future()]() mutable { hold.wait(); });
    for (int i = 0; i < 100; ++i) loop.post([&] { ++ran; });
    loop.post([&] { loop.run_after(milliseconds(60'000), [&] { ++ran_too_late; }); });
    go.set_value();
  }
  CHECK(ran == 100);
  CHECK(ran_too_late == 0);
}

TEST_CASE("timers left when the loop ends are destroyed on its thread", "[loop][thread]") {
  std::thread::id loop_thread;
  std::thread::id destroyed_on;
  {
    ThreadLoop loop;
    loop.post([&] {
      loop_thread = std::this_thread::get_id();
      loop.run_after(milliseconds(60'000), [witness = ThreadWitness(destroyed_on)] {});
    });
  }
  CHECK(loop_thread != std::thread::id());
  CHECK(destroyed_on == loop_thread);
}

TEST_CASE("a task may bring about the end of its loop through another thread", "[loop][thread]") {
  for (int i = 0; i < 200; ++i) {
    auto loop = std::make_unique<ThreadLoop>();
    std::promise<void> done;
    loop->post([&] { done.set_value(); });
    done.get_future().wait();
    loop.reset();
  }
}

TEST_CASE("a timer of the thread loop is not early by the steady clock", "[loop][thread]") {
  ThreadLoop loop;
  std::promise<std::chrono::nanoseconds> waited;
  loop.post([&] {
    const auto set_at = std::chrono::steady_clock::now();
    loop.run_after(milliseconds(3),
                   [&, set_at] { waited.set_value(std::chrono::steady_clock::now() - set_at); });
  });
  CHECK(waited.get_future().get() >= milliseconds(3));
}

}  // namespace
}  // namespace durable_streams

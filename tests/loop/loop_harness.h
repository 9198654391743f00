// What a test needs of a loop besides EventLoop itself: to be on its thread, to let it turn, and to
// end it. One harness a loop, so that one contract suite runs over all of them.
#pragma once

#include <durable_streams/manual_loop.h>
#include <durable_streams/thread_loop.h>

#include "tests/support/catch.h"

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

namespace durable_streams {

// Each harness has: loop(); on_loop(job), which runs `job` on the loop's thread and returns when it
// has; turn_until(done), which lets the loop turn until `done`, asked on the loop's thread, is
// true; destroy(), which ends the loop.

class VirtualLoopHarness {
 public:
  static constexpr bool kRunsPostsAtEnd = false;

  EventLoop& loop() { return *loop_; }
  void on_loop(const std::function<void()>& job) { job(); }

  void turn_until(const std::function<bool()>& done) {
    while (!done()) {
      if (loop_->run_once() > 0) continue;
      const std::optional<EventLoop::TimePoint> next = loop_->next_timer();
      if (next) {
        loop_->advance(std::chrono::ceil<std::chrono::milliseconds>(*next - loop_->now()));
      } else {
        std::this_thread::yield();  // for posts from other threads
      }
    }
  }

  void destroy() { loop_.reset(); }

 private:
  std::optional<ManualLoop> loop_{ManualLoop::Time::kVirtual};
};

class RealManualLoopHarness {
 public:
  static constexpr bool kRunsPostsAtEnd = false;

  EventLoop& loop() { return *loop_; }
  void on_loop(const std::function<void()>& job) { job(); }

  void turn_until(const std::function<bool()>& done) {
    while (!done()) loop_->run_once();
  }

  void destroy() { loop_.reset(); }

 private:
  std::optional<ManualLoop> loop_{ManualLoop::Time::kReal};
};

class ThreadLoopHarness {
 public:
  static constexpr bool kRunsPostsAtEnd = true;

  EventLoop& loop() { return *loop_; }

  void on_loop(const std::function<void()>& job) {
    std::promise<void> ran;
    loop_->post([&] {
      job();
      ran.set_value();
    });
    ran.get_future().wait();
  }

  void turn_until(const std::function<bool()>& done) {
    for (bool is_done = false; !is_done;) {
      on_loop([&] { is_done = done(); });
    }
  }

  void destroy() { loop_.reset(); }

 private:
  std::optional<ThreadLoop> loop_{std::in_place};
};

}  // namespace durable_streams

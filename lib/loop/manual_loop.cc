// Turns by hand: one pass over what was posted, then one over the timers that are due.
#include <durable_streams/manual_loop.h>

#include <chrono>
#include <utility>

#include "base/assert.h"
#include "loop/post_queue.h"
#include "loop/timer_queue.h"

namespace durable_streams {

// Owned by its loop. Threads: as ManualLoop.
class ManualLoop::Impl {
 public:
  explicit Impl(Time time) : time_(time) {}

  TimePoint now() const {
    return time_ == Time::kVirtual ? virtual_now_ : std::chrono::steady_clock::now();
  }

  void advance(std::chrono::milliseconds by) {
    DURABLE_STREAMS_ASSERT(time_ == Time::kVirtual);
    DURABLE_STREAMS_ASSERT(by.count() >= 0);
    virtual_now_ += by;
  }

  std::size_t run_once() {
    const std::size_t posted = posts_.run();
    return posted + timers_.run_due(now());
  }

  void drop_all() {
    while (posts_.drop_all() + timers_.drop_all() > 0) {
    }
  }

  PostQueue& posts() { return posts_; }
  TimerQueue& timers() { return timers_; }

 private:
  const Time time_;
  TimePoint virtual_now_{};
  PostQueue posts_;
  TimerQueue timers_;
};

ManualLoop::ManualLoop(Time time) : impl_(std::make_unique<Impl>(time)) {}

// Here, and not in the members' destructors: a task may still use the loop as it is destroyed.
ManualLoop::~ManualLoop() { impl_->drop_all(); }

std::size_t ManualLoop::run_once() { return impl_->run_once(); }

std::size_t ManualLoop::run_until_idle() {
  std::size_t total = 0;
  while (const std::size_t ran = run_once()) total += ran;
  return total;
}

void ManualLoop::advance(std::chrono::milliseconds by) { impl_->advance(by); }

std::optional<EventLoop::TimePoint> ManualLoop::next_timer() const {
  return impl_->timers().next_deadline();
}

void ManualLoop::post(Task task) {
  impl_->posts().push(std::move(task), [] {});
}

EventLoop::TimerId ManualLoop::run_after(std::chrono::milliseconds delay, Task task) {
  return impl_->timers().add(now(), delay, std::move(task));
}

void ManualLoop::cancel(TimerId timer) { impl_->timers().cancel(timer); }

EventLoop::TimePoint ManualLoop::now() const { return impl_->now(); }

}  // namespace durable_streams

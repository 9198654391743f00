// A thread that sleeps on a condition variable until something is posted or a timer is due.
#include <durable_streams/thread_loop.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "base/assert.h"
#include "base/mutex.h"
#include "loop/post_queue.h"
#include "loop/timer_queue.h"

namespace durable_streams {

// Owned by its loop. Threads: post and stop from any; the rest its own thread only.
class ThreadLoop::Impl {
 public:
  Impl() : thread_([this] { run(); }) {}

  void post(Task task) {
    posts_.push(std::move(task), [this] { wake(false); });
  }

  void stop() {
    DURABLE_STREAMS_ASSERT(std::this_thread::get_id() != thread_.get_id());
    wake(true);
    thread_.join();
  }

  TimerQueue& timers() {
    DURABLE_STREAMS_ASSERT(std::this_thread::get_id() == thread_.get_id());
    return timers_;
  }

 private:
  void run() {
    while (wait()) {
      posts_.run();
      timers_.run_due(std::chrono::steady_clock::now());
    }
    posts_.run();
    while (posts_.drop_all() + timers_.drop_all() > 0) {
    }
  }

  void wake(bool stop) {
    const MutexLock lock(mutex_);
    woken_ = true;
    stopping_ = stopping_ || stop;
    // Under the lock: once the thread has seen it, the loop may be gone.
    condition_.notify_one();
  }

  // Until there may be something to do; false when the loop ends. The analysis cannot follow a
  // condition variable.
  bool wait() DURABLE_STREAMS_NO_THREAD_SAFETY_ANALYSIS {
    std::unique_lock lock(mutex_.native());
    const auto woken = [this]() DURABLE_STREAMS_NO_THREAD_SAFETY_ANALYSIS { return woken_; };
    if (const std::optional<TimePoint> deadline = timers_.next_deadline()) {
      condition_.wait_until(lock, *deadline, woken);
    } else {
      condition_.wait(lock, woken);
    }
    woken_ = false;
    return !stopping_;
  }

  PostQueue posts_;
  TimerQueue timers_;

  Mutex mutex_;
  std::condition_variable condition_;
  bool woken_ DURABLE_STREAMS_GUARDED_BY(mutex_) = false;
  bool stopping_ DURABLE_STREAMS_GUARDED_BY(mutex_) = false;

  std::thread thread_;  // last: it uses all of the above
};

ThreadLoop::ThreadLoop() : impl_(std::make_unique<Impl>()) {}

ThreadLoop::~ThreadLoop() { impl_->stop(); }

void ThreadLoop::post(Task task) { impl_->post(std::move(task)); }

EventLoop::TimerId ThreadLoop::run_after(std::chrono::milliseconds delay, Task task) {
  return impl_->timers().add(now(), delay, std::move(task));
}

void ThreadLoop::cancel(TimerId timer) { impl_->timers().cancel(timer); }

EventLoop::TimePoint ThreadLoop::now() const { return std::chrono::steady_clock::now(); }

}  // namespace durable_streams

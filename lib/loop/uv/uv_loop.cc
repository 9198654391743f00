// Three uv handles carry everything: a timer for the earliest deadline, an async for posts from
// other threads, and an idle handle for the loop's own posts, which needs no system call.
#include <durable_streams/uv_loop.h>

#include <uv.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <thread>
#include <utility>

#include "base/assert.h"
#include "loop/post_queue.h"
#include "loop/timer_queue.h"

namespace durable_streams {
namespace {

// Outlives the loop until libuv has let go of all three, and then deletes itself. Threads: loop
// only, but the async.
struct Handles {
  uv_timer_t timer;
  uv_async_t async;
  uv_idle_t idle;
  int open = 3;

  void close() {
    close(reinterpret_cast<uv_handle_t*>(&timer));
    close(reinterpret_cast<uv_handle_t*>(&async));
    close(reinterpret_cast<uv_handle_t*>(&idle));
  }

  void close(uv_handle_t* handle) {
    handle->data = this;
    uv_close(handle, [](uv_handle_t* closed) {
      auto* self = static_cast<Handles*>(closed->data);
      if (--self->open == 0) delete self;
    });
  }
};

EventLoop::TimePoint time_point(std::chrono::nanoseconds since_epoch) {
  return EventLoop::TimePoint(
      std::chrono::duration_cast<EventLoop::TimePoint::duration>(since_epoch));
}

}  // namespace

// Owned by its loop. Threads: as UvLoop.
class UvLoop::Impl {
 public:
  explicit Impl(uv_loop_t* loop) : loop_(loop), handles_(new Handles) {
    // None of these can fail: a uv loop already has the descriptor that its asyncs share.
    int status = uv_timer_init(loop, &handles_->timer);
    DURABLE_STREAMS_ASSERT(status == 0);
    status =
        uv_async_init(loop, &handles_->async, [](uv_async_t* async) { of(async)->run_posts(); });
    DURABLE_STREAMS_ASSERT(status == 0);
    status = uv_idle_init(loop, &handles_->idle);
    DURABLE_STREAMS_ASSERT(status == 0);
    adopt(&handles_->timer);
    adopt(&handles_->async);
    adopt(&handles_->idle);
  }

  ~Impl() { handles_->close(); }

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void post(Task task) {
    posts_.push(std::move(task), [this] {
      if (std::this_thread::get_id() == thread_.load(std::memory_order_relaxed)) {
        // An active idle handle keeps the next poll from blocking, yet lets it look for I/O.
        uv_idle_start(&handles_->idle, [](uv_idle_t* idle) { of(idle)->run_posts(); });
      } else {
        uv_async_send(&handles_->async);
      }
    });
  }

  TimerId run_after(std::chrono::milliseconds delay, Task task) {
    // The loop's own time may be a long callback old: counted from there, the timer would be early.
    const TimePoint precise = time_point(std::chrono::nanoseconds(uv_hrtime()));
    const TimerId timer = timers_.add(precise, delay, std::move(task));
    arm();
    return timer;
  }

  // The uv timer stays as it is: at worst it fires once for nothing.
  void cancel(TimerId timer) { timers_.cancel(timer); }

  TimePoint now() const { return time_point(std::chrono::milliseconds(uv_now(loop_))); }

  void drop_all() {
    while (posts_.drop_all() + timers_.drop_all() > 0) {
    }
  }

 private:
  template <class Handle>
  void adopt(Handle* handle) {
    handle->data = this;
    uv_unref(reinterpret_cast<uv_handle_t*>(handle));
  }

  template <class Handle>
  static Impl* of(Handle* handle) {
    return static_cast<Impl*>(handle->data);
  }

  // Only what runs in uv_run() knows the loop's thread: the loop may have been made on another one.
  // Until the first callback every post takes the async, which is right from any thread.
  void learn_thread() { thread_.store(std::this_thread::get_id(), std::memory_order_relaxed); }

  void run_posts() {
    learn_thread();
    uv_idle_stop(&handles_->idle);
    posts_.run();
  }

  void run_timers() {
    learn_thread();
    armed_ = TimePoint::min();  // so that what runs here arms nothing
    timers_.run_due(now());
    armed_ = TimePoint::max();
    arm();
  }

  // Sees to it that the uv timer fires no later than the earliest deadline.
  void arm() {
    const std::optional<TimePoint> deadline = timers_.next_deadline();
    if (!deadline || *deadline >= armed_) return;
    armed_ = *deadline;
    const auto due = std::chrono::ceil<std::chrono::milliseconds>(deadline->time_since_epoch());
    const auto loop_now = std::chrono::milliseconds(uv_now(loop_));
    // Never 0: libuv runs a timer that is restarted with 0 again in the same turn, before any I/O.
    const std::chrono::milliseconds wait = std::max(due - loop_now, std::chrono::milliseconds(1));
    uv_timer_start(
        &handles_->timer, [](uv_timer_t* timer) { of(timer)->run_timers(); },
        static_cast<std::uint64_t>(wait.count()), 0);
  }

  uv_loop_t* const loop_;
  Handles* const handles_;
  std::atomic<std::thread::id> thread_{};
  PostQueue posts_;

  // Loop only.
  TimerQueue timers_;
  TimePoint armed_ = TimePoint::max();  // what the uv timer waits for
};

UvLoop::UvLoop(uv_loop_s* loop, bool may_wait)
    : impl_(std::make_unique<Impl>(loop)), may_wait_(may_wait) {}

// Here, and not in the members' destructors: a task may still use the loop as it is destroyed.
UvLoop::~UvLoop() { impl_->drop_all(); }

void UvLoop::post(Task task) { impl_->post(std::move(task)); }

EventLoop::TimerId UvLoop::run_after(std::chrono::milliseconds delay, Task task) {
  return impl_->run_after(delay, std::move(task));
}

void UvLoop::cancel(TimerId timer) { impl_->cancel(timer); }

EventLoop::TimePoint UvLoop::now() const { return impl_->now(); }

}  // namespace durable_streams

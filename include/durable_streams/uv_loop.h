// The adapter for a host that runs on libuv; its target is durable_streams::uv. This header needs
// no uv.h.
#pragma once

#include <durable_streams/event_loop.h>

#include <memory>

struct uv_loop_s;

namespace durable_streams {

// Borrows a uv loop that outlives it, and that one thread turns. All timers share one uv timer,
// posts from other threads one uv async handle, and the loop's own posts one uv idle handle; none
// keeps uv_run() alive by itself. Destroy it on the loop's thread, not from one of its tasks, then
// let the loop turn once more so that its handles close. Threads: post from any; the rest loop
// only.
class DURABLE_STREAMS_EXPORT UvLoop final : public EventLoop {
 public:
  // What may_wait() shall answer is the host's choice.
  explicit UvLoop(uv_loop_s* loop, bool may_wait = false);
  ~UvLoop() override;
  UvLoop(const UvLoop&) = delete;
  UvLoop& operator=(const UvLoop&) = delete;

  void post(Task task) override;
  TimerId run_after(std::chrono::milliseconds delay, Task task) override;
  void cancel(TimerId timer) override;
  TimePoint now() const override;
  bool may_wait() const override { return may_wait_; }

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
  const bool may_wait_;
};

}  // namespace durable_streams

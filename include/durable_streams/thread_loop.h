// A loop with a thread of its own, for a host that has none.
#pragma once

#include <durable_streams/event_loop.h>

#include <memory>

namespace durable_streams {

// The thread starts with the object and ends with it: the destructor runs what was posted before
// it, then joins. It must not be destroyed from its own thread. Threads: post from any; the rest
// loop only.
class DURABLE_STREAMS_EXPORT ThreadLoop final : public EventLoop {
 public:
  ThreadLoop();
  ~ThreadLoop() override;
  ThreadLoop(const ThreadLoop&) = delete;
  ThreadLoop& operator=(const ThreadLoop&) = delete;

  void post(Task task) override;
  TimerId run_after(std::chrono::milliseconds delay, Task task) override;
  void cancel(TimerId timer) override;
  TimePoint now() const override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace durable_streams

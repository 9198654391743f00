// The host's event loop, as the library sees it: where completions run, and where time passes for
// waits.
#pragma once

#include <durable_streams/export.h>
#include <durable_streams/function.h>

#include <chrono>
#include <cstdint>

namespace durable_streams {

using Task = Function<void()>;

// Implemented by the host, or one of ManualLoop, ThreadLoop and UvLoop. Every task runs on the
// loop's own thread, never inside the call that handed it over. A loop outlives the Streams handles
// bound to it; tasks still waiting when it is destroyed are destroyed without being run.
class DURABLE_STREAMS_EXPORT EventLoop {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // Names one run_after; never reused by the same loop. 0 names none.
  using TimerId = std::uint64_t;

  virtual ~EventLoop() = default;

  // Runs `task` soon; tasks posted by one thread run in its order. Threads: any.
  virtual void post(Task task) = 0;

  // Runs `task` once, `delay` from now or a little later. Threads: loop only.
  virtual TimerId run_after(std::chrono::milliseconds delay, Task task) = 0;

  // Forgets a timer; one that has run, or 0, is ignored. Threads: loop only.
  virtual void cancel(TimerId timer) = 0;

  // Monotonic; may stand still within one turn of the loop. Threads: loop only.
  virtual TimePoint now() const = 0;

  // Whether the loop's thread may wait for a disk on the library's behalf, as long as a sync takes
  // that is known to be short (under a millisecond): it spares a durable append two wake-ups.
  // Threads: loop only.
  virtual bool may_wait() const { return false; }
};

}  // namespace durable_streams

// A loop that runs when it is told to: for a game's tick, for tests, and for the simulator.
#pragma once

#include <durable_streams/event_loop.h>

#include <cstddef>
#include <memory>
#include <optional>

namespace durable_streams {

// Time is the steady clock's, or, with `virtual_time`, stands still until advance(). Threads: loop
// only, but post.
class DURABLE_STREAMS_EXPORT ManualLoop final : public EventLoop {
 public:
  enum class Time : std::uint8_t { kReal, kVirtual };

  explicit ManualLoop(Time time = Time::kReal);
  ~ManualLoop() override;
  ManualLoop(const ManualLoop&) = delete;
  ManualLoop& operator=(const ManualLoop&) = delete;

  // Runs what was posted before the call and every timer that is due; returns how many tasks ran.
  // Never blocks.
  std::size_t run_once();

  // Runs until nothing is posted and no timer is due; returns how many tasks ran.
  std::size_t run_until_idle();

  // Moves virtual time; the due timers run in the next run_once().
  void advance(std::chrono::milliseconds by);

  // When the next timer is due, if there is one.
  std::optional<TimePoint> next_timer() const;

  void post(Task task) override;
  TimerId run_after(std::chrono::milliseconds delay, Task task) override;
  void cancel(TimerId timer) override;
  TimePoint now() const override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace durable_streams

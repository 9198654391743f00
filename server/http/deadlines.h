// When connections have waited long enough: one coarse timer for a whole loop instead of one for
// each connection.
#pragma once

#include <durable_streams/event_loop.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "server/http/intrusive_list.h"
#include "server/http/limits.h"

namespace durable_streams::server {

// What a connection waits for, and how long it may (see Limits).
enum class Wait : std::uint8_t { kNone, kRequest, kHead, kBody, kClient, kProbe, kLinger };

// Something with at most one deadline. Threads: loop only.
class Timed {
 public:
  virtual ~Timed() = default;

  // The deadline has passed, and is no longer set.
  virtual void on_deadline(Wait wait) = 0;

 private:
  friend class Deadlines;
  ListLink<Timed> link_;
  EventLoop::TimePoint due_;
  Wait wait_ = Wait::kNone;
};

// Every kind of wait has one length, so a list for each, joined at its end, is in order of
// deadlines by itself. Deadlines pass up to two ticks late and never early. Threads: loop only.
class Deadlines {
 public:
  explicit Deadlines(const Limits& limits);

  // From now on waits are those of a server that stops: shorter, and looked at more often. What is
  // set has to be cleared and set anew.
  void begin_drain(const Limits& limits);

  // How often to run().
  std::chrono::milliseconds tick() const { return tick_; }

  // Sets the deadline of `timed` anew, from `now` on.
  void set(Timed& timed, Wait wait, EventLoop::TimePoint now);
  void clear(Timed& timed);
  static Wait wait_of(const Timed& timed) { return timed.wait_; }

  bool empty() const;

  // Calls on_deadline() of those that are due, so many at the most. True: more are due.
  bool run(EventLoop::TimePoint now, std::size_t count_max);

 private:
  static constexpr std::size_t kKinds = static_cast<std::size_t>(Wait::kLinger) + 1;
  static std::size_t index(Wait wait) { return static_cast<std::size_t>(wait); }

  std::chrono::milliseconds tick_;
  std::array<std::chrono::milliseconds, kKinds> lengths_{};
  std::array<IntrusiveList<Timed, &Timed::link_>, kKinds> lists_;
};

}  // namespace durable_streams::server

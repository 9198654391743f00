// Keeps a set of connections busy, either as fast as answers come or at a fixed rate.
#pragma once

#include "bench/connection.h"
#include "bench/epoll.h"

#include <durable_streams/result.h>

#include <atomic>
#include <cstddef>
#include <vector>

namespace durable_streams::bench {

enum class Phase : std::uint8_t { kWarmUp, kMeasure, kDone };

// At a fixed rate, request k is due k intervals after the start, on connection k modulo their
// number, and its latency counts from then even if the connection is still busy: a server that
// stalls is charged for all that it held up. Threads: one at a time; `phase` may be set from any.
class LoadLoop {
 public:
  // `interval` is the time between requests; 0 is a closed loop with `room()` of each connection in
  // flight.
  LoadLoop(Epoll epoll, std::vector<Connection> connections, Nanos interval,
           const std::atomic<Phase>& phase);

  // Runs until the phase is kDone, or something fails.
  Status run();

  const Tally& tally() const { return tally_; }

 private:
  struct Schedule {
    std::size_t due = 0;  // requests of this connection whose time has come
    std::size_t sent = 0;
  };

  Status start();
  Status serve(const Ready& ready);
  Status send_due(Nanos now);
  Status send_scheduled(std::size_t index);
  Nanos time_of(std::size_t request) const;

  Epoll epoll_;
  std::vector<Connection> connections_;
  Nanos interval_;
  const std::atomic<Phase>& phase_;
  Tally tally_;
  std::vector<char> buffer_;
  std::vector<Schedule> schedules_;
  Nanos start_ = 0;
  std::size_t next_request_ = 0;
};

}  // namespace durable_streams::bench

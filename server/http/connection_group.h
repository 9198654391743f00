// The connections of one loop, and what they share so that each of them is small: buffers,
// deadlines, the date.
#pragma once

#include <durable_streams/clock.h>
#include <durable_streams/event_loop.h>
#include <durable_streams/function.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <random>
#include <string_view>
#include <vector>

#include "server/http/connection.h"
#include "server/http/date_line.h"
#include "server/http/deadlines.h"
#include "server/http/handler.h"
#include "server/http/limits.h"
#include "server/http/output_batch.h"
#include "server/http/request_parser.h"
#include "server/log/access_log.h"
#include "server/log/request_ids.h"
#include "server/metrics/loop_metrics.h"
#include "server/metrics/turn_timer.h"

namespace durable_streams::server {

// Who looks on as a group serves, and how.
struct Onlookers {
  LoopMetrics* metrics = nullptr;  // outlives the group; null: nobody asks for them
  RequestIds* ids = nullptr;       // the same; null: the group has its own
  MonotonicNow now = std::chrono::steady_clock::now;  // what durations are measured by
};

// Owned by the loop's worker; connections belong to their transports and must be gone before it is.
// Everything that it is given outlives it. Threads: loop only.
class ConnectionGroup {
 public:
  // `open` counts the connections of all groups: raised by who accepts them, lowered here when they
  // are gone.
  ConnectionGroup(const Limits& limits, EventLoop& loop, const Clock& clock, Handler& handler,
                  std::atomic<std::size_t>& open, const Onlookers& onlookers = {});
  ~ConnectionGroup();
  ConnectionGroup(const ConnectionGroup&) = delete;
  ConnectionGroup& operator=(const ConnectionGroup&) = delete;

  std::size_t size() const { return size_; }

  // Lets every connection finish the requests that have come, and those on their way, and closes it
  // then. `done` runs when none is left, maybe at once.
  void drain(Function<void()> done);
  bool draining() const { return draining_; }

  // Closes every connection, whatever it is doing.
  void close_all();

  // Where a line goes for each request that cannot be handed to a handler: malformed, too large,
  // too slow, one connection too many.
  void log_refusals(AccessLog log) { refusal_log_ = log; }

  // What follows is for connections.

  void join(Connection& connection);
  void leave(Connection& connection);

  const Limits& limits() const { return limits_; }
  Handler& handler() const { return handler_; }
  ParserScratch& scratch() { return scratch_; }
  Deadlines& deadlines() { return deadlines_; }
  EventLoop::TimePoint now() const { return loop_.now(); }
  std::string_view date_line() { return date_line_.at(loop_.now()); }
  LoopMetrics& metrics() { return metrics_; }
  TurnTimer& timer() { return timer_; }
  RequestIds& request_ids() { return request_ids_; }
  const AccessLog& refusal_log() const { return refusal_log_; }

  // The batch, whose last part is now `connection`'s. What it has in another one is sent first.
  OutputBatch& batch_for(Connection& connection);
  const OutputBatch& batch() const { return batch_; }
  // `connection` has sent what it has in the batch, or will not.
  void release_part(Connection& connection);
  // Sends all that is in the batch.
  void flush_all();

  // Has `connection` settled soon: at the end of this turn of the loop, or in the next.
  void settle_soon(Connection& connection);
  void forget(Connection& connection);

  // Starts the sweep over deadlines unless it runs.
  void watch_deadlines();

  // For Retry-After: 1 to 5 seconds, so that those refused do not come back all at once.
  int retry_after_seconds();

 private:
  void settle_all();
  void sweep();

  const Limits& limits_;
  EventLoop& loop_;
  Handler& handler_;
  const std::unique_ptr<LoopMetrics> unread_metrics_;
  LoopMetrics& metrics_;
  TurnTimer timer_;
  RequestIds own_request_ids_;
  RequestIds& request_ids_;
  AccessLog refusal_log_;
  DateLine date_line_;
  Deadlines deadlines_;
  ParserScratch scratch_;
  OutputBatch batch_;
  std::vector<Connection*> part_owners_;  // of each part of the batch; null: released
  std::size_t parts_in_use_ = 0;
  IntrusiveList<Connection, &Connection::member_link> members_;
  IntrusiveList<Connection, &Connection::settle_link> unsettled_;
  std::size_t size_ = 0;
  std::atomic<std::size_t>& open_;
  EventLoop::TimerId sweep_timer_ = 0;
  bool settling_posted_ = false;
  bool draining_ = false;
  Function<void()> drained_;
  std::minstd_rand random_;
  std::shared_ptr<ConnectionGroup*>
      self_;  // null once the group is gone, for tasks that the loop still holds
};

}  // namespace durable_streams::server

// One event loop with all that serves connections on it.
#pragma once

#include <durable_streams/clock.h>
#include <durable_streams/event_loop.h>
#include <durable_streams/function.h>
#include <durable_streams/result.h>
#include <durable_streams/uv_loop.h>

#include <uv.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "server/http/connection.h"
#include "server/http/connection_group.h"
#include "server/http/limits.h"
#include "server/log/request_ids.h"
#include "server/metrics/loop_delay.h"
#include "server/metrics/loop_metrics.h"
#include "server/net/acceptor.h"
#include "server/net/address_counts.h"
#include "server/net/read_turn.h"
#include "server/runtime/loop_endpoints.h"
#include "server/runtime/plan.h"
#include "server/runtime/site_handler.h"
#include "server/tls/tls_loop.h"
#include "server/tls/tls_site.h"

namespace durable_streams::server {

// Names an address that is listened at, for as long as it is.
using BindingId = std::uint64_t;

// A connection that has been accepted, and what is known of it.
struct Arrival {
  AcceptedSocket socket;
  BindingId binding = 0;
  Connection::Admission admission = Connection::Admission::kServed;
  AddressCounts::Seat seat = {};
};

// Which site of a plan is served at each address.
using BoundSites = std::vector<std::pair<BindingId, std::size_t>>;

// Made on any thread; from run() on it belongs to the thread that called it. What it is given
// outlives it. Threads: loop only, but post.
class Worker {
 public:
  struct Place {
    const Clock& clock;
    std::atomic<std::size_t>& open_connections;
    RequestIds ids;
  };

  static Result<std::unique_ptr<Worker>> make(const Place& place);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Turns the loop until stop(), then takes down all that is on it. Once only.
  void run();

  // Runs `task` on the loop, also before run(); after it the task is dropped. Threads: any.
  void post(Task task);

  // From now on requests are answered as the plan says, on connections that are open, too. Those of
  // an address that is not among `bound` end when they have been answered.
  void serve(const std::shared_ptr<const Plan>& plan, const BoundSites& bound);

  // Nothing is served at an address before serve() has named it; a connection that comes to one
  // that is gone is closed.
  void adopt(Arrival arrival);

  // Ends live responses, answers what is in flight and closes every connection, after `timeout`
  // whatever it is doing. `done` runs once none is left.
  void drain(std::chrono::milliseconds timeout, Function<void()> done);

  // A page of an endpoint's streams (Streams::list()), in a later turn of the loop. Dropped if the
  // worker ends first. Threads: loop only.
  void list(const std::shared_ptr<const EndpointPlan>& endpoint, const ListOptions& options,
            Completion<Listing> done);

  // Has run() return.
  void stop();

  uv_loop_t* uv_loop() { return &uv_loop_; }
  EventLoop& loop() { return *loop_; }
  ReadTurn& reads() { return *reads_; }

  // What the loop counts; it is the loop's to write. Reading it: threads any.
  LoopMetrics& metrics() { return metrics_; }

 private:
  // The connections of one address that have the same limits.
  struct Site {
    Site(BindingId id, const Limits& with, Worker& worker);

    const BindingId binding;
    const Limits limits;
    std::shared_ptr<TlsSite> tls;  // null: plain HTTP
    SiteHandler handler;
    ConnectionGroup connections;
    bool current = true;  // takes new connections
  };

  explicit Worker(const Place& place);

  Site* current_site(BindingId binding);
  void serve_site(BindingId binding, const std::shared_ptr<const Plan>& plan, const SitePlan& site);
  void end_site(Site& site);
  void sweep_sites();
  bool connect(Site& site, Arrival arrival);

  Place place_;
  uv_loop_t uv_loop_{};
  uv_async_t keeper_{};  // keeps the loop turning while nothing else does
  LoopMetrics metrics_;
  std::optional<ReadTurn> reads_;
  std::optional<UvLoop> loop_;
  std::optional<LoopDelay> delay_;
  std::optional<TlsLoop> tls_;
  std::optional<LoopEndpoints> endpoints_;
  std::vector<std::unique_ptr<Site>> sites_;
  bool ran_ = false;
};

}  // namespace durable_streams::server

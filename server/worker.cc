// The order of construction is the order of dependence; run() takes it down backwards, on the
// loop's own thread, but for the loop itself: others may post to it for as long as the worker
// lives.
#include "server/worker.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

#include "server/net/tcp_transport.h"
#include "server/tls/tls_transport.h"

namespace durable_streams::server {

Worker::Site::Site(BindingId id, const Limits& with, Worker& worker)
    : binding(id),
      limits(with),
      connections(limits, *worker.loop_, worker.place_.clock, handler,
                  worker.place_.open_connections,
                  {.metrics = &worker.metrics_, .ids = &worker.place_.ids}) {}

Worker::Worker(const Place& place) : place_(place) {}

Result<std::unique_ptr<Worker>> Worker::make(const Place& place) {
  std::unique_ptr<Worker> worker(new Worker(place));
  const int status = uv_loop_init(&worker->uv_loop_);
  if (status != 0) {
    return Error{ErrorCode::kUnavailable,
                 fmt::format("cannot make an event loop: {}", uv_strerror(status)),
                 {}};
  }
  uv_async_init(&worker->uv_loop_, &worker->keeper_, nullptr);
  worker->reads_.emplace(&worker->uv_loop_);
  worker->loop_.emplace(&worker->uv_loop_, /*may_wait=*/true);
  worker->tls_.emplace(*worker->loop_, worker->metrics_);
  worker->endpoints_.emplace(*worker->loop_);
  worker->delay_.emplace(*worker->loop_, worker->metrics_);
  worker->post([delay = &*worker->delay_] { delay->start(); });
  return worker;
}

Worker::~Worker() {
  if (!loop_) return;  // never made
  if (!ran_) {
    stop();
    run();
  }
  loop_.reset();
  uv_run(&uv_loop_, UV_RUN_DEFAULT);
  if (uv_loop_close(&uv_loop_) != 0) std::abort();  // a handle was forgotten
}

void Worker::run() {
  ran_ = true;
  uv_run(&uv_loop_, UV_RUN_DEFAULT);
  delay_.reset();
  tls_.reset();
  sites_.clear();
  endpoints_.reset();
  reads_.reset();
  uv_run(&uv_loop_, UV_RUN_DEFAULT);
}

void Worker::post(Task task) { loop_->post(std::move(task)); }

void Worker::serve(const std::shared_ptr<const Plan>& plan, const BoundSites& bound) {
  for (const auto& [binding, site] : bound) serve_site(binding, plan, plan->sites[site]);
  for (const std::unique_ptr<Site>& site : sites_) {
    const bool gone = std::none_of(bound.begin(), bound.end(),
                                   [&](const auto& each) { return each.first == site->binding; });
    if (gone) end_site(*site);
  }
  sweep_sites();
  endpoints_->keep_only(*plan);
}

// Connections keep the limits that they began with; what they ask for is answered by the plan.
void Worker::serve_site(BindingId binding, const std::shared_ptr<const Plan>& plan,
                        const SitePlan& planned) {
  Site* current = current_site(binding);
  // Who speaks plain HTTP where TLS is spoken from now on is answered once more, and the other way
  // round.
  if (current != nullptr && (current->tls == nullptr) != (planned.tls == nullptr)) {
    end_site(*current);
    current = nullptr;
  }
  if (current != nullptr && current->limits != planned.limits) {
    current->current = false;
    current = nullptr;
  }
  if (current == nullptr) sites_.push_back(std::make_unique<Site>(binding, planned.limits, *this));
  current_site(binding)->tls = planned.tls;
  for (const std::unique_ptr<Site>& site : sites_) {
    if (site->binding != binding) continue;
    site->handler.serve(plan, planned, *endpoints_);
    site->connections.log_refusals(planned.refusal_log);
  }
}

// The plan that its handler has stays until the last connection is gone.
void Worker::end_site(Site& site) {
  if (site.connections.draining()) return;
  site.current = false;
  site.connections.drain([this] { post([this] { sweep_sites(); }); });
}

void Worker::sweep_sites() {
  std::erase_if(sites_, [](const std::unique_ptr<Site>& site) {
    return !site->current && site->connections.size() == 0;
  });
}

Worker::Site* Worker::current_site(BindingId binding) {
  for (const std::unique_ptr<Site>& site : sites_) {
    if (site->binding == binding && site->current) return site.get();
  }
  return nullptr;
}

void Worker::adopt(Arrival arrival) {
  Site* const site = current_site(arrival.binding);
  if (site == nullptr) {
    place_.open_connections.fetch_sub(1, std::memory_order_relaxed);
    return;
  }
  if (!connect(*site, std::move(arrival)))
    place_.open_connections.fetch_sub(1, std::memory_order_relaxed);
}

bool Worker::connect(Site& site, Arrival arrival) {
  const auto make_connection = [&](Transport& transport) -> std::unique_ptr<TransportEvents> {
    std::array<char, SocketAddress::kTextBytesMax> room;
    return std::make_unique<Connection>(site.connections, transport, arrival.socket.peer.host(room),
                                        arrival.admission, std::move(arrival.seat));
  };
  const auto make_tls = [&](Transport& transport) -> std::unique_ptr<TransportEvents> {
    return std::make_unique<TlsTransport>(
        transport,
        TlsTransport::Place{.loop = *tls_,
                            .context = site.tls->context(),
                            .handshake_timeout = site.limits.handshake_timeout},
        make_connection);
  };
  const int fd = arrival.socket.fd.release();
  if (site.tls == nullptr) return TcpTransport::adopt(*reads_, fd, make_connection);
  return TcpTransport::adopt(*reads_, fd, make_tls);
}

void Worker::drain(std::chrono::milliseconds timeout, Function<void()> done) {
  loop_->run_after(timeout, [this] {
    for (const std::unique_ptr<Site>& site : sites_) site->connections.close_all();
  });
  // What is draining already is counted by its connections, not by its callback.
  auto left = std::make_shared<std::pair<std::size_t, Function<void()>>>(1, std::move(done));
  const auto one_done = [left] {
    if (--left->first == 0) left->second();
  };
  // First, so that the answers which the endpoints now give say that the connection ends.
  for (const std::unique_ptr<Site>& site : sites_) {
    ++left->first;
    site->connections.drain(one_done);
  }
  endpoints_->drain();
  one_done();
}

void Worker::list(const std::shared_ptr<const EndpointPlan>& endpoint, const ListOptions& options,
                  Completion<Listing> done) {
  LoopEndpoint& asked = endpoints_->take(endpoint);
  asked.hold();
  asked.streams().list(options, [&asked, done = std::move(done)](Result<Listing> listing) mutable {
    done(std::move(listing));
    asked.release();
  });
}

void Worker::stop() {
  auto* const handle = reinterpret_cast<uv_handle_t*>(&keeper_);
  if (uv_is_closing(handle) == 0) uv_close(handle, nullptr);
}

}  // namespace durable_streams::server

// Its life: opened, served, drained. Connections are dealt to the loops in turn by the first of
// them, which also hears signals and counts the others in when all drain.
#include "server/server.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <random>
#include <utility>

#include "server/access/ip_address.h"
#include "server/descriptors.h"

namespace durable_streams::server {
namespace {

// How soon the operator hears of what befalls a store, and a changed token file counts.
constexpr std::chrono::milliseconds kTickInterval{1'000};

std::size_t thread_count(const Config& config) {
  if (config.threads) return *config.threads;
  return std::max<std::size_t>(1, std::thread::hardware_concurrency());
}

ServerContext with_logger(ServerContext context) {
  if (!context.make_logger) context.make_logger = [](const LogConfig&) { return Logger(); };
  return context;
}

}  // namespace

std::string Server::origin_of(const HttpServerConfig& server, std::uint16_t port) {
  const Result<ListenAddress> address = parse_listen_address(server.listen.front());
  const std::string host = address.ok() ? address->host : std::string();
  const std::string_view scheme = server.tls.enabled() ? "https" : "http";
  if (host.find(':') != std::string::npos) return fmt::format("{}://[{}]:{}", scheme, host, port);
  return fmt::format("{}://{}:{}", scheme, host.empty() ? "localhost" : host, port);
}

// libuv's handles, each apart until its close callback. Threads: loop only.
struct Server::Signals {
  Signals(Server& owner, std::function<void()> on_hang_up)
      : server(owner), hang_up(std::move(on_hang_up)) {
    for (uv_signal_t* handle : {interrupt, terminate, hangup}) {
      uv_signal_init(server.workers_.front()->uv_loop(), handle);
      handle->data = this;
    }
    uv_signal_start(interrupt, on_signal, SIGINT);
    uv_signal_start(terminate, on_signal, SIGTERM);
    uv_signal_start(hangup, on_hangup, SIGHUP);
  }

  ~Signals() {
    for (uv_signal_t* handle : {interrupt, terminate, hangup}) {
      uv_close(reinterpret_cast<uv_handle_t*>(handle),
               [](uv_handle_t* closed) { delete reinterpret_cast<uv_signal_t*>(closed); });
    }
  }

  static void on_signal(uv_signal_t* handle, int signal) {
    Server& server = static_cast<Signals*>(handle->data)->server;
    if (server.draining_) _exit(128 + signal);
    server.log_.info("stopping: answering what is in flight; a second signal stops at once");
    server.begin_drain();
  }

  static void on_hangup(uv_signal_t* handle, int) {
    auto* const self = static_cast<Signals*>(handle->data);
    if (self->hang_up && !self->server.draining_) self->hang_up();
  }

  Server& server;
  const std::function<void()> hang_up;
  uv_signal_t* interrupt = new uv_signal_t;
  uv_signal_t* terminate = new uv_signal_t;
  uv_signal_t* hangup = new uv_signal_t;
};

Result<std::unique_ptr<Server>> Server::open(const Config& config, ServerContext context) {
  std::unique_ptr<Server> server(new Server(std::move(context)));
  server->log_ = server->context_.make_logger(config.log);
  Result<Prepared> prepared = server->prepare(config, {});
  if (!prepared) return std::move(prepared).error();
  if (Status made = server->make_workers(thread_count(config)); !made) return made.error();
  server->commit(std::move(*prepared));
  Server* const self = server.get();
  self->workers_.front()->post([self] { self->tick(); });
  return server;
}

Server::Server(ServerContext context)
    : context_(with_logger(std::move(context))),
      background_(std::in_place),
      // Not by the optional, which is empty already while the last tasks of its loop end.
      stores_(context_.defaults, [this, background = &*background_] {
        background->post([this] { stores_.close_unused(); });
      }) {
  std::signal(SIGPIPE, SIG_IGN);
  open_files_max_ = raise_open_files_limit();
}

Status Server::make_workers(std::size_t threads) {
  std::random_device random;
  const std::uint64_t id_key = (std::uint64_t{random()} << 32U) | random();
  for (std::size_t i = 0; i < threads; ++i) {
    Result<std::unique_ptr<Worker>> worker =
        Worker::make({.clock = clock_,
                      .open_connections = open_connections_,
                      .ids = RequestIds(id_key, static_cast<std::uint16_t>(i))});
    if (!worker) return std::move(worker).error();
    workers_.push_back(std::move(*worker));
  }
  first_loop_ = std::make_shared<LoopPost>(workers_.front()->loop());
  return {};
}

// Acceptors and timers go before the loop that they are on, and streams before their stores.
Server::~Server() {
  signals_.reset();
  ended_admins_.clear();
  controls_.clear();
  admin_.reset();
  bindings_.clear();
  if (first_loop_ != nullptr) first_loop_->close();
  workers_.clear();
  plan_.reset();
  background_.reset();
}

void Server::heed_signals(std::function<void()> hang_up) {
  signals_ = std::make_unique<Signals>(*this, std::move(hang_up));
}

void Server::run() {
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < workers_.size(); ++i) {
    threads.emplace_back([worker = workers_[i].get()] { worker->run(); });
  }
  if (announcements_.serving) workers_.front()->post([this] { announcements_.serving(); });
  workers_.front()->run();
  for (std::thread& thread : threads) thread.join();
}

void Server::drain() {
  workers_.front()->post([this] { begin_drain(); });
}

std::unique_ptr<Acceptor> Server::accept_at(BindingId id, const SitePlan& site,
                                            std::vector<Listener> listeners) {
  for (const Listener& listener : listeners) {
    if (site.limits.send_buffer_bytes > 0) set_send_buffer(listener, site.limits.send_buffer_bytes);
  }
  auto acceptor = std::make_unique<Acceptor>(
      workers_.front()->uv_loop(), std::move(listeners),
      [this, id](AcceptedSocket socket) { deal(id, std::move(socket)); }, log_);
  acceptor->set_silence_max(site.limits.write_timeout);
  return acceptor;
}

void Server::deal(BindingId id, AcceptedSocket socket) {
  const auto binding = std::find_if(bindings_.begin(), bindings_.end(),
                                    [&](const Binding& each) { return each.id == id; });
  const Limits& limits = plan_->sites[binding->site].limits;
  LoopMetrics& metrics = workers_.front()->metrics();
  const std::size_t open = open_connections_.fetch_add(1, std::memory_order_relaxed);
  if (open >= limits.connections_max + limits.refused_connections_max) {
    open_connections_.fetch_sub(1, std::memory_order_relaxed);
    return metrics.refuse(RefusedBy::kConnectionsUnanswered);
  }
  Arrival arrival{.socket = std::move(socket),
                  .binding = id,
                  .admission = open < limits.connections_max ? Connection::Admission::kServed
                                                             : Connection::Admission::kRefused,
                  .seat = {}};
  if (limits.connections_per_address_max > 0) {
    std::array<char, SocketAddress::kTextBytesMax> room;
    const auto address = IpAddress::parse(arrival.socket.peer.host(room));
    const std::uint64_t key = address ? address->client_key() : 0;
    const std::size_t of_address = binding->counts->enter(key);
    arrival.seat = AddressCounts::Seat(binding->counts, key);
    if (of_address > limits.connections_per_address_max)
      arrival.admission = Connection::Admission::kRefusedAddress;
  }
  hand_over(std::move(arrival));
}

void Server::hand_over(Arrival arrival) {
  const std::size_t index = next_worker_++ % workers_.size();
  Worker* const worker = workers_[index].get();
  if (index == 0) return worker->adopt(std::move(arrival));
  worker->post([worker, held = std::make_unique<Arrival>(std::move(arrival))] {
    worker->adopt(std::move(*held));
  });
}

void Server::tick() {
  for (const auto& endpoint : plan_->endpoints) {
    FileStore* const store = endpoint->store->file_store();
    if (store == nullptr) continue;
    const auto watch = watches_.find(endpoint->store->name());
    if (watch != watches_.end()) watch->second.look(store->file_stats());
  }
  background_->post([plan = plan_] {
    for (const ControlPlan& control : plan->controls) control.control->refresh();
    for (const SitePlan& site : plan->sites) {
      if (site.tls != nullptr) site.tls->refresh();
    }
  });
  tick_timer_ = workers_.front()->loop().run_after(kTickInterval, [this] { tick(); });
}

// Runs on the first loop. What was dealt to the others before is posted before, so it drains with
// them.
void Server::begin_drain() {
  if (std::exchange(draining_, true)) return;
  if (announcements_.stopping) announcements_.stopping();
  std::chrono::milliseconds timeout = context_.defaults.limits.drain_timeout;
  if (plan_->config.drain_timeout) timeout = *plan_->config.drain_timeout;
  for (Binding& binding : bindings_) {
    if (!binding.acceptor) continue;
    binding.acceptor->accept_waiting();
    binding.acceptor.reset();
  }
  undrained_ = workers_.size() + 1;
  for (auto& [directory, control] : controls_) end_admin(std::move(control));
  controls_.clear();
  if (admin_) end_admin(std::move(admin_));
  for (const std::unique_ptr<Worker>& worker : workers_) {
    worker->post([this, timeout, drained = worker.get()] {
      drained->drain(timeout, [this] { workers_.front()->post([this] { one_drained(); }); });
    });
  }
  one_drained();
}

void Server::end_admin(std::unique_ptr<AdminEndpoint> endpoint) {
  AdminEndpoint* const ended = endpoint.get();
  ended_admins_.push_back(std::move(endpoint));
  if (draining_) ++undrained_;
  ended->drain([this, ended] {
    workers_.front()->post([this, ended] {
      std::erase_if(ended_admins_, [&](const auto& each) { return each.get() == ended; });
      if (draining_) one_drained();
    });
  });
}

// Runs on the first loop. All loops turn until the last has drained, so that a second signal is
// heard until then.
void Server::one_drained() {
  if (--undrained_ > 0) return;
  signals_.reset();
  workers_.front()->loop().cancel(tick_timer_);
  for (const std::unique_ptr<Worker>& worker : workers_) {
    worker->post([stopped = worker.get()] { stopped->stop(); });
  }
}

}  // namespace durable_streams::server

// Connections are dealt to the loops in turn by the first of them, which also hears signals and
// counts the others in when all drain.
#include "server/server.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <random>
#include <utility>

#include "server/descriptors.h"
#include "server/metrics/render_metrics.h"
#include "server/store_watch.h"

namespace durable_streams::server {
namespace {

// How soon the operator hears of what befalls the store.
constexpr std::chrono::milliseconds kStoreWatchInterval{1'000};

std::size_t thread_count(std::size_t wanted) {
  return wanted != 0 ? wanted : std::max<std::size_t>(1, std::thread::hardware_concurrency());
}

std::string origin_of(const ServerOptions& options, std::uint16_t port) {
  const std::string& host = options.listen.host;
  if (host.find(':') != std::string::npos) return fmt::format("http://[{}]:{}", host, port);
  return fmt::format("http://{}:{}", host.empty() ? "localhost" : host, port);
}

// Open packs, and the journal, the catalog and the lock.
std::size_t descriptors_of_store(const ServerOptions& options) {
  constexpr std::size_t kOtherFiles = 32;
  return options.file_store ? options.file_store->max_file_handles + kOtherFiles : 0;
}

Result<std::unique_ptr<Store>> open_store(const ServerOptions& options) {
  if (!options.file_store)
    return std::unique_ptr<Store>(std::make_unique<MemoryStore>(options.memory_store));
  Result<std::unique_ptr<FileStore>> store = FileStore::open(*options.file_store);
  if (!store) return std::move(store).error();
  return std::unique_ptr<Store>(std::move(*store));
}

}  // namespace

// libuv's handles, each apart until its close callback. Threads: loop only.
struct Server::Signals {
  explicit Signals(Server& owner) : server(owner) {
    for (uv_signal_t* handle : {interrupt, terminate}) {
      uv_signal_init(server.workers_.front()->uv_loop(), handle);
      handle->data = this;
    }
    uv_signal_start(interrupt, on_signal, SIGINT);
    uv_signal_start(terminate, on_signal, SIGTERM);
  }

  ~Signals() {
    for (uv_signal_t* handle : {interrupt, terminate}) {
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

  Server& server;
  uv_signal_t* interrupt = new uv_signal_t;
  uv_signal_t* terminate = new uv_signal_t;
};

Result<std::unique_ptr<Server>> Server::open(ServerOptions options, Logger log) {
  Result<std::vector<Listener>> listeners = listen_at(options.listen);
  if (!listeners) return std::move(listeners).error();
  Result<std::unique_ptr<Store>> store = open_store(options);
  if (!store) return std::move(store).error();
  std::unique_ptr<Server> server(new Server(std::move(options), std::move(*store), log));
  const Status made = server->make_workers();
  if (!made) return made.error();
  server->attach(std::move(*listeners));
  server->attend_store();
  return server;
}

Server::Server(ServerOptions options, std::unique_ptr<Store> store, Logger log)
    : options_(std::move(options)),
      log_(log),
      bodies_(options_.limits.bodies_bytes_max),
      store_(std::move(store)),
      engine_(*store_, options_.engine) {
  std::signal(SIGPIPE, SIG_IGN);
  if (options_.endpoint.body_budget == nullptr) options_.endpoint.body_budget = &bodies_;
  options_.threads = thread_count(options_.threads);
  const std::size_t open_files_max = raise_open_files_limit();
  const std::size_t of_store = std::min(open_files_max / 2, descriptors_of_store(options_));
  options_.limits = fit_to_open_files(options_.limits, open_files_max - of_store, options_.threads);
}

Status Server::make_workers() {
  std::random_device random;
  const std::uint64_t id_key = (std::uint64_t{random()} << 32U) | random();
  for (std::size_t i = 0; i < options_.threads; ++i) {
    const RequestIds ids(id_key, static_cast<std::uint16_t>(i));
    Result<std::unique_ptr<Worker>> worker =
        Worker::make(engine_, options_.endpoint, options_.limits, clock_, open_connections_, ids);
    if (!worker) return std::move(worker).error();
    workers_.push_back(std::move(*worker));
  }
  return {};
}

void Server::attach(std::vector<Listener> listeners) {
  port_ = listeners.front().address.port();
  for (const Listener& listener : listeners) {
    set_silence_max(listener, options_.limits.write_timeout);
    if (options_.limits.send_buffer_bytes > 0)
      set_send_buffer(listener, options_.limits.send_buffer_bytes);
  }
  origin_ = origin_of(options_, port_);
  acceptor_.emplace(
      workers_.front()->uv_loop(), std::move(listeners),
      [this](AcceptedSocket socket) { deal(std::move(socket)); }, log_);
}

// A server without a control socket still serves: some file systems have no sockets.
void Server::attend_store() {
  file_store_ = dynamic_cast<FileStore*>(store_.get());
  if (file_store_ == nullptr) return;
  const std::string& directory = options_.file_store->directory;
  store_watch_.emplace(directory, log_);
  store_watch_->opened(file_store_->opening());
  Worker& worker = *workers_.front();
  worker.post([this] { watch_store(); });
  Result<ControlSocket> socket = ControlSocket::listen(directory);
  if (!socket) {
    return log_.warn("no backup can be asked for while this runs",
                     {{"store", directory}, {"reason", socket.error().message}});
  }
  control_ = std::make_unique<Control>(Control::Place{.uv_loop = worker.uv_loop(),
                                                      .loop = worker.loop(),
                                                      .clock = clock_,
                                                      .limits = options_.limits},
                                       *file_store_, std::move(*socket), log_);
}

void Server::watch_store() {
  store_watch_->look(file_store_->file_stats());
  watch_timer_ = workers_.front()->loop().run_after(kStoreWatchInterval, [this] { watch_store(); });
}

Server::~Server() {
  signals_.reset();
  control_.reset();
  acceptor_.reset();
}

void Server::heed_signals() { signals_ = std::make_unique<Signals>(*this); }

void Server::run() {
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < workers_.size(); ++i) {
    threads.emplace_back([worker = workers_[i].get()] { worker->run(); });
  }
  workers_.front()->run();
  for (std::thread& thread : threads) thread.join();
}

void Server::drain() {
  workers_.front()->post([this] { begin_drain(); });
}

void Server::deal(AcceptedSocket socket) {
  const Limits& limits = options_.limits;
  const std::size_t open = open_connections_.fetch_add(1, std::memory_order_relaxed);
  if (open >= limits.connections_max + limits.refused_connections_max) {
    open_connections_.fetch_sub(1, std::memory_order_relaxed);
    workers_.front()->metrics().refuse(RefusedBy::kConnectionsUnanswered);
    return;
  }
  const auto admission = open < limits.connections_max ? Connection::Admission::kServed
                                                       : Connection::Admission::kRefused;
  const std::size_t index = next_worker_++ % workers_.size();
  Worker* const worker = workers_[index].get();
  if (index == 0) return worker->adopt(std::move(socket), admission);
  worker->post([worker, admission, socket = std::move(socket)]() mutable {
    worker->adopt(std::move(socket), admission);
  });
}

// Runs on the first loop. What was dealt to the others before is posted before, so it drains with
// them.
void Server::begin_drain() {
  if (std::exchange(draining_, true)) return;
  acceptor_->accept_waiting();
  acceptor_.reset();
  undrained_workers_ = workers_.size();
  if (control_) {
    ++undrained_workers_;
    control_->drain([this] { workers_.front()->post([this] { worker_drained(); }); });
  }
  for (const std::unique_ptr<Worker>& worker : workers_) {
    worker->post([this, drained = worker.get()] {
      drained->drain([this] { workers_.front()->post([this] { worker_drained(); }); });
    });
  }
}

// Runs on the first loop. All loops turn until the last has drained, so that a second signal is
// heard until then.
void Server::worker_drained() {
  if (--undrained_workers_ > 0) return;
  signals_.reset();
  control_.reset();
  workers_.front()->loop().cancel(watch_timer_);
  for (const std::unique_ptr<Worker>& worker : workers_) {
    worker->post([stopped = worker.get()] { stopped->stop(); });
  }
}

std::string Server::metrics_text() const {
  std::vector<const LoopMetrics*> loops;
  for (const std::unique_ptr<Worker>& worker : workers_) loops.push_back(&worker->metrics());
  const FileStoreOptions* const files = options_.file_store ? &*options_.file_store : nullptr;
  return render_metrics(
      {.loops = loops,
       .endpoints = {EndpointMetrics::of(options_.endpoint.prefix, engine_, files)},
       .tls = std::nullopt,
       .log_lines_lost = 0,
       .process = read_process_stats()});
}

}  // namespace durable_streams::server

// The server: one engine over one store, served by several loops.
#pragma once

#include <durable_streams/clock.h>
#include <durable_streams/engine.h>
#include <durable_streams/file_store.h>
#include <durable_streams/http/body_budget.h>
#include <durable_streams/http/endpoint.h>
#include <durable_streams/memory_store.h>
#include <durable_streams/result.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "server/control/control.h"
#include "server/http/limits.h"
#include "server/log/logger.h"
#include "server/net/acceptor.h"
#include "server/net/listen_address.h"
#include "server/net/listener.h"
#include "server/store_watch.h"
#include "server/worker.h"

namespace durable_streams::server {

struct ServerOptions {
  ListenAddress listen;
  http::EndpointOptions endpoint;
  Limits limits;
  EngineOptions engine;
  MemoryStoreOptions memory_store;
  std::optional<FileStoreOptions> file_store;  // when set, streams are kept there and not in memory
  std::size_t threads = 0;                     // loops, each with its thread; 0: one for each core
};

// Threads: one at a time, but drain.
class Server {
 public:
  // Binds the address; from then on clients may connect, though nobody answers before run(). `log`
  // tells what a person should know.
  static Result<std::unique_ptr<Server>> open(ServerOptions options, Logger log = {});
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Where it listens, as the start of a URL: `http://localhost:4437`.
  const std::string& origin() const { return origin_; }
  std::uint16_t port() const { return port_; }
  const ServerOptions& options() const { return options_; }
  const Store& store() const { return *store_; }

  // Drains on the first SIGINT or SIGTERM, and ends the process on the second, with status 128 and
  // the signal's number. To be called before run().
  void heed_signals();

  // Serves until drained. The calling thread becomes the first loop's.
  void run();

  // Stops accepting, ends live responses, answers what is in flight, and has run() return, at the
  // latest when Limits::drain_timeout is over. Threads: any.
  void drain();

  // What Prometheus reads: the server's counts since its start. Threads: any, until run() returns.
  std::string metrics_text() const;

 private:
  struct Signals;

  Server(ServerOptions options, std::unique_ptr<Store> store, Logger log);

  Status make_workers();
  void attach(std::vector<Listener> listeners);
  void deal(AcceptedSocket socket);
  // What a store in a directory has besides; nothing for one in memory.
  void attend_store();
  void watch_store();
  void begin_drain();
  void worker_drained();

  ServerOptions options_;
  const Logger log_;
  std::string origin_;
  std::uint16_t port_ = 0;
  http::BodyBudget bodies_;
  SystemClock clock_;
  const std::unique_ptr<Store> store_;
  FileStore* file_store_ = nullptr;  // the store, if it is one
  Engine engine_;
  std::atomic<std::size_t> open_connections_{0};
  std::vector<std::unique_ptr<Worker>> workers_;

  // Of the first worker's loop.
  std::optional<Acceptor> acceptor_;
  std::unique_ptr<Control> control_;
  std::optional<StoreWatch> store_watch_;
  EventLoop::TimerId watch_timer_ = 0;
  std::unique_ptr<Signals> signals_;
  std::size_t next_worker_ = 0;
  std::size_t undrained_workers_ = 0;
  bool draining_ = false;
};

}  // namespace durable_streams::server

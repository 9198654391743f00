// The server: what a configuration says, served by several loops, and changed while they serve.
#pragma once

#include <durable_streams/clock.h>
#include <durable_streams/function.h>
#include <durable_streams/result.h>
#include <durable_streams/thread_loop.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "server/admin/admin_actions.h"
#include "server/admin/admin_endpoint.h"
#include "server/config/apply.h"
#include "server/config/config.h"
#include "server/log/logger.h"
#include "server/loop_post.h"
#include "server/metrics/render_metrics.h"
#include "server/net/acceptor.h"
#include "server/net/address_counts.h"
#include "server/net/listen_address.h"
#include "server/net/listener.h"
#include "server/runtime/open_store.h"
#include "server/runtime/plan.h"
#include "server/store_watch.h"
#include "server/worker.h"

namespace durable_streams::server {

// What a server is told beside its configuration.
struct ServerContext {
  ServerDefaults defaults = {};
  // Makes what writes its lines, and those of access logs; what it makes outlives the server. Null:
  // nobody is told anything.
  std::function<Logger(const LogConfig&)> make_logger = nullptr;
  // How many lines were lost because nobody read them. Null: none.
  std::function<std::uint64_t()> log_lines_lost = nullptr;
};

// Threads: one at a time, but drain and reload.
class Server final : private AdminActions {
 public:
  // Opens all that the configuration names and binds its addresses; from then on clients may
  // connect, though nobody answers before run().
  static Result<std::unique_ptr<Server>> open(const Config& config, ServerContext context = {});
  ~Server() override;
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Where the first of its sites listens, as the start of a URL: `http://localhost:4437`.
  const std::string& origin() const { return origin_; }
  std::uint16_t port() const { return port_; }
  std::uint16_t admin_port() const { return admin_port_; }
  const Plan& plan() const { return *plan_; }
  // What the configuration in force says of the server's own lines.
  const Logger& log() const { return log_; }

  // Drains on the first SIGINT or SIGTERM, and ends the process on the second, with status 128 and
  // the signal's number. On SIGHUP it calls `hang_up` on the first loop; without one it takes no
  // notice. To be called before run().
  void heed_signals(std::function<void()> hang_up = nullptr);

  // Called once it serves, and once it has been told to stop. To be set before run().
  struct Announcements {
    std::function<void()> serving;
    std::function<void()> stopping;
  };
  void announce(Announcements announcements) { announcements_ = std::move(announcements); }

  // Serves until drained. The calling thread becomes the first loop's.
  void run();

  // Stops accepting, ends live responses, answers what is in flight, and has run() return, at the
  // latest when Limits::drain_timeout is over. Threads: any.
  void drain();

  // Serves what `read` finds from now on; connections and streams stay. An error leaves everything
  // as it was. `read` is called on a thread that may wait, `done` on the first loop. Threads: any,
  // until run() returns.
  void reload(Function<Result<Config>()> read, Function<void(Status)> done);

  // What Prometheus reads: the server's counts since its start. Threads: as run().
  std::string metrics_text();

 private:
  struct Signals;

  // An address that is listened at. Of the first loop.
  struct Binding {
    BindingId id = 0;
    std::string listen;
    std::size_t site = 0;  // of the plan
    std::unique_ptr<Acceptor> acceptor;
    std::shared_ptr<AddressCounts> counts = std::make_shared<AddressCounts>();
  };

  // All that a new configuration needs, opened and bound, but not served yet.
  struct Prepared {
    std::shared_ptr<const Plan> plan;
    std::map<std::string, std::vector<Listener>> listeners;  // by address, as the plan writes it
    std::vector<Listener> admin;
  };

  // What of the present configuration a new one may take over.
  struct Present {
    std::shared_ptr<const Plan> plan;  // null: there is none
    std::size_t loops = 0;
    std::map<std::string, std::vector<SocketAddress>> listens;  // by address, as the plan writes it
    std::vector<SocketAddress> admin;                           // empty: there is none
    AdminConfig admin_config;

    bool has_port(std::uint16_t port) const;
  };

  explicit Server(ServerContext context);

  static std::string origin_of(const HttpServerConfig& server, std::uint16_t port);
  Status make_workers(std::size_t threads);
  // May wait for disks and names, and take its time.
  Result<Prepared> prepare(const Config& config, const Present& present);
  Status bind(const Config& config, const Present& present, Prepared& prepared) const;
  Present present() const;
  void share_addresses(bool shared) const;

  static Status begin_listening(const Prepared& prepared);

  // What follows is of the first worker's loop.
  Status change_over(Result<Prepared> prepared);
  void commit(Prepared prepared);
  void accept_last(const Plan& next);
  void commit_bindings();
  void commit_admin(Prepared& prepared);
  void commit_stores(const Plan& plan);
  BoundSites bound_sites() const;
  std::unique_ptr<Acceptor> accept_at(BindingId id, const SitePlan& site,
                                      std::vector<Listener> listeners);
  void deal(BindingId id, AcceptedSocket socket);
  void hand_over(Arrival arrival);
  void tick();
  void begin_drain();
  void end_admin(std::unique_ptr<AdminEndpoint> endpoint);
  void one_drained();
  std::optional<TlsStats> tls_stats() const;
  AdminEndpoint::Place admin_place();
  AdminActions& actions() { return *this; }

  std::string metrics() override { return metrics_text(); }
  Status ready() override;
  std::string config() override;
  void load(ConfigSource source, std::optional<ConfigLanguage> language,
            Function<void(Status)> done) override;
  void stop() override;
  void list(StreamsQuery query, Function<void(Result<std::string>)> done) override;
  void backup(std::string store, std::string to, Function<void(Status)> done) override;

  const ServerContext context_;
  SystemClock clock_;
  Logger log_;
  std::string origin_;
  std::uint16_t port_ = 0;
  std::uint16_t admin_port_ = 0;
  std::size_t open_files_max_ = 0;
  Announcements announcements_;
  std::atomic<std::size_t> open_connections_{0};
  std::atomic<std::uint64_t> rate_refused_{0};
  TicketKeys tickets_;

  // Does what may wait: opens and closes stores. It goes after all that posts to it.
  std::optional<ThreadLoop> background_;
  OpenStores stores_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::shared_ptr<LoopPost> first_loop_;  // the first worker's

  // Of the first worker's loop.
  std::shared_ptr<const Plan> plan_;
  std::vector<Binding> bindings_;
  BindingId last_binding_ = 0;
  std::unique_ptr<AdminEndpoint> admin_;
  std::map<std::string, std::unique_ptr<AdminEndpoint>> controls_;  // by directory
  std::vector<std::unique_ptr<AdminEndpoint>> ended_admins_;        // until they have drained
  std::map<std::string, StoreWatch> watches_;                       // by directory
  EventLoop::TimerId tick_timer_ = 0;
  std::unique_ptr<Signals> signals_;
  std::size_t next_worker_ = 0;
  std::size_t undrained_ = 0;
  bool draining_ = false;
  bool reloading_ = false;
};

}  // namespace durable_streams::server

// From one configuration to the next: what may fail is done first, apart from all that serves; then
// everything changes at once.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "server/access/ip_address.h"
#include "server/config/check.h"
#include "server/descriptors.h"
#include "server/server.h"

namespace durable_streams::server {
namespace {

bool off_this_machine(const ListenAddress& address) {
  if (address.host == "localhost") return false;
  const auto ip = IpAddress::parse(address.host);
  return !ip || (address.host != "::1" && !address.host.starts_with("127."));
}

// Where one configuration listens. What `check.h` cannot know: which addresses a host's name has.
// Threads: one at a time.
class Places {
 public:
  Status take(const std::string& listen, const std::vector<SocketAddress>& addresses) {
    for (const SocketAddress& address : addresses) {
      if (address.port() == 0) continue;
      for (const auto& [other, taken] : taken_) {
        if (other == listen || !address.overlaps(taken)) continue;
        return Error{ErrorCode::kInvalidArgument,
                     fmt::format("'{}' and '{}' have an address in common: {}", listen, other,
                                 address.to_string()),
                     {}};
      }
      taken_.emplace_back(listen, address);
    }
    return {};
  }

 private:
  std::vector<std::pair<std::string, SocketAddress>> taken_;
};

}  // namespace

void Server::reload(Function<Result<Config>()> read, Function<void(Status)> done) {
  workers_.front()->post([this, read = std::move(read), done = std::move(done)]() mutable {
    const auto refuse = [&](std::string_view why) {
      done(Error{ErrorCode::kUnavailable, std::string(why), {}});
    };
    if (draining_) return refuse("the server is being stopped");
    if (reloading_) return refuse("another configuration is being loaded");
    reloading_ = true;
    share_addresses(true);
    background_->post([this, read = std::move(read), done = std::move(done),
                       present = std::make_unique<Present>(present())]() mutable {
      const Result<Config> config = read();
      auto prepared = std::make_unique<Result<Prepared>>(config ? prepare(*config, *present)
                                                                : Result<Prepared>(config.error()));
      present.reset();
      first_loop_->post([this, prepared = std::move(prepared), done = std::move(done)]() mutable {
        reloading_ = false;
        Status outcome = change_over(std::move(*prepared));
        share_addresses(false);
        if (outcome) log_.info("serving a new configuration");
        done(std::move(outcome));
      });
    });
  });
}

Server::Present Server::present() const {
  Present present{.plan = plan_,
                  .loops = workers_.size(),
                  .listens = {},
                  .admin = {},
                  .admin_config = plan_->config.admin};
  for (const Binding& binding : bindings_) {
    if (binding.acceptor) present.listens[binding.listen] = binding.acceptor->addresses();
  }
  if (admin_) present.admin = admin_->addresses();
  return present;
}

// The next configuration may listen where this one does by another name, or at a part of it: both
// do until the first ceases to.
void Server::share_addresses(bool shared) const {
  for (const Binding& binding : bindings_) {
    if (binding.acceptor) binding.acceptor->share(shared);
  }
  if (admin_) admin_->share(shared);
}

bool Server::Present::has_port(std::uint16_t port) const {
  const auto has = [port](const std::vector<SocketAddress>& addresses) {
    return std::any_of(addresses.begin(), addresses.end(),
                       [port](const SocketAddress& each) { return each.port() == port; });
  };
  return has(admin) || std::any_of(listens.begin(), listens.end(),
                                   [&](const auto& each) { return has(each.second); });
}

Result<Server::Prepared> Server::prepare(const Config& config, const Present& present) {
  if (present.plan != nullptr && present.plan->config.threads != config.threads) {
    return Error{ErrorCode::kConflict,
                 "threads cannot be changed while the server runs: start it again",
                 {}};
  }
  const bool served = present.plan != nullptr && !present.plan->config.servers.empty();
  if (served && config.servers.empty()) {
    return Error{ErrorCode::kInvalidArgument,
                 "nothing would be served any more: a site is missing; to end the server, stop it",
                 {}};
  }
  Prepared prepared;
  const Logger log = context_.make_logger(config.log);
  const std::size_t loops = present.loops == 0 ? config.threads.value_or(4) : present.loops;
  const PlanMaker maker{.stores = stores_,
                        .make_logger = context_.make_logger,
                        .log = log,
                        .rate_refused = rate_refused_,
                        .tickets = tickets_,
                        .clock = clock_,
                        .open_files_max = open_files_max_,
                        .loops = loops,
                        .before = present.plan.get()};
  // Addresses first: they fail at once, and a store that was opened for nothing has to be closed.
  if (Status bound = bind(config, present, prepared); !bound) return bound.error();
  Result<std::shared_ptr<const Plan>> plan = make_plan(config, maker);
  if (!plan) return plan.error();
  prepared.plan = std::move(*plan);
  return prepared;
}

Status Server::bind(const Config& config, const Present& present, Prepared& prepared) const {
  Places places;
  const auto listen = [&](const std::string& text) -> Result<std::vector<Listener>> {
    const Result<ListenAddress> address = parse_listen_address(text);
    if (!address) return address.error();
    const Result<std::vector<SocketAddress>> wanted = addresses_of(*address);
    if (!wanted) return wanted.error();
    if (Status apart = places.take(text, *wanted); !apart) return apart.error();
    Result<std::vector<Listener>> alone = listen_at(*address);
    if (alone || !present.has_port(address->port)) return alone;
    return listen_at(*address, Sharing::kShared);
  };
  for (const HttpServerConfig& server : config.servers) {
    for (const std::string& text : server.listen) {
      if (const auto held = present.listens.find(text); held != present.listens.end()) {
        if (Status apart = places.take(text, held->second); !apart) return apart;
        continue;
      }
      Result<std::vector<Listener>> listeners = listen(text);
      if (!listeners) return listeners.error();
      prepared.listeners[text] = std::move(*listeners);
    }
  }
  const AdminConfig& admin = config.admin;
  if (!admin.enabled) return {};
  if (!present.admin.empty() && present.admin_config.listen == admin.listen)
    return places.take(admin.listen, present.admin);
  Result<std::vector<Listener>> listeners = listen(admin.listen);
  if (!listeners)
    return Error{listeners.error().code,
                 fmt::format("the admin endpoint: {}; 'admin off' does without it, 'admin ADDRESS' "
                             "puts it elsewhere",
                             listeners.error().message),
                 {}};
  prepared.admin = std::move(*listeners);
  return {};
}

Status Server::change_over(Result<Prepared> prepared) {
  if (!prepared) return prepared.error();
  if (draining_) return Error{ErrorCode::kUnavailable, "the server is being stopped", {}};
  if (Status listening = begin_listening(*prepared); !listening) return listening.error();
  commit(std::move(*prepared));
  return {};
}

// Not before all else has gone well: a client that waits at a socket which is given up is reset.
Status Server::begin_listening(const Prepared& prepared) {
  const auto begin = [](const std::vector<Listener>& listeners) -> Status {
    for (const Listener& listener : listeners) {
      if (Status begun = server::begin_listening(listener); !begun) return begun.error();
    }
    return {};
  };
  for (const auto& [address, listeners] : prepared.listeners) {
    if (Status begun = begin(listeners); !begun) return begun.error();
  }
  return begin(prepared.admin);
}

void Server::commit(Prepared prepared) {
  log_ = context_.make_logger(prepared.plan->config.log);
  accept_last(*prepared.plan);
  std::swap(plan_, prepared.plan);
  commit_bindings();
  commit_stores(*plan_);
  commit_admin(prepared);
  const BoundSites bound = bound_sites();
  for (const std::unique_ptr<Worker>& worker : workers_) {
    worker->post([serving = worker.get(), plan = plan_, bound] { serving->serve(plan, bound); });
  }
  for (Binding& binding : bindings_) {
    const SitePlan& site = plan_->sites[binding.site];
    if (binding.acceptor) {
      binding.acceptor->set_silence_max(site.limits.write_timeout);
      continue;
    }
    const auto fresh = prepared.listeners.find(binding.listen);
    if (fresh == prepared.listeners.end()) continue;
    if (port_ == 0) {
      port_ = fresh->second.front().address.port();
      origin_ = origin_of(site.config, port_);
    }
    binding.acceptor = accept_at(binding.id, site, std::move(fresh->second));
  }
}

// Who waits at an address that is given up is still taken in, and answered by the plan before.
void Server::accept_last(const Plan& next) {
  std::set<std::string> stay;
  for (const SitePlan& site : next.sites)
    stay.insert(site.config.listen.begin(), site.config.listen.end());
  for (const Binding& binding : bindings_) {
    if (binding.acceptor && stay.find(binding.listen) == stay.end())
      binding.acceptor->accept_waiting();
  }
}

void Server::commit_bindings() {
  std::vector<Binding> kept;
  for (std::size_t i = 0; i < plan_->sites.size(); ++i) {
    for (const std::string& listen : plan_->sites[i].config.listen) {
      const auto known = std::find_if(bindings_.begin(), bindings_.end(),
                                      [&](const Binding& each) { return each.listen == listen; });
      if (known != bindings_.end()) {
        kept.push_back(std::move(*known));
        bindings_.erase(known);
      } else {
        kept.emplace_back();
        kept.back().id = ++last_binding_;
        kept.back().listen = listen;
      }
      kept.back().site = i;
    }
  }
  bindings_ = std::move(kept);
}

BoundSites Server::bound_sites() const {
  BoundSites bound;
  for (const Binding& binding : bindings_) bound.emplace_back(binding.id, binding.site);
  return bound;
}

AdminEndpoint::Place Server::admin_place() {
  Worker& first = *workers_.front();
  return {.reads = first.reads(), .loop = first.loop(), .clock = clock_, .log = log_};
}

void Server::commit_admin(Prepared& prepared) {
  const AdminConfig& config = plan_->config.admin;
  if (admin_ && (!config.enabled || !prepared.admin.empty())) end_admin(std::move(admin_));
  if (prepared.admin.empty()) return;
  const Result<ListenAddress> address = parse_listen_address(config.listen);
  admin_port_ = prepared.admin.front().address.port();
  AdminAudience audience{
      .kind = AdminAudience::Kind::kMachine, .host = {}, .port = admin_port_, .store = {}};
  if (address.ok() && off_this_machine(*address)) {
    audience.kind = AdminAudience::Kind::kEverybody;
    log_.warn(
        "the admin endpoint can be reached from other machines: it tells them metrics and "
        "health, and takes no orders there",
        {{"address", config.listen}});
  }
  if (address.ok()) audience.host = address->host;
  admin_ = std::make_unique<AdminEndpoint>(admin_place(), actions(), std::move(audience),
                                           std::move(prepared.admin));
}

// A server without a control socket still serves: some file systems have no sockets.
void Server::commit_stores(const Plan& plan) {
  std::map<std::string, OpenStore*> wanted;
  for (const auto& endpoint : plan.endpoints) {
    if (endpoint->store->file_store() != nullptr)
      wanted[endpoint->store->name()] = endpoint->store.get();
  }
  for (auto control = controls_.begin(); control != controls_.end();) {
    const auto next = std::next(control);
    if (wanted.find(control->first) == wanted.end()) {
      end_admin(std::move(control->second));
      watches_.erase(control->first);
      controls_.erase(control);
    }
    control = next;
  }
  for (const auto& [directory, store] : wanted) {
    if (watches_.find(directory) != watches_.end()) continue;
    const auto watch = watches_.try_emplace(directory, directory, log_).first;
    watch->second.opened(store->file_store()->opening());
    Result<ControlSocket> socket = ControlSocket::listen(directory);
    if (!socket) {
      log_.warn("no backup can be asked for while this runs",
                {{"store", directory}, {"reason", socket.error().message}});
      continue;
    }
    controls_[directory] = std::make_unique<AdminEndpoint>(
        admin_place(), actions(),
        AdminAudience{
            .kind = AdminAudience::Kind::kOwner, .host = {}, .port = 0, .store = directory},
        std::move(*socket));
  }
}

}  // namespace durable_streams::server

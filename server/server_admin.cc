// What the server answers to its operator.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "server/metrics/render_metrics.h"
#include "server/server.h"

namespace durable_streams::server {

std::string Server::metrics_text() {
  std::vector<const LoopMetrics*> loops;
  for (const std::unique_ptr<Worker>& worker : workers_) loops.push_back(&worker->metrics());
  std::vector<EndpointMetrics> endpoints;
  const bool one = plan_->endpoints.size() == 1;
  for (const auto& endpoint : plan_->endpoints) {
    endpoints.push_back(EndpointMetrics::of(endpoint->parts.prefix, endpoint->store->engine(),
                                            endpoint->store->file_options()));
    if (!one) endpoints.back().site = endpoint->site;
  }
  return render_metrics({.loops = loops,
                         .endpoints = std::move(endpoints),
                         .tls = tls_stats(),
                         .rate_refused = rate_refused_.load(std::memory_order_relaxed),
                         .log_lines_lost = context_.log_lines_lost ? context_.log_lines_lost() : 0,
                         .process = read_process_stats()});
}

std::optional<TlsStats> Server::tls_stats() const {
  std::optional<TlsStats> stats;
  for (const SitePlan& site : plan_->sites) {
    if (site.tls == nullptr) continue;
    if (!stats) stats.emplace();
    stats->certificates_expire = std::min(stats->certificates_expire, site.tls->expiry());
  }
  if (!stats) return stats;
  for (const std::unique_ptr<Worker>& worker : workers_) {
    const LoopMetrics& loop = worker->metrics();
    stats->full_handshakes += loop.tls_full.value();
    stats->resumed_handshakes += loop.tls_resumed.value();
    stats->failed_handshakes += loop.tls_failed.value();
  }
  return stats;
}

Status Server::ready() {
  const auto not_ready = [](std::string why) {
    return Error{ErrorCode::kUnavailable, std::move(why), {}};
  };
  if (draining_) return not_ready("the server is being stopped");
  for (const auto& endpoint : plan_->endpoints) {
    const FileStore* const store = endpoint->store->file_store();
    if (store == nullptr) continue;
    const FileStoreStats stats = store->file_stats();
    const std::string& name = endpoint->store->name();
    if (stats.read_only)
      return not_ready(fmt::format("{} is read-only: {}", name, stats.read_only_reason));
    if (stats.short_of_room) return not_ready(fmt::format("{} is out of room", name));
  }
  return {};
}

void Server::stop() {
  log_.info("stopping, as the admin endpoint was told: answering what is in flight");
  drain();
}

std::string Server::config() { return plan_->config_text; }

void Server::load(ConfigSource source, std::optional<ConfigLanguage> language,
                  Function<void(Status)> done) {
  reload(
      [source = std::move(source), language] {
        Environment environment = process_environment();
        return parse_config(source, language, environment);
      },
      std::move(done));
}

void Server::list(StreamsQuery query, Function<void(Result<std::string>)> done) {
  Worker* const first = workers_.front().get();
  Result<StreamsChoice> choice = choose_streams(query, plan_->endpoints);
  if (!choice) {
    return first->post([error = std::move(choice).error(), done = std::move(done)]() mutable {
      done(std::move(error));
    });
  }
  const ListOptions page{
      .prefix = choice->prefix, .after = choice->after, .count_max = query.count_max};
  first->list(choice->endpoint, page,
              [query = std::move(query), prefix = choice->endpoint->parts.prefix,
               done = std::move(done)](Result<Listing> listing) mutable {
                if (!listing) return done(std::move(listing).error());
                done(write_streams_page(query, prefix, *listing));
              });
}

void Server::backup(std::string store, std::string to, Function<void(Status)> done) {
  FileStore* found = nullptr;
  std::size_t stores = 0;
  for (const auto& endpoint : plan_->endpoints) {
    FileStore* const each = endpoint->store->file_store();
    if (each == nullptr) continue;
    if (!store.empty() && endpoint->store->name() != store) continue;
    found = each;
    ++stores;
  }
  if (stores != 1) {
    const bool none = stores == 0;
    Error error{none ? ErrorCode::kNotFound : ErrorCode::kInvalidArgument,
                none ? "no streams are kept in that directory"
                     : "several directories are kept: say which, by store=DIRECTORY",
                {}};
    return workers_.front()->post(
        [error = std::move(error), done = std::move(done)]() mutable { done(std::move(error)); });
  }
  found->backup(std::move(to), [loop = first_loop_, done = std::move(done)](Status made) mutable {
    loop->post(
        [made = std::move(made), done = std::move(done)]() mutable { done(std::move(made)); });
  });
}

}  // namespace durable_streams::server

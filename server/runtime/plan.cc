// From the outside in, as the configuration is. What two parts share is opened once.
#include "server/runtime/plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "server/config/json/config_json.h"
#include "server/config/path_pattern.h"
#include "server/descriptors.h"

namespace durable_streams::server {
namespace {

class Planning {
 public:
  Planning(const Config& config, const PlanMaker& maker)
      : maker_(maker), plan_(std::make_shared<Plan>()) {
    plan_->config = config;
    plan_->config_text = write_config_json(config, true);
  }

  Result<std::shared_ptr<const Plan>> run() {
    for (const HttpServerConfig& server : plan_->config.servers) {
      Result<SitePlan> site = plan_site(server);
      if (!site) return site.error();
      plan_->sites.push_back(std::move(*site));
    }
    // Their authority is kept in a data directory, whichever site has it.
    for (SitePlan& site : plan_->sites) {
      if (!site.config.tls.enabled()) continue;
      Result<std::shared_ptr<TlsSite>> tls = open_tls(site);
      if (!tls) return tls.error();
      site.tls = std::move(*tls);
    }
    fit_to_open_files();
    return std::shared_ptr<const Plan>(std::move(plan_));
  }

 private:
  // Open packs, and for each store its journal, catalog and lock.
  void fit_to_open_files() {
    constexpr std::size_t kOtherFiles = 32;
    std::size_t of_stores = 0;
    for (const auto& endpoint : plan_->endpoints) {
      if (const FileStoreOptions* const files = endpoint->store->file_options())
        of_stores += files->max_file_handles + kOtherFiles;
    }
    const std::size_t left = maker_.open_files_max - std::min(maker_.open_files_max / 2, of_stores);
    for (SitePlan& site : plan_->sites)
      site.limits = server::fit_to_open_files(site.limits, left, maker_.loops);
  }

  Result<SitePlan> plan_site(const HttpServerConfig& server) {
    SitePlan site{.config = server,
                  .limits = limits_of(server.limits, maker_.stores.defaults().limits),
                  .tls = nullptr,
                  .proxies = nullptr,
                  .table = RouteTable(server.routes),
                  .routes = {},
                  .by_host = false,
                  .cors_origins = {},
                  .refusal_log = {},
                  .nothing_here = {}};
    if (plan_->config.drain_timeout) site.limits.drain_timeout = *plan_->config.drain_timeout;
    if (!server.trusted_proxies.empty()) {
      Result<TrustedProxies> proxies = TrustedProxies::parse(server.trusted_proxies);
      if (!proxies) return proxies.error();
      site.proxies = std::make_shared<const TrustedProxies>(std::move(*proxies));
    }
    const auto bodies = std::make_shared<http::BodyBudget>(site.limits.bodies_bytes_max);
    for (const RouteConfig& route : server.routes) {
      Result<RoutePlan> planned = plan_route(server, site, route, bodies);
      if (!planned) return planned.error();
      site.by_host = site.by_host || !route.hosts.empty();
      if (!site.refusal_log.on()) site.refusal_log = planned->log;
      site.routes.push_back(std::move(*planned));
    }
    site.nothing_here = nothing_here(site);
    site.cors_origins = cors_origins(site);
    return site;
  }

  // What is the same in the configuration before goes on: it has looked at its files already.
  Result<std::shared_ptr<TlsSite>> open_tls(const SitePlan& site) {
    const TlsConfig& config = site.config.tls;
    std::string directory;
    if (!config.internal.empty()) {
      Result<std::string> found = authority_directory(site);
      if (!found) return found.error();
      directory = std::move(*found);
    }
    for (const SitePlan& before : maker_.before != nullptr ? maker_.before->sites : plan_->sites) {
      if (before.tls != nullptr && before.config.tls == config &&
          before.tls->authority_directory() == directory)
        return before.tls;
    }
    return TlsSite::open(config, {.tickets = maker_.tickets,
                                  .clock = maker_.clock,
                                  .authority_directory = std::move(directory),
                                  .log = maker_.log});
  }

  // In the site's data directory, or else another's: a server has one authority, if it can.
  Result<std::string> authority_directory(const SitePlan& site) const {
    const auto below = [](const OpenStore& store) { return store.name() + "/pki"; };
    for (const RoutePlan& route : site.routes) {
      if (route.endpoint != nullptr && route.endpoint->store->file_store() != nullptr)
        return below(*route.endpoint->store);
    }
    for (const auto& endpoint : plan_->endpoints) {
      if (endpoint->store->file_store() != nullptr) return below(*endpoint->store);
    }
    return user_authority_directory();
  }

  // As those of the first endpoint: where there are several, their answers have their own.
  std::vector<std::string> cors_origins(const SitePlan& site) const {
    for (const RoutePlan& route : site.routes) {
      if (route.endpoint != nullptr) return route.endpoint->options.cors_origins;
    }
    return maker_.stores.defaults().endpoint.cors_origins;
  }

  static std::string nothing_here(const SitePlan& site) {
    std::vector<std::string> prefixes;
    for (const RoutePlan& route : site.routes) {
      if (route.endpoint != nullptr) prefixes.push_back(route.endpoint->parts.prefix);
    }
    if (prefixes.empty() || site.by_host) return "Nothing is served here.";
    return fmt::format("Nothing is served here. Streams are under {}.",
                       fmt::join(prefixes, " and "));
  }

  Result<RoutePlan> plan_route(const HttpServerConfig& server, const SitePlan& site,
                               const RouteConfig& route,
                               const std::shared_ptr<http::BodyBudget>& bodies) {
    RoutePlan planned{
        .config = route, .endpoint = nullptr, .controls = {}, .headers = {}, .log = {}};
    std::vector<AuthorizeConfig> authorize;
    for (const MiddlewareConfig& middleware : route.middlewares) {
      if (const auto* log = std::get_if<AccessLogConfig>(&middleware))
        planned.log = AccessLog(maker_.make_logger(log->log));
      if (const auto* header = std::get_if<HeaderConfig>(&middleware))
        planned.headers.push_back(*header);
      if (const auto* access = std::get_if<AuthorizeConfig>(&middleware)) {
        Result<std::shared_ptr<AccessControl>> control = open_control(*access, site);
        if (!control) return control.error();
        planned.controls.push_back(std::move(*control));
        authorize.push_back(*access);
      }
    }
    const auto* const streams = std::get_if<DurableStreamsConfig>(&route.terminal);
    if (streams == nullptr) return planned;
    const std::string prefix(
        prefix_of(route.paths.empty() ? kAnyPath : std::string_view(route.paths.front())));
    Result<std::shared_ptr<const EndpointPlan>> endpoint =
        plan_endpoint({.config = *streams,
                       .prefix = prefix,
                       .authorize = std::move(authorize),
                       .trusted_proxies = server.trusted_proxies,
                       .bodies_bytes_max = site.limits.bodies_bytes_max},
                      server, route, planned.controls, bodies);
    if (!endpoint) return endpoint.error();
    planned.endpoint = std::move(*endpoint);
    return planned;
  }

  // Where an endpoint is served, as far as its prefix does not tell it: what its metrics are told
  // apart by.
  static std::string site_of(const HttpServerConfig& server, const RouteConfig& route) {
    if (!route.hosts.empty()) return fmt::format("{}", fmt::join(route.hosts, ","));
    return fmt::format("{}", fmt::join(server.listen, ","));
  }

  Result<std::shared_ptr<const EndpointPlan>> plan_endpoint(
      EndpointPlan::Parts parts, const HttpServerConfig& server, const RouteConfig& route,
      const std::vector<std::shared_ptr<AccessControl>>& controls,
      const std::shared_ptr<http::BodyBudget>& bodies) {
    const std::string site = site_of(server, route);
    // Another address is another place, whatever the host: rights may differ there.
    Result<std::shared_ptr<OpenStore>> store = maker_.stores.open(
        parts.config, fmt::format("{} {}{}", fmt::join(server.listen, ","), site, parts.prefix));
    if (!store) return store.error();
    // The configuration knows directories by name alone.
    for (const auto& other : plan_->endpoints) {
      if (other->store == *store && (*store)->file_store() != nullptr)
        return Error{ErrorCode::kInvalidArgument,
                     fmt::format("data_dir '{}' is the directory of another endpoint already: each "
                                 "has its own",
                                 *parts.config.data_dir),
                     {}};
    }
    if (maker_.before != nullptr) {
      for (const auto& known : maker_.before->endpoints) {
        if (known->store != *store || known->parts != parts || known->site != site) continue;
        plan_->endpoints.push_back(known);
        return known;
      }
    }
    auto endpoint = std::make_shared<EndpointPlan>();
    endpoint->site = site;
    endpoint->store = std::move(*store);
    endpoint->bodies = bodies;
    endpoint->options = endpoint_options(parts.config, maker_.stores.defaults().endpoint);
    endpoint->options.prefix = parts.prefix;
    if (endpoint->options.body_budget == nullptr) endpoint->options.body_budget = bodies.get();
    if (!controls.empty()) {
      endpoint->authorizer = std::make_unique<StreamAuthorizer>(parts.prefix, controls);
      endpoint->options.authorizer = endpoint->authorizer.get();
    }
    endpoint->parts = std::move(parts);
    plan_->endpoints.push_back(endpoint);
    return std::shared_ptr<const EndpointPlan>(std::move(endpoint));
  }

  // One for all routes that a site's `authorize` holds for, so that rates are those of the site;
  // from one configuration to the next, so that they go on.
  Result<std::shared_ptr<AccessControl>> open_control(const AuthorizeConfig& config,
                                                      const SitePlan& site) {
    for (const Plan* plan : {static_cast<const Plan*>(plan_.get()), maker_.before}) {
      if (plan == nullptr) continue;
      for (const ControlPlan& known : plan->controls) {
        if (known.config != config || known.trusted_proxies != site.config.trusted_proxies)
          continue;
        if (plan != plan_.get()) plan_->controls.push_back(known);
        return known.control;
      }
    }
    Result<std::unique_ptr<AccessControl>> opened = AccessControl::open(
        config, {.proxies = site.proxies,
                 .log = [log = maker_.log](std::string_view line) { log.warn(line); },
                 .refused = &maker_.rate_refused});
    if (!opened) return opened.error();
    std::shared_ptr<AccessControl> control = std::move(*opened);
    plan_->controls.push_back(
        {.config = config, .trusted_proxies = site.config.trusted_proxies, .control = control});
    return control;
  }

  const PlanMaker& maker_;
  std::shared_ptr<Plan> plan_;
};

}  // namespace

Result<std::shared_ptr<const Plan>> make_plan(const Config& config, const PlanMaker& maker) {
  return Planning(config, maker).run();
}

}  // namespace durable_streams::server

// What all loops serve, from one configuration on to the next: everything that a configuration
// names, opened.
#pragma once

#include <durable_streams/clock.h>
#include <durable_streams/http/authorizer.h>
#include <durable_streams/http/endpoint.h>
#include <durable_streams/result.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/access/access_control.h"
#include "server/access/trusted_proxies.h"
#include "server/config/config.h"
#include "server/http/limits.h"
#include "server/log/access_log.h"
#include "server/runtime/open_store.h"
#include "server/runtime/route_table.h"
#include "server/tls/ticket_keys.h"
#include "server/tls/tls_site.h"

namespace durable_streams::server {

// One `durable_streams`. Threads: any.
struct EndpointPlan {
  // What it is made of: an endpoint of the next configuration that is made of the same is this one.
  struct Parts {
    DurableStreamsConfig config;
    std::string prefix;
    std::vector<AuthorizeConfig> authorize;
    std::vector<std::string> trusted_proxies;
    std::uint64_t bodies_bytes_max = 0;

    bool operator==(const Parts&) const = default;
  };

  Parts parts;
  std::string site;  // where it is served, for metrics; empty: everywhere
  std::shared_ptr<OpenStore> store;
  std::shared_ptr<http::BodyBudget> bodies;
  std::unique_ptr<http::Authorizer> authorizer;
  http::EndpointOptions options;
};

struct RoutePlan {
  RouteConfig config;
  std::shared_ptr<const EndpointPlan> endpoint;  // null: it is another kind of route
  std::vector<std::shared_ptr<AccessControl>> controls;
  std::vector<HeaderConfig> headers;
  AccessLog log;
};

// One HttpServerConfig.
struct SitePlan {
  HttpServerConfig config;
  Limits limits;
  std::shared_ptr<TlsSite> tls;                   // null: plain HTTP
  std::shared_ptr<const TrustedProxies> proxies;  // null: nobody is trusted
  RouteTable table;
  std::vector<RoutePlan> routes;
  bool by_host = false;                   // some route is for a host
  std::vector<std::string> cors_origins;  // of answers that are no endpoint's
  AccessLog refusal_log;     // of requests that reach no route: that of the first route with one
  std::string nothing_here;  // for who asks for what no route has
};

// One `authorize`, at work for all routes that it holds for.
struct ControlPlan {
  AuthorizeConfig config;
  std::vector<std::string> trusted_proxies;
  std::shared_ptr<AccessControl> control;
};

struct Plan {
  Config config;
  std::string config_text;  // as JSON for people; made here, for no loop should be held up by it
  std::vector<std::shared_ptr<const EndpointPlan>> endpoints;
  std::vector<ControlPlan> controls;
  std::vector<SitePlan> sites;  // as Config::servers
};

// What a plan is made with. Borrowed for the call.
struct PlanMaker {
  OpenStores& stores;
  const std::function<Logger(const LogConfig&)>& make_logger;
  const Logger& log;
  std::atomic<std::uint64_t>& rate_refused;  // counts; outlives the plan
  TicketKeys& tickets;                       // the same
  const Clock& clock;                        // the same
  std::size_t open_files_max = 0;            // connections are held to what is left of them
  std::size_t loops = 1;
  const Plan* before = nullptr;  // what of it is wanted still is taken over
};

// May wait for disks. An error leaves everything as it was.
Result<std::shared_ptr<const Plan>> make_plan(const Config& config, const PlanMaker& maker);

}  // namespace durable_streams::server

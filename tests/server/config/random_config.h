// Configurations that are right, made at random.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <variant>

#include "server/config/config.h"
#include "server/config/options.h"
#include "tests/support/seed.h"

namespace durable_streams::server {

// Every option set to something, or to nothing.
class RandomConfig {
 public:
  explicit RandomConfig(std::uint64_t seed) : random_(seed) {}

  Config make() {
    Config config;
    config.admin.enabled = random_.one_in(2);
    if (random_.one_in(2)) config.admin.listen = "localhost:2021";
    config.log = log();
    if (random_.one_in(2)) config.threads = 1 + random_.below(64);
    if (random_.one_in(2)) config.drain_timeout = duration();
    const std::size_t servers = 1 + random_.below(3);
    for (std::size_t i = 0; i < servers; ++i) config.servers.push_back(server(i));
    return config;
  }

 private:
  Milliseconds duration() { return Milliseconds(1 + random_.below(100'000'000)); }
  std::string word() { return "w" + std::to_string(random_.below(1'000)) + "\n\"\\ \t\x01 é"; }

  LogConfig log() {
    LogConfig log;
    if (random_.one_in(2)) log.level = LogLevel::kWarn;
    if (random_.one_in(2)) log.format = LogFormat::kJson;
    if (random_.one_in(2)) log.output = LogOutput::kDiscard;
    return log;
  }

  template <class Owner>
  void fill(Owner& owner, std::span<const Option<Owner>> options) {
    for (const Option<Owner>& option : options) {
      if (random_.one_in(2)) continue;
      std::visit([&](auto member) { set(owner.*member, option.least); }, option.member);
    }
  }
  void set(std::optional<std::string>& to, std::uint64_t) { to = "dir" + word(); }
  void set(std::optional<std::uint64_t>& to, std::uint64_t least) {
    to = least + random_.below(1'000'000);
  }
  void set(std::optional<Milliseconds>& to, std::uint64_t) { to = duration(); }
  void set(std::optional<DurabilityConfig>& to, std::uint64_t) {
    to.emplace();
    to->mode = static_cast<Durability>(random_.below(3));
    if (to->mode == Durability::kInterval && random_.one_in(2)) to->sync_interval = duration();
  }
  void set(std::optional<CacheScope>& to, std::uint64_t) { to = CacheScope::kPrivate; }
  void set(std::optional<std::vector<std::string>>& to, std::uint64_t) {
    to.emplace();
    if (random_.one_in(2)) to->push_back("https://a.example");
  }

  MiddlewareConfig middleware() {
    switch (random_.below(3)) {
      case 0:
        return AccessLogConfig{log()};
      case 1: {
        HeaderConfig header;
        if (random_.one_in(2)) header.paths.push_back("/v1/*");
        for (std::size_t i = 0; i < 4; ++i) {
          const auto kind = static_cast<HeaderOperation::Kind>(i);
          header.operations.push_back(
              {.kind = kind,
               .name = "X-A",
               .value = kind == HeaderOperation::Kind::kRemove ? "" : "a \"value\""});
        }
        return header;
      }
      default: {
        AuthorizeConfig authorize;
        authorize.token_file = word();
        authorize.anonymous.push_back({.rights = {.read = true}, .streams = {"/v1/**"}});
        if (random_.one_in(2))
          authorize.rate_per_token = RateLimit{.per_second = 100, .burst = 1 + random_.below(9)};
        if (random_.one_in(2)) authorize.rate_per_address = RateLimit{.per_second = 0.5};
        return authorize;
      }
    }
  }

  HttpServerConfig server(std::size_t number) {
    HttpServerConfig server;
    server.name = "srv" + std::to_string(number);
    server.listen = {":" + std::to_string(8000 + number)};
    if (random_.one_in(2)) server.tls.certificates.push_back({"cert.pem", "key.pem"});
    if (random_.one_in(2)) server.tls.internal = {"localhost"};
    if (random_.one_in(2)) server.trusted_proxies = {"10.0.0.0/8"};
    fill(server.limits, http_limit_options());
    const std::size_t routes = random_.below(4);
    for (std::size_t i = 0; i < routes; ++i) server.routes.push_back(route(number, i));
    return server;
  }

  RouteConfig route(std::size_t server, std::size_t number) {
    RouteConfig route;
    if (random_.one_in(2)) route.hosts = {"a.example"};
    route.paths = {"/" + std::to_string(number) + "/*"};
    while (!random_.one_in(2)) route.middlewares.push_back(middleware());
    switch (random_.below(3)) {
      case 0:
        break;
      case 1:
        route.terminal = RespondConfig{.status = 404, .body = word()};
        break;
      default: {
        DurableStreamsConfig streams;
        fill(streams, durable_streams_options());
        if (streams.data_dir) {
          *streams.data_dir += std::to_string(server * 100 + number);
          streams.max_memory.reset();
        } else {
          streams = DurableStreamsConfig();
          streams.max_streams = 5;
        }
        route.terminal = streams;
      }
    }
    return route;
  }

  Random random_;
};

}  // namespace durable_streams::server

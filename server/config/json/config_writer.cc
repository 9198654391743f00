// The counterpart of the reader: each part as it reads it.
#include <utility>

#include "server/access/rights_text.h"
#include "server/config/json/config_json.h"
#include "server/config/log_names.h"
#include "server/config/options.h"
#include "server/text/duration.h"

namespace durable_streams::server {
namespace {

JsonValue text(std::string_view value) { return {std::string(value)}; }
JsonValue number(std::uint64_t value) { return {static_cast<std::int64_t>(value)}; }

JsonValue texts(const std::vector<std::string>& values) {
  JsonArray array;
  for (const std::string& value : values) array.push_back(text(value));
  return {std::move(array)};
}

void put(JsonObject& object, std::string_view name, JsonValue value) {
  object.push_back({std::string(name), std::move(value)});
}

// The value of an option as JSON.
struct WriteValue {
  JsonValue operator()(const std::string& value) const { return text(value); }
  JsonValue operator()(std::uint64_t value) const { return number(value); }
  JsonValue operator()(Milliseconds value) const { return text(duration_text(value)); }
  JsonValue operator()(const DurabilityConfig& value) const { return text(durability_text(value)); }
  JsonValue operator()(CacheScope value) const {
    return text(value == CacheScope::kPublic ? "public" : "private");
  }
  JsonValue operator()(const std::vector<std::string>& value) const { return texts(value); }
};

template <class Owner>
void put_options(JsonObject& object, const Owner& owner, std::span<const Option<Owner>> options) {
  for (const Option<Owner>& option : options) {
    std::visit(
        [&](auto member) {
          if (owner.*member) put(object, option.name, WriteValue()(*(owner.*member)));
        },
        option.member);
  }
}

JsonValue log_fields(const LogConfig& log, JsonObject object) {
  if (log.level) put(object, "level", text(name_of<LogLevel>(kLogLevels, *log.level)));
  if (log.format) put(object, "format", text(name_of<LogFormat>(kLogFormats, *log.format)));
  if (log.output) put(object, "output", text(name_of<LogOutput>(kLogOutputs, *log.output)));
  return {std::move(object)};
}

JsonObject handler(std::string_view name) {
  JsonObject object;
  put(object, "handler", text(name));
  return object;
}

JsonValue rate(const RateLimit& limit) {
  JsonObject object;
  put(object, "limit", text(rate_text(limit.per_second)));
  if (limit.burst) put(object, "burst", number(*limit.burst));
  return {std::move(object)};
}

struct WriteMiddleware {
  JsonValue operator()(const AccessLogConfig& log) const {
    return log_fields(log.log, handler("log"));
  }
  JsonValue operator()(const HeaderConfig& header) const {
    constexpr std::string_view kNames[] = {"set", "add", "delete", "default"};
    JsonObject object = handler("headers");
    if (!header.paths.empty()) put(object, "paths", texts(header.paths));
    JsonArray operations;
    for (const HeaderOperation& operation : header.operations) {
      JsonObject written;
      put(written, kNames[static_cast<std::size_t>(operation.kind)], text(operation.name));
      if (operation.kind != HeaderOperation::Kind::kRemove)
        put(written, "value", text(operation.value));
      operations.push_back({std::move(written)});
    }
    put(object, "operations", {std::move(operations)});
    return {std::move(object)};
  }
  JsonValue operator()(const AuthorizeConfig& authorize) const {
    JsonObject object = handler("authorize");
    if (!authorize.paths.empty()) put(object, "paths", texts(authorize.paths));
    if (authorize.token_file) put(object, "tokens", text(*authorize.token_file));
    JsonArray anonymous;
    for (const AnonymousConfig& each : authorize.anonymous) {
      JsonObject written;
      put(written, "rights", text(to_string(each.rights)));
      if (!each.streams.empty()) put(written, "streams", texts(each.streams));
      anonymous.push_back({std::move(written)});
    }
    if (!anonymous.empty()) put(object, "anonymous", {std::move(anonymous)});
    if (authorize.rate_per_token) put(object, "rate", rate(*authorize.rate_per_token));
    if (authorize.rate_per_address)
      put(object, "anonymous_rate", rate(*authorize.rate_per_address));
    return {std::move(object)};
  }
};

void put_terminal(JsonArray& handle, const TerminalConfig& terminal) {
  if (const auto* streams = std::get_if<DurableStreamsConfig>(&terminal)) {
    JsonObject object = handler("durable_streams");
    put_options(object, *streams, durable_streams_options());
    handle.push_back({std::move(object)});
  } else if (const auto* respond = std::get_if<RespondConfig>(&terminal)) {
    JsonObject object = handler("static_response");
    put(object, "status_code", number(static_cast<std::uint64_t>(respond->status)));
    if (!respond->body.empty()) put(object, "body", text(respond->body));
    handle.push_back({std::move(object)});
  }
}

JsonValue route_json(const RouteConfig& route) {
  JsonObject object;
  JsonObject match;
  if (!route.hosts.empty()) put(match, "host", texts(route.hosts));
  if (!route.paths.empty()) put(match, "path", texts(route.paths));
  if (!match.empty()) put(object, "match", {JsonArray{{std::move(match)}}});
  JsonArray handle;
  for (const MiddlewareConfig& middleware : route.middlewares)
    handle.push_back(std::visit(WriteMiddleware(), middleware));
  put_terminal(handle, route.terminal);
  if (!handle.empty()) put(object, "handle", {std::move(handle)});
  return {std::move(object)};
}

JsonValue tls_json(const TlsConfig& tls) {
  JsonObject object;
  JsonArray certificates;
  for (const CertificateConfig& certificate : tls.certificates) {
    JsonObject pair;
    put(pair, "certificate", text(certificate.certificate_file));
    put(pair, "key", text(certificate.key_file));
    certificates.push_back({std::move(pair)});
  }
  if (!certificates.empty()) put(object, "certificates", {std::move(certificates)});
  if (!tls.internal.empty()) put(object, "internal", texts(tls.internal));
  return {std::move(object)};
}

JsonValue server_json(const HttpServerConfig& server) {
  JsonObject object;
  put(object, "listen", texts(server.listen));
  if (server.tls.enabled()) put(object, "tls", tls_json(server.tls));
  if (!server.trusted_proxies.empty()) {
    JsonObject proxies;
    put(proxies, "source", text("static"));
    put(proxies, "ranges", texts(server.trusted_proxies));
    put(object, "trusted_proxies", {std::move(proxies)});
  }
  JsonObject limits;
  put_options(limits, server.limits, http_limit_options());
  if (!limits.empty()) put(object, "limits", {std::move(limits)});
  JsonArray routes;
  for (const RouteConfig& route : server.routes) routes.push_back(route_json(route));
  if (!routes.empty()) put(object, "routes", {std::move(routes)});
  return {std::move(object)};
}

JsonValue logging_json(const LogConfig& log) {
  JsonObject fields;
  if (log.level) put(fields, "level", text(name_of<LogLevel>(kLogLevels, *log.level)));
  if (log.format) {
    JsonObject encoder;
    put(encoder, "format", text(name_of<LogFormat>(kLogFormats, *log.format)));
    put(fields, "encoder", {std::move(encoder)});
  }
  if (log.output) {
    JsonObject writer;
    put(writer, "output", text(name_of<LogOutput>(kLogOutputs, *log.output)));
    put(fields, "writer", {std::move(writer)});
  }
  JsonObject logs;
  put(logs, "default", {std::move(fields)});
  JsonObject logging;
  put(logging, "logs", {std::move(logs)});
  return {std::move(logging)};
}

void put_admin(JsonObject& root, const AdminConfig& admin) {
  JsonObject object;
  if (!admin.enabled) put(object, "disabled", {true});
  if (admin.listen != AdminConfig().listen) put(object, "listen", text(admin.listen));
  if (!object.empty()) put(root, "admin", {std::move(object)});
}

}  // namespace

JsonValue config_json(const Config& config) {
  JsonObject root;
  put_admin(root, config.admin);
  if (config.log != LogConfig()) put(root, "logging", logging_json(config.log));
  JsonObject http;
  if (config.drain_timeout) put(http, "grace_period", text(duration_text(*config.drain_timeout)));
  if (config.threads) put(http, "threads", number(*config.threads));
  JsonObject servers;
  for (const HttpServerConfig& server : config.servers)
    put(servers, server.name, server_json(server));
  put(http, "servers", {std::move(servers)});
  JsonObject apps;
  put(apps, "http", {std::move(http)});
  put(root, "apps", {std::move(apps)});
  return {std::move(root)};
}

std::string write_config_json(const Config& config, bool pretty) {
  return json_text(config_json(config), pretty);
}

}  // namespace durable_streams::server

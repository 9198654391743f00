// From the outside in: each object is read by a function of its own, and the first error ends all.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "server/access/path_glob.h"
#include "server/access/rights_text.h"
#include "server/config/check.h"
#include "server/config/json/config_json.h"
#include "server/config/json/object_reader.h"
#include "server/config/log_names.h"
#include "server/config/options.h"
#include "server/text/duration.h"

namespace durable_streams::server {
namespace {

// Caddy's names for limits, beside our own.
constexpr std::pair<std::string_view, std::string_view> kCaddyLimits[] = {
    {"read_header_timeout", "header_timeout"},
    {"read_timeout", "body_timeout"},
    {"write_timeout", "write_timeout"},
    {"idle_timeout", "idle_timeout"},
    {"max_header_bytes", "max_header_size"}};

// What an option's value is as the words of a Caddyfile; nothing: it is of another type.
std::optional<std::vector<std::string>> words_of(OptionKind kind, const JsonValue& value) {
  using Words = std::vector<std::string>;
  const std::string* const text = value.text();
  const std::int64_t* const integer = value.integer();
  switch (kind) {
    case OptionKind::kText:
    case OptionKind::kDurability:
    case OptionKind::kCacheScope:
      return text == nullptr ? std::nullopt : std::optional(Words{*text});
    case OptionKind::kCount:
      return integer == nullptr ? std::nullopt : std::optional(Words{fmt::format("{}", *integer)});
    case OptionKind::kBytes:
      if (integer != nullptr) return Words{fmt::format("{}", *integer)};
      return text == nullptr ? std::nullopt : std::optional(Words{*text});
    case OptionKind::kDuration:
      // A number is nanoseconds, as in Caddy.
      if (integer != nullptr) return Words{fmt::format("{}ns", *integer)};
      return text == nullptr ? std::nullopt : std::optional(Words{*text});
    case OptionKind::kOrigins:
      break;
  }
  if (value.array() == nullptr) return std::nullopt;
  Words words;
  for (const JsonValue& each : *value.array()) {
    if (each.text() == nullptr) return std::nullopt;
    words.push_back(*each.text());
  }
  if (words.empty()) words.emplace_back("off");
  return words;
}

std::string_view type_of(OptionKind kind) {
  switch (kind) {
    case OptionKind::kCount:
      return "a whole number";
    case OptionKind::kBytes:
      return "a number of bytes or a size such as \"64KiB\"";
    case OptionKind::kDuration:
      return "a duration such as \"30s\"";
    case OptionKind::kOrigins:
      return "an array of strings";
    default:
      return "a string";
  }
}

// `path: message` without what set_option() puts before its messages.
std::string_view without_name(std::string_view message, std::string_view name) {
  if (message.starts_with(name) && message.substr(name.size()).starts_with(": "))
    message.remove_prefix(name.size() + 2);
  return message;
}

template <class Owner>
void take_option(ObjectReader& object, std::string_view field, const Option<Owner>& option,
                 Owner& owner) {
  const JsonValue* const value = object.take(field);
  if (value == nullptr) return;
  const auto words = words_of(option.kind, *value);
  if (!words)
    return object.fail(
        field, fmt::format("{} is expected here, not {}", type_of(option.kind), value->kind()));
  if (const Status set = set_option(owner, option, *words); !set)
    object.fail(field, without_name(set.error().message, option.name));
}

template <class Value>
void take_named(ObjectReader& object, std::string_view field, std::span<const Named<Value>> names,
                std::optional<Value>& to) {
  const std::optional<std::string> text = object.take_text(field);
  if (!text) return;
  to = value_named(names, *text);
  if (to) return;
  std::string known;
  for (const Named<Value>& each : names)
    known += fmt::format("{}{}", known.empty() ? "" : ", ", each.name);
  object.fail(field, fmt::format("'{}' is none of {}", *text, known));
}

class ConfigReader {
 public:
  explicit ConfigReader(JsonFields* fields = nullptr) : reading_(fields) {}

  Result<Config> run(const JsonValue& json) {
    read_root(json);
    if (reading_.error()) return *reading_.error();
    if (const std::optional<ConfigFault> fault = find_fault(config_)) {
      reading_.fail(path_of(fault->place), fault->message);
      return *reading_.error();
    }
    return std::move(config_);
  }

 private:
  ObjectReader object(const JsonValue& value, std::string path) {
    return ObjectReader(reading_, value, std::move(path));
  }

  void read_root(const JsonValue& json) {
    ObjectReader root = object(json, "");
    if (const JsonValue* const admin = root.take("admin")) read_admin(*admin);
    if (const JsonValue* const logging = root.take("logging")) read_logging(*logging);
    if (const JsonValue* const apps = root.take("apps")) read_apps(*apps);
    root.finish();
  }

  void read_admin(const JsonValue& json) {
    ObjectReader admin = object(json, "admin");
    config_.admin.enabled = !admin.take_boolean("disabled").value_or(false);
    if (auto listen = admin.take_text("listen")) config_.admin.listen = std::move(*listen);
    admin.finish();
  }

  void read_logging(const JsonValue& json) {
    ObjectReader logging = object(json, "logging");
    if (const JsonValue* const value = logging.take("logs")) {
      ObjectReader logs = object(*value, "logging.logs");
      if (const JsonValue* const log = logs.take("default")) read_default_log(*log);
      logs.finish();
    }
    logging.finish();
  }

  void read_default_log(const JsonValue& json) {
    ObjectReader log = object(json, "logging.logs.default");
    take_named<LogLevel>(log, "level", kLogLevels, config_.log.level);
    if (const JsonValue* const value = log.take("encoder")) {
      ObjectReader encoder = object(*value, log.path_of("encoder"));
      take_named<LogFormat>(encoder, "format", kLogFormats, config_.log.format);
      encoder.finish();
    }
    if (const JsonValue* const value = log.take("writer")) {
      ObjectReader writer = object(*value, log.path_of("writer"));
      take_named<LogOutput>(writer, "output", kLogOutputs, config_.log.output);
      writer.finish();
    }
    log.finish();
  }

  void read_apps(const JsonValue& json) {
    ObjectReader apps = object(json, "apps");
    if (const JsonValue* const http = apps.take("http")) read_http(*http);
    apps.finish();
  }

  void read_http(const JsonValue& json) {
    ObjectReader http = object(json, "apps.http");
    const Option<HttpLimitsConfig> grace{
        "grace_period", OptionKind::kDuration, &HttpLimitsConfig::idle_timeout, 0, "", ""};
    HttpLimitsConfig holder;
    take_option(http, "grace_period", grace, holder);
    config_.drain_timeout = holder.idle_timeout;
    if (const auto threads = http.take_integer("threads")) {
      if (*threads < 1 || *threads > 1024) http.fail("threads", "is no number from 1 to 1024");
      config_.threads = static_cast<std::uint64_t>(*threads);
    }
    if (const JsonValue* const value = http.take("servers")) {
      ObjectReader servers = object(*value, "apps.http.servers");
      for (const JsonField& field : servers.fields()) {
        servers.take(field.name);
        read_server(field.name, field.value, servers.path_of(field.name));
      }
    }
    http.finish();
  }

  void read_server(const std::string& name, const JsonValue& json, std::string path) {
    ObjectReader server = object(json, std::move(path));
    HttpServerConfig config;
    paths_.emplace_back();
    config.name = name;
    config.listen = server.take_texts("listen").value_or(std::vector<std::string>());
    if (const JsonValue* const tls = server.take("tls"))
      read_tls(*tls, server.path_of("tls"), config.tls);
    if (const JsonValue* const proxies = server.take("trusted_proxies"))
      read_proxies(*proxies, server.path_of("trusted_proxies"), config);
    read_limits(server, config.limits);
    if (const JsonArray* const routes = server.take_array("routes")) {
      for (std::size_t i = 0; i < routes->size(); ++i)
        read_route((*routes)[i], fmt::format("{}[{}]", server.path_of("routes"), i), config);
    }
    server.finish();
    config_.servers.push_back(std::move(config));
  }

  void read_tls(const JsonValue& json, std::string path, TlsConfig& to) {
    ObjectReader tls = object(json, std::move(path));
    if (const JsonArray* const certificates = tls.take_array("certificates")) {
      for (std::size_t i = 0; i < certificates->size(); ++i) {
        ObjectReader pair =
            object((*certificates)[i], fmt::format("{}[{}]", tls.path_of("certificates"), i));
        to.certificates.push_back({.certificate_file = pair.take_text("certificate").value_or(""),
                                   .key_file = pair.take_text("key").value_or("")});
        pair.finish();
      }
    }
    to.internal = tls.take_texts("internal").value_or(std::vector<std::string>());
    tls.finish();
  }

  void read_proxies(const JsonValue& json, std::string path, HttpServerConfig& to) {
    ObjectReader proxies = object(json, std::move(path));
    if (const auto source = proxies.take_text("source"); source && *source != "static")
      proxies.fail("source", fmt::format("'{}' is not supported: only 'static' is", *source));
    to.trusted_proxies = proxies.take_texts("ranges").value_or(std::vector<std::string>());
    proxies.finish();
  }

  void read_limits(ObjectReader& server, HttpLimitsConfig& limits) {
    const auto find = [](std::string_view name) -> const Option<HttpLimitsConfig>& {
      const auto options = http_limit_options();
      return *std::find_if(options.begin(), options.end(),
                           [&](const auto& option) { return option.name == name; });
    };
    std::set<std::string_view> said;
    for (const auto& [caddy, ours] : kCaddyLimits) {
      take_option(server, caddy, find(ours), limits);
      if (server.take(caddy) != nullptr) said.insert(ours);
    }
    const JsonValue* const value = server.take("limits");
    if (value == nullptr) return;
    ObjectReader object_of_limits = object(*value, server.path_of("limits"));
    for (const auto& option : http_limit_options()) {
      take_option(object_of_limits, option.name, option, limits);
      if (object_of_limits.take(option.name) != nullptr && said.contains(option.name))
        object_of_limits.fail(option.name, "was said already, by Caddy's name");
    }
    object_of_limits.finish();
  }

  void read_route(const JsonValue& json, std::string path, HttpServerConfig& server) {
    ObjectReader route = object(json, std::move(path));
    RouteConfig config;
    paths_.back().push_back({.route = route.path(), .terminal = {}, .middlewares = {}});
    if (const JsonArray* const match = route.take_array("match")) {
      if (match->size() > 1)
        route.fail("match", "several sets are not supported: write a route for each");
      if (!match->empty()) read_match((*match)[0], route.path_of("match[0]"), config);
    }
    if (const JsonArray* const handle = route.take_array("handle"))
      read_handlers(*handle, route.path_of("handle"), config);
    if (!route.take_boolean("terminal").value_or(true))
      route.fail("terminal", "every route is terminal: false is not supported");
    route.finish();
    server.routes.push_back(std::move(config));
  }

  void read_match(const JsonValue& json, std::string path, RouteConfig& to) {
    ObjectReader match = object(json, std::move(path));
    to.hosts = match.take_texts("host").value_or(std::vector<std::string>());
    for (std::string& host : to.hosts) {
      std::transform(host.begin(), host.end(), host.begin(),
                     [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    }
    to.paths = match.take_texts("path").value_or(PathPatterns());
    // A path for all is none.
    if (to.paths == PathPatterns{"*"} || to.paths == PathPatterns{"/*"}) to.paths.clear();
    match.finish();
  }

  void read_handlers(const JsonArray& handlers, const std::string& path, RouteConfig& to) {
    for (std::size_t i = 0; i < handlers.size(); ++i)
      read_handler(handlers[i], fmt::format("{}[{}]", path, i), to);
  }

  void read_handler(const JsonValue& json, std::string path, RouteConfig& to) {
    constexpr std::string_view kNames =
        "durable_streams, static_response, headers, authorize, log, subroute";
    ObjectReader handler = object(json, std::move(path));
    const std::optional<std::string> name = handler.take_text("handler");
    if (!name) {
      if (handler.take("handler") == nullptr)
        handler.fail("handler", fmt::format("is missing: one of {}", kNames));
      return;
    }
    if (!std::holds_alternative<std::monostate>(to.terminal))
      return handler.fail("handler", "stands behind one that answers already");
    if (*name == "durable_streams") {
      read_streams(handler, to);
    } else if (*name == "static_response") {
      read_response(handler, to);
    } else if (*name == "headers") {
      read_headers(handler, to);
    } else if (*name == "authorize") {
      read_authorize(handler, to);
    } else if (*name == "log") {
      AccessLogConfig log;
      take_named<LogLevel>(handler, "level", kLogLevels, log.log.level);
      take_named<LogFormat>(handler, "format", kLogFormats, log.log.format);
      take_named<LogOutput>(handler, "output", kLogOutputs, log.log.output);
      add_middleware(handler, log, to);
    } else if (*name == "subroute") {
      read_subroute(handler, to);
    } else {
      return handler.fail("handler", fmt::format("'{}' is none of {}", *name, kNames));
    }
    handler.finish();
  }

  void add_middleware(const ObjectReader& handler, MiddlewareConfig middleware, RouteConfig& to) {
    to.middlewares.push_back(std::move(middleware));
    paths_.back().back().middlewares.push_back(handler.path());
  }

  void set_terminal(const ObjectReader& handler, TerminalConfig terminal, RouteConfig& to) {
    to.terminal = std::move(terminal);
    paths_.back().back().terminal = handler.path();
  }

  void read_streams(ObjectReader& handler, RouteConfig& to) {
    DurableStreamsConfig streams;
    for (const auto& option : durable_streams_options())
      take_option(handler, option.name, option, streams);
    set_terminal(handler, std::move(streams), to);
  }

  void read_response(ObjectReader& handler, RouteConfig& to) {
    RespondConfig respond;
    if (const auto status = handler.take_integer("status_code"))
      respond.status = static_cast<int>(std::clamp<std::int64_t>(*status, 0, 1000));
    respond.body = handler.take_text("body").value_or("");
    set_terminal(handler, std::move(respond), to);
  }

  void read_headers(ObjectReader& handler, RouteConfig& to) {
    HeaderConfig header;
    header.paths = handler.take_texts("paths").value_or(PathPatterns());
    if (const JsonArray* const operations = handler.take_array("operations")) {
      for (std::size_t i = 0; i < operations->size(); ++i) {
        read_operation((*operations)[i], fmt::format("{}[{}]", handler.path_of("operations"), i),
                       header);
      }
    }
    add_middleware(handler, std::move(header), to);
  }

  void read_operation(const JsonValue& json, std::string path, HeaderConfig& to) {
    using Kind = HeaderOperation::Kind;
    constexpr std::pair<std::string_view, Kind> kKinds[] = {{"set", Kind::kSet},
                                                            {"add", Kind::kAdd},
                                                            {"delete", Kind::kRemove},
                                                            {"default", Kind::kDefault}};
    ObjectReader operation = object(json, std::move(path));
    bool found = false;
    for (const auto& [name, kind] : kKinds) {
      std::optional<std::string> header = operation.take_text(name);
      if (!header) continue;
      if (found) return operation.fail(name, "one operation does one thing");
      found = true;
      std::optional<std::string> value = operation.take_text("value");
      if (kind == Kind::kRemove && value)
        operation.fail("value", "what removes a header takes no value");
      if (kind != Kind::kRemove && !value) operation.fail("value", "is missing");
      to.operations.push_back(
          {.kind = kind, .name = std::move(*header), .value = value.value_or("")});
    }
    if (!found) operation.fail("", "one of set, add, delete, default is expected here");
    operation.finish();
  }

  void read_authorize(ObjectReader& handler, RouteConfig& to) {
    AuthorizeConfig authorize;
    authorize.paths = handler.take_texts("paths").value_or(PathPatterns());
    authorize.token_file = handler.take_text("tokens");
    if (const JsonArray* const anonymous = handler.take_array("anonymous")) {
      for (std::size_t i = 0; i < anonymous->size(); ++i) {
        read_anonymous((*anonymous)[i], fmt::format("{}[{}]", handler.path_of("anonymous"), i),
                       authorize);
      }
    }
    read_rate(handler, "rate", authorize.rate_per_token);
    read_rate(handler, "anonymous_rate", authorize.rate_per_address);
    add_middleware(handler, std::move(authorize), to);
  }

  void read_anonymous(const JsonValue& json, std::string path, AuthorizeConfig& to) {
    ObjectReader object_of_rights = object(json, std::move(path));
    const std::string text = object_of_rights.take_text("rights").value_or("");
    const Result<AccessRights> rights = parse_rights(text);
    if (!rights) object_of_rights.fail("rights", rights.error().message);
    PathPatterns streams = object_of_rights.take_texts("streams").value_or(PathPatterns());
    for (std::size_t i = 0; i < streams.size(); ++i) {
      if (const Result<PathGlob> glob = PathGlob::parse(streams[i]); !glob)
        object_of_rights.fail(fmt::format("streams[{}]", i), glob.error().message);
    }
    object_of_rights.finish();
    to.anonymous.push_back(
        {.rights = rights.ok() ? *rights : AccessRights{}, .streams = std::move(streams)});
  }

  void read_rate(ObjectReader& handler, std::string_view name, std::optional<RateLimit>& to) {
    const JsonValue* const value = handler.take(name);
    if (value == nullptr) return;
    ObjectReader limit = object(*value, handler.path_of(name));
    const std::string text = limit.take_text("limit").value_or("");
    const Result<double> rate = parse_rate(text);
    if (!rate) limit.fail("limit", rate.error().message);
    const std::optional<std::int64_t> burst = limit.take_integer("burst");
    if (burst && *burst < 1) limit.fail("burst", "is no number of requests, of 1 or more");
    limit.finish();
    to = RateLimit{.per_second = rate.ok() ? *rate : 0, .burst = {}};
    if (burst) to->burst = static_cast<std::uint64_t>(*burst);
  }

  // As Caddy writes what a Caddyfile's `route` holds: one route without conditions.
  void read_subroute(ObjectReader& handler, RouteConfig& to) {
    const JsonArray* const routes = handler.take_array("routes");
    if (routes == nullptr) return;
    for (std::size_t i = 0; i < routes->size(); ++i) {
      ObjectReader route =
          object((*routes)[i], fmt::format("{}[{}]", handler.path_of("routes"), i));
      if (route.take("match") != nullptr)
        route.fail("match", "conditions within a subroute are not supported");
      if (const JsonArray* const handle = route.take_array("handle"))
        read_handlers(*handle, route.path_of("handle"), to);
      route.finish();
    }
  }

  std::string path_of(const ConfigPlace& place) const {
    if (!place.server) return place.field;
    const HttpServerConfig& server = config_.servers[*place.server];
    std::string path = fmt::format("apps.http.servers.{}", server.name);
    if (place.route) {
      const RoutePaths& paths = paths_[*place.server][*place.route];
      const bool of_route = place.field.empty() || place.field == "match";
      path = of_route ? paths.route : paths.terminal;
      if (place.middleware) path = paths.middlewares[*place.middleware];
    }
    return place.field.empty() ? path : path + "." + place.field;
  }

  // Where the parts of a route stand, which may be within a subroute.
  struct RoutePaths {
    std::string route;
    std::string terminal;
    std::vector<std::string> middlewares;
  };

  JsonReading reading_;
  Config config_;
  std::vector<std::vector<RoutePaths>> paths_;  // of each server
};

}  // namespace

Result<Config> parse_config_json(const ConfigSource& source) {
  const Result<JsonValue> json = parse_json(source.text);
  const auto named = [&](const Error& error) {
    return Error{
        ErrorCode::kInvalidArgument, fmt::format("{}: {}", source.name, error.message), {}};
  };
  if (!json) return named(json.error());
  Result<Config> config = ConfigReader().run(*json);
  if (!config) return named(config.error());
  return config;
}

Result<JsonFields> known_json_fields(const ConfigSource& source) {
  const Result<JsonValue> json = parse_json(source.text);
  if (!json) return json.error();
  JsonFields fields;
  const Result<Config> config = ConfigReader(&fields).run(*json);
  if (!config) return config.error();
  return fields;
}

}  // namespace durable_streams::server

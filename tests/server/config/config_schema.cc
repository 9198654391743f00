// Options come from their tables; what stands around them is as the reader of JSON has it, which a
// test compares.
#include "tests/server/config/config_schema.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/config/config.h"
#include "server/config/log_names.h"
#include "server/config/options.h"

namespace durable_streams::server {
namespace {

JsonValue text(std::string_view value) { return {std::string(value)}; }
JsonValue number(std::uint64_t value) { return {static_cast<std::int64_t>(value)}; }

JsonField field(std::string_view name, JsonValue value) {
  return {std::string(name), std::move(value)};
}

JsonValue with_help(std::string_view help, JsonValue schema) {
  std::get<JsonObject>(schema.value)
      .insert(std::get<JsonObject>(schema.value).begin(), field("description", text(help)));
  return schema;
}

JsonValue of_type(std::string_view type) { return {JsonObject{field("type", text(type))}}; }
JsonValue string_like(std::string_view pattern) {
  return {JsonObject{field("type", text("string")), field("pattern", text(pattern))}};
}
JsonValue string_with_something() {
  return {JsonObject{field("type", text("string")), field("minLength", number(1))}};
}
JsonValue constant(JsonValue value) { return {JsonObject{field("const", std::move(value))}}; }
JsonValue reference(std::string_view name) {
  return {JsonObject{field("$ref", text("#/$defs/" + std::string(name)))}};
}
JsonValue array_of(JsonValue items) {
  return {JsonObject{field("type", text("array")), field("items", std::move(items))}};
}
JsonValue one_of(JsonArray schemas) { return {JsonObject{field("oneOf", {std::move(schemas)})}}; }

JsonValue whole_number(std::uint64_t least) {
  return {JsonObject{field("type", text("integer")), field("minimum", number(least))}};
}

// Strict, as the reader is.
JsonValue object_of(JsonObject properties, const std::vector<std::string_view>& required = {}) {
  JsonObject schema{field("type", text("object")), field("properties", {std::move(properties)}),
                    field("additionalProperties", {false})};
  JsonArray names;
  for (const std::string_view name : required) names.push_back(text(name));
  if (!names.empty()) schema.push_back(field("required", {std::move(names)}));
  return {std::move(schema)};
}

// The reader takes names in capitals and in small letters.
template <class Value>
JsonValue one_named(std::span<const Named<Value>> names) {
  JsonArray values;
  for (const Named<Value>& each : names) {
    values.push_back(text(each.name));
    std::string lower(each.name);
    for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    if (lower != each.name) values.push_back(text(lower));
  }
  return {JsonObject{field("enum", {std::move(values)})}};
}

constexpr std::string_view kDuration =
    "^(0|(([0-9]+\\.?[0-9]*|\\.[0-9]+)(ns|us|\u00b5s|ms|s|m|h|d))+)$";
constexpr std::string_view kSize = "^([0-9]+\\.?[0-9]*|\\.[0-9]+) *([kKmMgGtT][iI]?[bB]?|[bB])?$";

JsonValue option_value(OptionKind kind, std::uint64_t least) {
  switch (kind) {
    case OptionKind::kText:
      return of_type("string");
    case OptionKind::kCount:
      return whole_number(least);
    case OptionKind::kBytes:
      return one_of({whole_number(least), reference("size")});
    case OptionKind::kDuration:
      return reference("duration");
    case OptionKind::kDurability:
      return string_like("^(always|off|interval(:.+)?)$");
    case OptionKind::kCacheScope:
      return {JsonObject{field("enum", {JsonArray{text("public"), text("private")}})}};
    case OptionKind::kOrigins:
      return array_of(of_type("string"));
  }
  return {};
}

template <class Owner>
void add_options(JsonObject& properties, std::span<const Option<Owner>> options) {
  for (const Option<Owner>& option : options) {
    const std::string help =
        std::string(option.help) + " Default: " + std::string(option.standard) + ".";
    properties.push_back(
        field(option.name, with_help(help, option_value(option.kind, option.least))));
  }
}

JsonObject log_properties() {
  return {field("level", one_named<LogLevel>(kLogLevels)),
          field("format", one_named<LogFormat>(kLogFormats)),
          field("output", one_named<LogOutput>(kLogOutputs))};
}

JsonValue handler(std::string_view name, std::string_view help, JsonObject properties) {
  properties.insert(properties.begin(), field("handler", constant(text(name))));
  return with_help(help, object_of(std::move(properties), {"handler"}));
}

JsonValue streams_handler() {
  JsonObject options;
  add_options(options, durable_streams_options());
  return handler("durable_streams", "An endpoint with streams of its own.", std::move(options));
}

JsonValue response_handler() {
  JsonObject status = std::get<JsonObject>(whole_number(200).value);
  status.push_back(field("maximum", number(599)));
  return handler("static_response", "Answers by itself.",
                 {field("status_code", {std::move(status)}), field("body", of_type("string"))});
}

JsonValue headers_handler() {
  JsonArray operations;
  for (const std::string_view kind : {"set", "add", "default"}) {
    operations.push_back(object_of(
        {field(kind, of_type("string")), field("value", of_type("string"))}, {kind, "value"}));
  }
  operations.push_back(object_of({field("delete", of_type("string"))}, {"delete"}));
  return handler("headers", "Changes the headers of answers, in order.",
                 {field("paths", reference("paths")),
                  field("operations", array_of(one_of(std::move(operations))))});
}

JsonValue authorize_handler() {
  const JsonValue anonymous = object_of(
      {field("rights", reference("rights")), field("streams", array_of(string_like("^/")))},
      {"rights"});
  return handler(
      "authorize", "Who may do what (docs/access.md).",
      {field("paths", reference("paths")),
       field("tokens", with_help("A file of tokens.", string_with_something())),
       field("anonymous", with_help("What everybody may do.", array_of(anonymous))),
       field("rate", with_help("Requests of a token.", reference("rate"))),
       field("anonymous_rate", with_help("Requests of a client address, of who shows no token.",
                                         reference("rate")))});
}

JsonValue subroute_handler() {
  return handler(
      "subroute", "Handlers within a handler, as Caddy writes them: without conditions.",
      {field("routes", array_of(object_of({field("handle", array_of(reference("handler")))})))});
}

JsonValue any_handler() {
  return one_of({streams_handler(), response_handler(), headers_handler(), authorize_handler(),
                 handler("log", "Writes a line for each request.", log_properties()),
                 subroute_handler()});
}

JsonValue route() {
  const JsonValue condition = object_of(
      {field("host", array_of(string_with_something())), field("path", reference("paths"))});
  JsonObject match = std::get<JsonObject>(array_of(condition).value);
  match.push_back(field("maxItems", number(1)));
  return object_of(
      {field("match", with_help("Which requests it is for; without it, all.", {std::move(match)})),
       field("handle", array_of(reference("handler"))), field("terminal", constant({true}))});
}

JsonValue tls() {
  const JsonValue pair = object_of(
      {field("certificate", string_with_something()), field("key", string_with_something())},
      {"certificate", "key"});
  return object_of(
      {field("certificates", with_help("Files in PEM form.", array_of(pair))),
       field("internal", with_help("Names that the local authority makes certificates for.",
                                   array_of(of_type("string"))))});
}

JsonValue server() {
  JsonObject limits;
  add_options(limits, http_limit_options());
  JsonObject listen = std::get<JsonObject>(array_of(string_with_something()).value);
  listen.push_back(field("minItems", number(1)));
  JsonObject properties{
      field("listen", {std::move(listen)}), field("tls", tls()),
      field("trusted_proxies",
            object_of({field("source", constant(text("static"))),
                       field("ranges", with_help("Addresses, ranges, or `private_ranges`.",
                                                 array_of(of_type("string"))))})),
      field("limits", object_of(std::move(limits))), field("routes", array_of(reference("route")))};
  for (const std::string_view caddy :
       {"read_header_timeout", "read_timeout", "write_timeout", "idle_timeout"})
    properties.push_back(
        field(caddy, with_help("Caddy's name for a limit.", reference("duration"))));
  properties.push_back(field(
      "max_header_bytes",
      with_help("Caddy's name for a limit.", one_of({whole_number(256), reference("size")}))));
  return object_of(std::move(properties), {"listen"});
}

JsonObject definitions() {
  const std::string_view rights =
      "^(all|(read|write|create|delete)(,(read|write|create|delete))*)$";
  const JsonValue rate = object_of(
      {field("limit", string_like("^[0-9]+/[smh]$")), field("burst", whole_number(1))}, {"limit"});
  return {field("duration", with_help("`1m30s`, `500ms`, `1d`; a number is nanoseconds.",
                                      one_of({string_like(kDuration), whole_number(0)}))),
          field("size", with_help("`10MB`, `64KiB`.", string_like(kSize))),
          field("rights", string_like(rights)),
          field("rate", with_help("So many requests, and so many at once.", rate)),
          field("paths",
                with_help("`/exact`, `/prefix/*` or `*`.", array_of(string_like("^(\\*|/.*)$")))),
          field("handler", any_handler()),
          field("route", route()),
          field("server", server())};
}

JsonValue logging() {
  const JsonValue log =
      object_of({field("level", one_named<LogLevel>(kLogLevels)),
                 field("encoder", object_of({field("format", one_named<LogFormat>(kLogFormats))})),
                 field("writer", object_of({field("output", one_named<LogOutput>(kLogOutputs))}))});
  return object_of({field("logs", object_of({field("default", log)}))});
}

JsonValue apps() {
  JsonObject threads = std::get<JsonObject>(whole_number(1).value);
  threads.push_back(field("maximum", number(1024)));
  JsonValue servers{JsonObject{field("type", text("object")),
                               field("additionalProperties", reference("server"))}};
  JsonValue http = object_of(
      {field("grace_period",
             with_help("How long a stop waits for requests.", reference("duration"))),
       field("threads",
             with_help("Event loops; without it, one for each processor.", {std::move(threads)})),
       field("servers", with_help("What listens, by a name of your own.", std::move(servers)))});
  return object_of({field("http", std::move(http))});
}

}  // namespace

JsonValue config_schema() {
  const JsonValue admin =
      object_of({field("disabled", of_type("boolean")), field("listen", string_with_something())});
  JsonObject schema{field("$schema", text("https://json-schema.org/draft/2020-12/schema")),
                    field("title", text("Configuration of durable-streams-server"))};
  const JsonValue root =
      object_of({field("admin", admin), field("logging", logging()), field("apps", apps())});
  for (const JsonField& each : *root.object()) schema.push_back(each);
  schema.push_back(field("$defs", {definitions()}));
  return {std::move(schema)};
}

}  // namespace durable_streams::server

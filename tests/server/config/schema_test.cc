// The schema in docs/ says what the reader takes: no more, and no less.
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <utility>

#include "server/config/json/config_json.h"
#include "tests/server/config/config_samples.h"
#include "tests/server/config/config_schema.h"
#include "tests/server/config/random_config.h"
#include "tests/server/config/schema_check.h"

namespace durable_streams::server {
namespace {

constexpr char kSchemaFile[] = DURABLE_STREAMS_SOURCE_DIR "/docs/config.schema.json";

std::string text_of_file(const std::string& name) {
  std::ifstream file(name, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// Has each object that there can be.
constexpr std::string_view kEverything = R"({
  "admin": {"listen": "localhost:2020"},
  "logging": {"logs": {"default": {"encoder": {"format": "json"}, "writer": {"output": "stdout"}}}},
  "apps": {"http": {"servers": {"srv0": {
    "listen": [":1"],
    "tls": {"certificates": [{"certificate": "a", "key": "b"}]},
    "trusted_proxies": {"ranges": ["10.0.0.0/8"]},
    "limits": {},
    "routes": [{
      "match": [{"host": ["a.example"]}],
      "handle": [
        {"handler": "log"},
        {"handler": "headers", "operations": [{"set": "A", "value": "b"}, {"delete": "C"}]},
        {"handler": "authorize", "anonymous": [{"rights": "read"}],
         "rate": {"limit": "1/s"}, "anonymous_rate": {"limit": "1/s"}},
        {"handler": "subroute", "routes": [{"handle": [{"handler": "durable_streams"}]}]}
      ]
    }, {"match": [{"path": ["/x"]}], "handle": [{"handler": "static_response"}]}]
  }}}}
})";

std::set<std::string> names_in(const JsonValue& schema) {
  std::set<std::string> names;
  const JsonValue* const properties = member(schema, "properties");
  if (properties == nullptr) return names;
  for (const JsonField& each : *properties->object()) names.insert(each.name);
  return names;
}

// Goes through a value and its schema together, and puts the names that objects may have by their
// paths.
class SchemaFields {
 public:
  explicit SchemaFields(const JsonValue& schema) : schema_(schema) {}

  JsonFields run(const JsonValue& value) {
    take(schema_, value, "");
    return std::move(fields_);
  }

 private:
  void take(const JsonValue& node, const JsonValue& value, const std::string& path) {
    const JsonValue& schema = resolved(schema_, node);
    if (const JsonValue* const choices = member(schema, "oneOf")) {
      for (const JsonValue& choice : *choices->array()) take_choice(choice, value, path);
      return;
    }
    if (const JsonArray* const array = value.array()) {
      for (std::size_t i = 0; i < array->size(); ++i)
        take(*member(schema, "items"), (*array)[i], path + "[" + std::to_string(i) + "]");
    }
    if (value.object() == nullptr) return;
    fields_[path].merge(names_in(schema));
    for (const JsonField& each : *value.object()) {
      const JsonValue* const properties = member(schema, "properties");
      const JsonValue* const inner = properties == nullptr ? member(schema, "additionalProperties")
                                                           : member(*properties, each.name);
      REQUIRE(inner != nullptr);
      take(*inner, each.value, path.empty() ? each.name : path + "." + each.name);
    }
  }

  // Of handlers the one of that name; of operations on headers each, for each has names of its own.
  void take_choice(const JsonValue& choice, const JsonValue& value, const std::string& path) {
    if (value.object() == nullptr) return;
    const JsonValue* const properties = member(choice, "properties");
    const JsonValue* const name = member(value, "handler");
    if (name == nullptr) {
      fields_[path].merge(names_in(choice));
    } else if (*member(*member(*properties, "handler"), "const")->text() == *name->text()) {
      take(choice, value, path);
    }
  }

  const JsonValue& schema_;
  JsonFields fields_;
};

TEST_CASE("the schema in docs/ is up to date", "[server][config]") {
  const std::string schema = json_text(config_schema(), true);
  if (std::getenv("DURABLE_STREAMS_UPDATE_DOCS") != nullptr)
    std::ofstream(kSchemaFile, std::ios::binary) << schema;
  INFO("DURABLE_STREAMS_UPDATE_DOCS=1 writes it anew");
  CHECK((text_of_file(kSchemaFile) == schema));
}

TEST_CASE("every configuration that is written is as the schema says", "[server][config]") {
  const JsonValue schema = config_schema();
  const std::uint64_t seed = random_seed();
  INFO("DURABLE_STREAMS_SEED=" << seed);
  RandomConfig random(seed);
  for (int i = 0; i < 50; ++i) {
    const JsonValue json = config_json(random.make());
    INFO(json_text(json, true));
    REQUIRE(schema_fault(schema, json).empty());
  }
}

TEST_CASE("what users of the Caddy plugin have is as the schema says", "[server][config]") {
  const std::string text =
      text_of_file(DURABLE_STREAMS_SOURCE_DIR "/tests/server/config/seed/config.json");
  CHECK(schema_fault(config_schema(), *parse_json(text)).empty());
  CHECK(schema_fault(config_schema(), *parse_json(kEverything)).empty());
}

TEST_CASE("the schema names the fields that are read, and no others", "[server][config]") {
  const Result<JsonFields> read =
      known_json_fields({.name = "config.json", .text = std::string(kEverything)});
  if (!read) FAIL(read.error().message);
  JsonFields known = *read;
  const JsonValue schema = config_schema();
  JsonFields listed = SchemaFields(schema).run(*parse_json(kEverything));
  // Servers may have any name.
  known.erase("apps.http.servers");
  listed.erase("apps.http.servers");
  // Known only to be refused by a message of its own.
  known["apps.http.servers.srv0.routes[0].handle[3].routes[0]"].erase("match");
  for (const auto& [path, names] : known) {
    INFO(path);
    CHECK(listed[path] == names);
  }
  CHECK(listed.size() == known.size());
}

TEST_CASE("what the schema forbids is refused", "[server][config]") {
  const JsonValue schema = config_schema();
  for (const std::string_view bad :
       {R"({"amdin":{}})", R"({"admin":{"disabled":"yes"}})", R"({"apps":{"http":{"threads":0}}})",
        R"({"apps":{"http":{"grace_period":"soon"}}})", R"({"apps":{"http":{"servers":{"a":{}}}}})",
        R"({"apps":{"http":{"servers":{"a":{"listen":[]}}}}})",
        R"({"apps":{"http":{"servers":{"a":{"listen":[":1"],"limits":{"max_conections":1}}}}}})",
        R"({"apps":{"http":{"servers":{"a":{"listen":[":1"],"limits":{"max_queued":"1XB"}}}}}})",
        R"({"apps":{"http":{"servers":{"a":{"listen":[":1"],"routes":[{"handle":[
           {"handler":"durable_stream"}]}]}}}}})",
        R"({"apps":{"http":{"servers":{"a":{"listen":[":1"],"routes":[{"handle":[
           {"handler":"durable_streams","durability":"maybe"}]}]}}}}})"}) {
    INFO(bad);
    CHECK(!schema_fault(schema, *parse_json(bad)).empty());
    CHECK(!parse_config_json({.name = "config.json", .text = std::string(bad)}).ok());
  }
}

}  // namespace
}  // namespace durable_streams::server

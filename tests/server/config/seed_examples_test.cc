// The examples that users of the Caddy plugin have: what they say is interface.
#include "server/config/json/config_json.h"
#include "tests/server/config/config_samples.h"
#include "tests/server/config/seed_example.h"

namespace durable_streams::server {
namespace {

// The form that JSON gives to the same.
Config from_json(std::string_view servers) {
  const std::string text = "{\"apps\":{\"http\":{\"servers\":" + std::string(servers) + "}}}";
  Result<Config> config = parse_config_json({.name = "config.json", .text = text});
  if (!config) FAIL(config.error().message);
  return *config;
}

constexpr std::string_view kMatch = R"("match":[{"path":["/v1/stream/*"]}])";

std::string one_server(std::string_view listen, std::string_view options) {
  return std::string("{\"srv0\":{\"listen\":[\"")
      .append(listen)
      .append("\"],\"routes\":[{")
      .append(kMatch)
      .append(",\"handle\":[{\"handler\":\"durable_streams\"")
      .append(options)
      .append("}]}]}}");
}

TEST_CASE("the example for production keeps streams on the disk, without an admin endpoint",
          "[server][config]") {
  Config expected = from_json(one_server(":4437", R"(,"data_dir":"./data")"));
  expected.admin.enabled = false;
  CHECK(good_caddyfile(seed_example("production.caddyfile")) == expected);
}

TEST_CASE("the examples of endpoints mean what their JSON forms say", "[server][config]") {
  CHECK(good_caddyfile(seed_example("in_memory.caddyfile")) == from_json(one_server(":8787", "")));
  CHECK(good_caddyfile(seed_example("file_backed.caddyfile")) ==
        from_json(one_server(":8787", R"(,"data_dir":"./data")")));
  CHECK(good_caddyfile(seed_example("custom_timeouts.caddyfile")) ==
        from_json(one_server(":8787", R"(,"data_dir":"./data","long_poll_timeout":"30s",
                                         "sse_reconnect_interval":"120s")")));
}

TEST_CASE("the example of several endpoints gives each its own directory", "[server][config]") {
  const Config config = good_caddyfile(seed_example("multiple_endpoints.caddyfile"));
  CHECK(config == from_json(R"({"srv0":{"listen":[":8787"],"routes":[
      {"match":[{"path":["/v1/stream/*"]}],
       "handle":[{"handler":"durable_streams","data_dir":"./data/prod"}]},
      {"match":[{"path":["/test/stream/*"]}],
       "handle":[{"handler":"durable_streams","data_dir":"./data/test"}]}]}})"));
}

TEST_CASE("the example in JSON is read, and is the one for production with its defaults said",
          "[server][config]") {
  const Result<Config> config =
      parse_config_json({.name = "config.json", .text = seed_example("config.json")});
  REQUIRE(config.ok());
  CHECK(*config ==
        good_caddyfile(":4437 {\n route /v1/stream/* {\n durable_streams {\n"
                       " data_dir ./data\n max_file_handles 100\n"
                       " long_poll_timeout 30s\n sse_reconnect_interval 60s\n }\n }\n}"));
}

TEST_CASE("the example with TLS says how to give a public name its certificate",
          "[server][config]") {
  CHECK(message_of(read_caddyfile(seed_example("tls.caddyfile"))) ==
        "Caddyfile:1:1: certificates are not obtained automatically: give 'example.com' one by "
        "'tls CERTIFICATE KEY' or 'tls internal' within the site, or write 'http://example.com' to "
        "serve it without encryption\n"
        "    1 | example.com {\n"
        "      | ^~~~~~~~~~~");
}

TEST_CASE("the example of a port is a site that serves nothing yet", "[server][config]") {
  const Config config = good_caddyfile(seed_example("port.caddyfile"));
  REQUIRE(config.servers.size() == 1);
  CHECK(config.servers[0].listen == std::vector<std::string>{":8787"});
  CHECK(config.servers[0].routes.empty());
}

TEST_CASE("the example of metrics opens the admin endpoint to every address", "[server][config]") {
  const Config config = good_caddyfile(seed_example("metrics.caddyfile"));
  CHECK(config.admin.enabled);
  CHECK(config.admin.listen == "0.0.0.0:2019");
}

TEST_CASE("the example of tuning stands in any route", "[server][config]") {
  const Config config = good_caddyfile(":4437 {\nroute /v1/stream/* {\n" +
                                       seed_example("tuning.caddyfile") + "}\n}\n");
  CHECK(config == from_json(one_server(":4437", R"(,"data_dir":"./data","max_file_handles":1000,
                                                   "long_poll_timeout":"30s")")));
}

}  // namespace
}  // namespace durable_streams::server

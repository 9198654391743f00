// The configuration as JSON: what is written is read as the same.
#include "server/config/json/config_json.h"

#include "server/config/apply.h"
#include "server/config/load.h"
#include "tests/server/config/config_samples.h"
#include "tests/server/config/random_config.h"
#include "tests/support/seed.h"

namespace durable_streams::server {
namespace {

TEST_CASE("a configuration that is written as JSON is read as the same", "[server][config]") {
  const std::uint64_t seed = random_seed();
  INFO("DURABLE_STREAMS_SEED=" << seed);
  RandomConfig random(seed);
  for (int i = 0; i < 500; ++i) {
    const Config config = random.make();
    for (const bool pretty : {false, true}) {
      const std::string text = write_config_json(config, pretty);
      INFO(text);
      const Result<Config> read = parse_config_json({.name = "config.json", .text = text});
      if (!read) FAIL(read.error().message);
      REQUIRE(*read == config);
    }
  }
}

TEST_CASE("the largest numbers that can be said are written so that they can be read",
          "[server][config]") {
  for (const std::string_view option :
       {"max_streams 9223372036854775807", "max_stream_size 1024TiB", "producer_ttl 100000d",
        "max_memory 7999999TiB"}) {
    INFO(option);
    const Config config =
        good_caddyfile(":1 {\ndurable_streams {\n" + std::string(option) + "\n}\n}");
    const std::string text = write_config_json(config, false);
    INFO(text);
    const Result<Config> read = parse_config_json({.name = "config.json", .text = text});
    REQUIRE(read.ok());
    CHECK(*read == config);
  }
}

TEST_CASE("an empty data_dir is none: streams are in memory", "[server][config]") {
  const Result<Config> config = parse_config_json(
      {.name = "config.json",
       .text = R"({"apps":{"http":{"servers":{"srv0":{"listen":[":1"],"routes":[{"handle":[
               {"handler":"durable_streams","data_dir":""}]}]}}}}})"});
  REQUIRE(config.ok());
  CHECK(*config == good_caddyfile(":1 {\ndurable_streams {\ndata_dir \"\"\n}\n}"));
  CHECK(in_memory(std::get<DurableStreamsConfig>(config->servers[0].routes[0].terminal)));
}

TEST_CASE("what is written shows only what was said", "[server][config]") {
  CHECK(write_config_json(good_caddyfile(":8787 {\nroute /v1/stream/* {\ndurable_streams {\n"
                                         "data_dir ./data\nlong_poll_timeout 90s\n}\n}\n}"),
                          false) ==
        R"({"apps":{"http":{"servers":{"srv0":{"listen":[":8787"],"routes":[{"match":[{"path":)"
        R"(["/v1/stream/*"]}],"handle":[{"handler":"durable_streams","data_dir":"./data",)"
        R"("long_poll_timeout":"1m30s"}]}]}}}}})");
}

TEST_CASE("what is written for people is indented by tabs", "[server][config]") {
  CHECK(write_config_json(good_caddyfile("{\nadmin off\n}\n:1 {\n}"), true) ==
        "{\n\t\"admin\": {\n\t\t\"disabled\": true\n\t},\n\t\"apps\": {\n\t\t\"http\": {\n"
        "\t\t\t\"servers\": {\n\t\t\t\t\"srv0\": {\n\t\t\t\t\t\"listen\": [\n\t\t\t\t\t\t\":1\"\n"
        "\t\t\t\t\t]\n\t\t\t\t}\n\t\t\t}\n\t\t}\n\t}\n}\n");
}

TEST_CASE("what Caddy's adapter prints for a route is read", "[server][config]") {
  const Result<Config> config = parse_config_json(
      {.name = "config.json",
       .text = R"({"apps":{"http":{"servers":{"srv0":{"listen":[":8787"],"routes":[{"match":[
               {"path":["/v1/stream/*"]}],"handle":[{"handler":"subroute","routes":[{"handle":[
               {"handler":"durable_streams","data_dir":"./data","long_poll_timeout":30000000000}
               ]}]}],"terminal":true}]}}}}})"});
  REQUIRE(config.ok());
  CHECK(*config == good_caddyfile(":8787 {\nroute /v1/stream/* {\ndurable_streams {\n"
                                  "data_dir ./data\nlong_poll_timeout 30s\n}\n}\n}"));
}

TEST_CASE("what is no JSON is told with its place", "[server][config]") {
  const auto message = [](std::string text) {
    return message_of(parse_config_json({.name = "c.json", .text = std::move(text)}));
  };
  CHECK(message("").starts_with("c.json: there is no JSON"));
  CHECK(message("{\n  \"admin\": }").starts_with("c.json: this is not valid JSON near line 2"));
  CHECK(message("{} {}").starts_with("c.json: something stands behind the JSON"));
  // Which of their faults is seen first depends on simdjson's version.
  CHECK(message("{} x").starts_with("c.json: "));
  CHECK(message(std::string(100, '[')).starts_with("c.json: "));
  CHECK(message("{\"a\":\"\xFF\"}").starts_with("c.json: this is not valid UTF-8"));
  CHECK(message(std::string(100, '[') + std::string(100, ']'))
            .starts_with("c.json: this nests too deep"));
  CHECK(message("5").starts_with("c.json: an object is expected here"));
}

TEST_CASE("the language is told by the file's name, else by how it begins", "[server][config]") {
  const auto language = [](std::string name, std::string text) {
    return language_of({.name = std::move(name), .text = std::move(text)});
  };
  CHECK(language("/etc/ds/config.json", ":1") == ConfigLanguage::kJson);
  CHECK(language("/etc/ds/Caddyfile", "{\"") == ConfigLanguage::kCaddyfile);
  CHECK(language("Caddyfile.prod", "{}") == ConfigLanguage::kCaddyfile);
  CHECK(language("site.caddyfile", "{}") == ConfigLanguage::kCaddyfile);
  CHECK(language("config", " {\n \"apps\": {}}") == ConfigLanguage::kJson);
  CHECK(language("config", "{}") == ConfigLanguage::kJson);
  CHECK(language("config", "{\n admin off\n}") == ConfigLanguage::kCaddyfile);
  CHECK(language("config", ":1 {\n}") == ConfigLanguage::kCaddyfile);
}

}  // namespace
}  // namespace durable_streams::server

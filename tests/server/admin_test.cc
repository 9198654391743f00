// What an operator asks of a running server.
#include "server/admin/admin_client.h"
#include "server/config/json/json_value.h"
#include "tests/server/configured_server.h"
#include "tests/support/temporary_directory.h"

namespace durable_streams::server {
namespace {

TEST_CASE("the admin endpoint tells metrics, health and the configuration", "[server][admin]") {
  const std::string port = free_port();
  const std::string admin = free_port();
  ConfiguredServer server("{\nadmin localhost:" + admin + "\n}\n127.0.0.1:" + port +
                          " {\n durable_streams /s/*\n}");
  BlockingClient client = client_at(admin);
  CHECK(client.exchange("GET /healthz").body == "alive\n");
  CHECK(client.exchange("GET /readyz").body == "ready\n");
  const ClientResponse metrics = client.exchange("GET /metrics");
  CHECK(metrics.field("Content-Type").starts_with("text/plain; version=0.0.4"));
  CHECK(metrics.body.find("durable_streams_store_info{endpoint=\"/s/\"") != std::string::npos);
  CHECK(client.exchange("GET /config/").body.find("\"durable_streams\"") != std::string::npos);
  CHECK(client.exchange("GET /nothing").status == 404);
  const ClientResponse wrong = client.exchange("POST /metrics");
  CHECK(wrong.status == 405);
  CHECK(wrong.field("Allow") == "GET, HEAD");
  CHECK(client.exchange("GET /stop").status == 405);
}

TEST_CASE("streams are listed page by page, by the paths they are asked for at",
          "[server][admin]") {
  const std::string port = free_port();
  const std::string admin = free_port();
  ConfiguredServer server("{\nadmin localhost:" + admin + "\n}\n127.0.0.1:" + port +
                          " {\n durable_streams /s/*\n durable_streams /s/deep/*\n}");
  BlockingClient streams = client_at(port);
  for (const char* path : {"/s/a", "/s/rooms/1", "/s/rooms/2", "/s/rooms/%c3%a4%20b", "/s/deep/x"})
    CHECK(streams.exchange(std::string("PUT ") + path, kText, "text").status == 201);
  CHECK(streams.exchange("POST /s/rooms/2", "Stream-Closed: true\r\n").status == 204);

  BlockingClient client = client_at(admin);
  const auto listed = [&](const std::string& target) {
    const ClientResponse response = client.exchange("GET " + target);
    CHECK(response.status == 200);
    CHECK(response.field("Content-Type") == "application/json");
    Result<JsonValue> page = parse_json(response.body);
    REQUIRE(page.ok());
    return *page;
  };
  const auto field = [](const JsonValue& object, std::string_view name) -> const JsonValue* {
    for (const JsonField& each : *object.object()) {
      if (each.name == name) return &each.value;
    }
    return nullptr;
  };
  const auto paths = [&](const JsonValue& page) {
    std::vector<std::string> found;
    for (const JsonValue& stream : *field(page, "streams")->array())
      found.push_back(*field(stream, "path")->text());
    return found;
  };

  const JsonValue first = listed("/streams?prefix=/s/rooms/&limit=2");
  CHECK(paths(first) == std::vector<std::string>{"/s/rooms/1", "/s/rooms/2"});
  const JsonValue& closed = field(first, "streams")->array()->back();
  CHECK(*field(closed, "closed")->boolean());
  CHECK(*field(closed, "content_type")->text() == "text/plain");
  CHECK(*field(closed, "next_offset")->text() == "0000000000000000_0000000000000004");
  REQUIRE(field(first, "next") != nullptr);
  const JsonValue second = listed(*field(first, "next")->text());
  CHECK(paths(second) == std::vector<std::string>{"/s/rooms/%C3%A4%20b"});
  CHECK(field(second, "next") == nullptr);
  CHECK(paths(listed("/streams?prefix=/s/deep/")) == std::vector<std::string>{"/s/deep/x"});
  CHECK(paths(listed("/streams?prefix=/s/zzz")).empty());

  CHECK(client.exchange("GET /streams").status == 400);  // of which endpoint?
  CHECK(client.exchange("GET /streams?prefix=/other/").status == 404);
  CHECK(client.exchange("GET /streams?prefix=/s/&limit=0").status == 400);
  CHECK(client.exchange("GET /streams?prefix=/s/&limit=1001").status == 400);
  CHECK(client.exchange("POST /streams").status == 405);
}

TEST_CASE("a site is named where two have the same paths", "[server][admin]") {
  const std::string one = free_port();
  const std::string two = free_port();
  const std::string admin = free_port();
  ConfiguredServer server("{\nadmin localhost:" + admin + "\n}\n127.0.0.1:" + one +
                          " {\n durable_streams /s/*\n}\n127.0.0.1:" + two +
                          " {\n durable_streams /s/*\n}");
  CHECK(client_at(two).exchange("PUT /s/x", kText, "text").status == 201);
  BlockingClient client = client_at(admin);
  CHECK(client.exchange("GET /streams?prefix=/s/").status == 400);
  const ClientResponse of_one = client.exchange("GET /streams?site=127.0.0.1:" + one);
  CHECK(of_one.body.find("\"/s/x\"") == std::string::npos);
  const ClientResponse of_two = client.exchange("GET /streams?site=127.0.0.1:" + two);
  CHECK(of_two.body.find("\"/s/x\"") != std::string::npos);
}

TEST_CASE("a page that passes for this machine is not answered", "[server][admin]") {
  const std::string admin = free_port();
  ConfiguredServer server("{\nadmin localhost:" + admin + "\n}\n");
  BlockingClient client = client_at(admin);
  CHECK(client.exchange("GET http://evil.example/config/").status == 403);
  CHECK(client.exchange("POST http://evil.example:" + admin + "/stop").status == 403);
  CHECK(client.exchange("GET /config/", "Origin: http://evil.example\r\n").status == 403);
  CHECK(client.exchange("GET /config/", "Origin: null\r\n").status == 403);
  CHECK(client.exchange("GET /config/", "Origin: http://localhost:" + admin + "\r\n").status ==
        200);
  // Of something else on this machine.
  CHECK(client.exchange("POST /stop", "Origin: http://localhost:3000\r\n").status == 403);
  CHECK(client.exchange("POST /stop", "Origin: http://localhost\r\n").status == 403);
  CHECK(client.exchange("GET http://127.0.0.1:" + admin + "/config/").status == 200);
  CHECK(client.exchange("GET http://[::1]/config/").status == 200);
}

TEST_CASE("from other machines only metrics and health can be asked for", "[server][admin]") {
  const std::string admin = free_port();
  ConfiguredServer server("{\nadmin 0.0.0.0:" + admin + "\n}\n");
  BlockingClient client = client_at(admin);
  CHECK(client.exchange("GET /metrics").status == 200);
  CHECK(client.exchange("GET http://host.example/healthz").status == 200);
  CHECK(client.exchange("GET /readyz").status == 200);
  CHECK(client.exchange("GET /config/").status == 403);
  CHECK(client.exchange("GET /streams").status == 403);
  CHECK(client.exchange("POST /stop").status == 403);
  CHECK(client.exchange("POST /load", {}, "{}").status == 403);
  CHECK(client.exchange("POST /backup?to=/x").status == 403);
}

TEST_CASE("a configuration is loaded through the admin endpoint, which may move by it",
          "[server][admin]") {
  const std::string port = free_port();
  const std::string one = free_port();
  const std::string two = free_port();
  const auto caddyfile = [&](const std::string& admin, const std::string& answer) {
    return "{\nadmin localhost:" + admin + "\n}\n127.0.0.1:" + port + " {\n respond " + answer +
           "\n}";
  };
  ConfiguredServer server(caddyfile(one, "old"));
  BlockingClient client = client_at(one);
  const ClientResponse bad =
      client.exchange("POST /load", "Content-Type: text/caddyfile\r\n", ":1 {\n durable_stream\n}");
  CHECK(bad.status == 400);
  CHECK(bad.body.find("did you mean 'durable_streams'?") != std::string::npos);
  CHECK(client_at(port).exchange("GET /").body == "old");
  CHECK(client.exchange("POST /load", "Content-Type: text/caddyfile\r\n", caddyfile(two, "new"))
            .status == 200);
  CHECK(client_at(port).exchange("GET /").body == "new");
  CHECK(client_at(two).exchange("GET /healthz").status == 200);
  CHECK(client.at_end());
  CHECK_FALSE(client_at(one).connected());
}

TEST_CASE("a data directory's socket takes the same orders", "[server][admin]") {
  const TemporaryDirectory directory;
  const std::string data = directory.path() + "/data";
  const std::string port = free_port();
  ConfiguredServer server("{\nadmin off\n}\n127.0.0.1:" + port + " {\n durable_streams /s/* {\n" +
                          " data_dir " + data + "\n }\n}");
  CHECK(client_at(port).exchange("PUT /s/x", kText, "text").status == 201);
  const auto ask = [&](std::string method, std::string target) {
    return ask_directory(data, {.method = std::move(method), .target = std::move(target)});
  };
  CHECK(*ask("GET", "/readyz") == "ready\n");
  CHECK(ask("GET", "/metrics")->find("durable_streams_") != std::string::npos);
  CHECK(ask("POST", "/backup?to=" + directory.path() + "/copy").ok());
  CHECK(ask("POST", "/backup?to=relative").error().message.find("absolute") != std::string::npos);
  CHECK(ask("POST", "/stop").ok());
  server.stop();
  CHECK(ask("GET", "/readyz").error().code == ErrorCode::kNotFound);
}

TEST_CASE("who has no patience is told that a server says nothing", "[server][admin]") {
  const Result<std::vector<Listener>> silent = listen_at({.host = "127.0.0.1", .port = 0});
  REQUIRE(silent.ok());
  const Result<std::string> answer =
      ask_address({.host = "127.0.0.1", .port = silent->front().address.port()},
                  {.target = "/readyz", .patience = std::chrono::milliseconds(50)});
  REQUIRE_FALSE(answer.ok());
  CHECK(answer.error().message == "the server does not answer");
}

TEST_CASE("what is wrong in a line of megabytes is told in few words", "[server][admin]") {
  const std::string admin = free_port();
  ConfiguredServer server("{\nadmin localhost:" + admin + "\n}\n");
  const std::string name(1'000'000, 'x');
  BlockingClient client = client_at(admin);
  const ClientResponse caddyfile =
      client.exchange("POST /load", "Content-Type: text/caddyfile\r\n", ":1 {\n" + name + "\n}");
  CHECK(caddyfile.status == 400);
  CHECK(caddyfile.body.find("request:2:1: unknown directive 'xxx") != std::string::npos);
  CHECK(caddyfile.body.size() < 10'000);
  const ClientResponse json =
      client.exchange("POST /load", "Content-Type: application/json\r\n", "{\"" + name + "\": 1}");
  CHECK(json.status == 400);
  CHECK(json.body.size() < 10'000);
}

TEST_CASE("a server that drains is not ready", "[server][admin]") {
  const std::string port = free_port();
  const std::string admin = free_port();
  ConfiguredServer server("{\nadmin localhost:" + admin + "\n}\n127.0.0.1:" + port +
                          " {\n respond ok\n}");
  BlockingClient client = client_at(admin);
  CHECK(client.exchange("GET /readyz").status == 200);
  server.drain();
  // What is asked on a connection that is open is still answered, or the connection has ended.
  client.send("GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const int status = client.response().status;
  CHECK((status == 503 || status == 0 || status == 200));
}

}  // namespace
}  // namespace durable_streams::server

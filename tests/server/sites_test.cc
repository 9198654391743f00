// What a configuration says, on real sockets: sites, routes, several endpoints, headers, rights.
#include <filesystem>
#include <fstream>

#include "tests/server/configured_server.h"
#include "tests/server/log/captured_log.h"
#include "tests/support/temporary_directory.h"

namespace durable_streams::server {
namespace {

TEST_CASE("endpoints have streams of their own, and the longest prefix wins", "[server][sites]") {
  const std::string port = free_port();
  ConfiguredServer server("{\nadmin off\n}\n127.0.0.1:" + port +
                          " {\n"
                          " durable_streams /v1/stream/*\n"
                          " durable_streams /v1/stream/inner/*\n"
                          " respond /health \"fine\"\n"
                          " respond /v1/stream/gone 410\n"
                          "}");
  BlockingClient client = client_at(port);
  CHECK(client.exchange("PUT /v1/stream/a", kText, "outer").status == 201);
  CHECK(client.exchange("PUT /v1/stream/inner/a", kText, "inner").status == 201);
  CHECK(client.exchange("GET /v1/stream/a?offset=-1").body == "outer");
  CHECK(client.exchange("GET /v1/stream/inner/a?offset=-1").body == "inner");
  CHECK(client.exchange("GET /health").body == "fine");
  CHECK(client.exchange("PUT /v1/stream/gone", kText).status == 410);
  // Encoded otherwise it is the same path, for which the same route answers.
  CHECK(client.exchange("PUT /v1/stream/%67one", kText).status == 410);
  const ClientResponse lost = client.exchange("GET /v2");
  CHECK(lost.status == 404);
  CHECK(lost.body.find("/v1/stream/inner/") != std::string::npos);
}

TEST_CASE("a site answers for its hosts only", "[server][sites]") {
  const std::string port = free_port();
  ConfiguredServer server(
      "{\nadmin off\n}\n"
      "http://a.example:" +
      port +
      " {\n bind 127.0.0.1\n route /s/* {\n durable_streams\n }\n}\n"
      "http://*.b.example:" +
      port + " {\n bind 127.0.0.1\n respond b\n}\n");
  BlockingClient client = client_at(port);
  CHECK(client.exchange("PUT http://a.example/s/x", kText).status == 201);
  CHECK(client.exchange("GET http://A.EXAMPLE:99/s/x?offset=-1").status == 200);
  CHECK(client.exchange("GET http://a.example/other").status == 404);
  CHECK(client.exchange("GET http://x.b.example/other").body == "b");
  CHECK(client.exchange("GET http://b.example/other").status == 404);
  CHECK(client.exchange("GET /s/x?offset=-1").status == 404);
}

TEST_CASE("a site listens at several addresses, and serves the same streams there",
          "[server][sites]") {
  const std::string one = free_port();
  const std::string two = free_port();
  ConfiguredServer server("{\nadmin off\n}\n127.0.0.1:" + one + ", 127.0.0.1:" + two +
                          " {\n durable_streams /s/*\n}");
  CHECK(client_at(one).exchange("PUT /s/x", kText, "same").status == 201);
  CHECK(client_at(two).exchange("GET /s/x?offset=-1").body == "same");
}

TEST_CASE("headers are changed on every answer of their paths, errors and live ones too",
          "[server][sites]") {
  const std::string port = free_port();
  ConfiguredServer server("{\nadmin off\n}\n127.0.0.1:" + port +
                          " {\n"
                          " header X-All yes\n"
                          " header /s/only/* -Access-Control-Allow-Origin\n"
                          " route /s/* {\n  header ?Cache-Control never\n"
                          "  durable_streams\n }\n"
                          "}");
  BlockingClient client = client_at(port);
  const ClientResponse made = client.exchange("PUT /s/only/x", kText, "text");
  CHECK(made.status == 201);
  CHECK(made.field("X-All") == "yes");
  CHECK(made.field("Access-Control-Allow-Origin").empty());
  const ClientResponse read = client.exchange("GET /s/only/x?offset=-1");
  CHECK(read.body == "text");
  CHECK(read.field("X-All") == "yes");
  CHECK(read.field("Cache-Control") != "never");
  const ClientResponse other = client.exchange("GET /s/y?offset=-1");
  CHECK(other.status == 404);
  CHECK(other.field("X-All") == "yes");
  CHECK(other.field("Access-Control-Allow-Origin") == "*");
  CHECK(client.exchange("GET /nowhere").field("X-All") == "yes");
  client.request("GET /s/only/x?offset=-1&live=sse");
  const ClientResponse live = client.response(false);
  CHECK(live.field("X-All") == "yes");
  CHECK(client.take_chunk().find("data:text") != std::string::npos);
}

TEST_CASE("a body that comes in pieces reaches its stream through changed headers",
          "[server][sites]") {
  const std::string port = free_port();
  ConfiguredServer server("{\nadmin off\n}\n127.0.0.1:" + port +
                          " {\n header X-A a\n durable_streams /s/*\n}");
  BlockingClient client = client_at(port);
  const std::string body(300'000, 'b');
  CHECK(client.exchange("PUT /s/x", kText, body).status == 201);
  CHECK(client.exchange("GET /s/x?offset=-1").body == body);
}

TEST_CASE("rights are asked of tokens and of nobody in particular", "[server][sites]") {
  const TemporaryDirectory directory;
  const std::string file = directory.path() + "/tokens";
  // The token is `secret-of-a-test-that-is-long-enough-0123456789`.
  std::ofstream(file) << "writer sha256:"
                         "74c77e667ec5c5f559a7b53f52d0d60a9b0e0be13d84e8cad42692cff5816f7a "
                         "all /s/*\n";
  std::filesystem::permissions(file, std::filesystem::perms::owner_read);
  const std::string port = free_port();
  ConfiguredServer server("{\nadmin off\n}\n127.0.0.1:" + port + " {\n authorize {\n  tokens " +
                          file +
                          "\n  anonymous read /s/public/*\n }\n"
                          " durable_streams /s/*\n respond /hello hi\n}");
  BlockingClient client = client_at(port);
  const ClientResponse refused = client.exchange("PUT /s/x", kText);
  CHECK(refused.status == 401);
  CHECK(refused.field("WWW-Authenticate").starts_with("Bearer"));
  CHECK(client.exchange("GET /s/public/x?offset=-1").status == 404);
  CHECK(client.exchange("GET /s/%70ublic/x?offset=-1").status == 404);
  CHECK(client.exchange("GET /s/private/x?offset=-1").status == 401);
  CHECK(
      client.exchange("PUT /s/x", "Authorization: Bearer wrong-token-of-some-length\r\n").status ==
      401);
  CHECK(client.exchange("GET /hello").status == 401);
  const std::string token =
      "Authorization: Bearer secret-of-a-test-that-is-long-enough-0123456789\r\n";
  CHECK(client.exchange("PUT /s/x", std::string(kText) + token, "text").status == 201);
  const ClientResponse read = client.exchange("GET /s/x?offset=-1", token);
  CHECK(read.body == "text");
  CHECK(read.field("Cache-Control").find("private") != std::string::npos);
  CHECK(read.field("Vary").find("Authorization") != std::string::npos);
}

TEST_CASE("each request of a site with a log is one line, with the client behind the proxy",
          "[server][sites]") {
  const std::string port = free_port();
  CapturedLog log(LogFormat::kConsole, LogLevel::kInfo);
  {
    ConfiguredServer server(
        "{\nadmin off\n servers {\n  trusted_proxies static 127.0.0.1\n }\n}\n"
        "127.0.0.1:" +
            port + " {\n log\n durable_streams /s/*\n}",
        log.logger());
    BlockingClient client = client_at(port);
    const ClientResponse made =
        client.exchange("PUT /s/x",
                        "Content-Type: text/plain\r\nX-Forwarded-For: 192.0.2.7\r\n"
                        "X-Forwarded-Proto: https\r\nX-Forwarded-Host: public.example\r\n");
    CHECK(made.status == 201);
    CHECK(made.field("Location") == "https://public.example/s/x");
    CHECK(made.field("X-Request-Id").size() == 16);
    CHECK(client.exchange("GET /elsewhere").status == 404);
  }
  std::size_t requests = 0;
  for (const std::string& line : log.lines) {
    if (line.find(" request ") == std::string::npos) continue;
    ++requests;
    if (requests == 1) CHECK(line.find("client=192.0.2.7 method=PUT target=/s/x") != line.npos);
    if (requests == 2) CHECK(line.find("status=404") != line.npos);
  }
  CHECK(requests == 2);
}

TEST_CASE("a request that reaches no site's route is a line of its log, too", "[server][sites]") {
  const std::string port = free_port();
  CapturedLog log(LogFormat::kConsole, LogLevel::kInfo);
  {
    ConfiguredServer server(
        "{\nadmin off\n}\n127.0.0.1:" + port + " {\n log\n durable_streams /s/*\n}", log.logger());
    BlockingClient client = client_at(port);
    client.send("NOT HTTP\r\n\r\n");
    CHECK(client.response().status == 400);
  }
  const auto is_refusal = [](const std::string& line) {
    return line.find(" request ") != line.npos && line.find("status=400") != line.npos;
  };
  CHECK(std::count_if(log.lines.begin(), log.lines.end(), is_refusal) == 1);
}

TEST_CASE("requests past a rate are told when to come again, and are counted", "[server][sites]") {
  const std::string port = free_port();
  ConfiguredServer server("{\nadmin off\n}\n127.0.0.1:" + port +
                          " {\n authorize {\n  anonymous read,create\n  anonymous_rate 1/h 2\n }\n"
                          " durable_streams /s/*\n}");
  BlockingClient client = client_at(port);
  CHECK(client.exchange("PUT /s/x", kText).status == 201);
  CHECK(client.exchange("GET /s/x?offset=-1").status == 200);
  const ClientResponse refused = client.exchange("GET /s/x?offset=-1");
  CHECK(refused.status == 429);
  CHECK_FALSE(refused.field("Retry-After").empty());
  server.stop();
  CHECK(server.server().metrics_text().find(
            "durable_streams_http_refused_total{limit=\"rate\"} 1\n") != std::string::npos);
}

TEST_CASE("streams in memory are those of their address, for the same host and path, too",
          "[server][sites]") {
  const std::string one = free_port();
  const std::string two = free_port();
  ConfiguredServer server("{\nadmin off\n}\nhttp://localhost:" + one +
                          " {\n durable_streams /s/*\n}\nhttp://localhost:" + two +
                          " {\n durable_streams /s/*\n}");
  CHECK(client_at(one).exchange("PUT /s/x", kText, "here").status == 201);
  CHECK(client_at(two).exchange("GET /s/x?offset=-1").status == 404);
}

TEST_CASE("one address has only so many connections", "[server][sites]") {
  const std::string port = free_port();
  ConfiguredServer server(
      "{\nadmin off\n servers {\n  max_connections_per_address 2\n }\n}\n"
      "127.0.0.1:" +
      port + " {\n respond ok\n}");
  {
    BlockingClient first = client_at(port);
    BlockingClient second = client_at(port);
    CHECK(first.exchange("GET /").status == 200);
    CHECK(second.exchange("GET /").status == 200);
    BlockingClient third = client_at(port);
    const ClientResponse refused = third.response();
    CHECK(refused.status == 503);
    CHECK(!refused.field("Retry-After").empty());
    CHECK(first.exchange("GET /").status == 200);
  }
  // Those that are gone make room, as soon as the server has noticed.
  int status = 0;
  for (int tries = 0; status != 200 && tries < 1'000; ++tries) {
    BlockingClient again = client_at(port);
    if (again.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")) status = again.response().status;
  }
  CHECK(status == 200);
}

TEST_CASE("two endpoints on one directory are refused, whatever they call it", "[server][sites]") {
  const TemporaryDirectory directory;
  const std::string data = directory.path() + "/data";
  const std::string other = directory.path() + "/other";
  std::filesystem::create_directory(data);
  std::filesystem::create_symlink(data, other);
  const auto opened = Server::open(config_of(
      "{\nadmin off\n}\n127.0.0.1:" + free_port() + " {\n durable_streams /a/* {\n  data_dir " +
      data + "\n }\n durable_streams /b/* {\n  data_dir " + other + "\n }\n}"));
  REQUIRE_FALSE(opened.ok());
  CHECK(opened.error().message.find("is the directory of another endpoint already") !=
        std::string::npos);
}

TEST_CASE("what cannot be opened or listened at is told by name", "[server][sites]") {
  const std::string port = free_port();
  ConfiguredServer server("{\nadmin off\n}\n127.0.0.1:" + port + " {\n respond ok\n}");
  const auto error_of = [](std::string caddyfile) {
    const auto opened = Server::open(config_of(std::move(caddyfile)));
    return opened.ok() ? std::string() : opened.error().message;
  };
  CHECK(error_of("{\nadmin off\n}\n127.0.0.1:" + port + " {\n respond ok\n}").find(port) !=
        std::string::npos);
  CHECK(error_of("{\nadmin 127.0.0.1:" + port + "\n}\n127.0.0.1:" + free_port() +
                 " {\n respond ok\n}")
            .starts_with("the admin endpoint: "));
  CHECK(error_of("{\nadmin off\n}\n127.0.0.1:" + free_port() +
                 " {\n authorize {\n tokens /nowhere/tokens\n }\n respond ok\n}")
            .find("/nowhere/tokens") != std::string::npos);
  CHECK(error_of("{\nadmin off\n}\n127.0.0.1:" + free_port() +
                 " {\n durable_streams /s/* {\n data_dir /proc/nowhere\n }\n}")
            .find("/proc/nowhere") != std::string::npos);
}

}  // namespace
}  // namespace durable_streams::server

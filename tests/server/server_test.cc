// The server on real sockets, in this process: what only the whole of it shows.
#include "server/server.h"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "tests/server/log/captured_log.h"
#include "tests/server/running_server.h"
#include "tests/support/killed_copy.h"
#include "tests/support/temporary_directory.h"

namespace durable_streams::server {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_CASE("a stream is created, appended to, read, followed, closed and deleted",
          "[server][socket]") {
  RunningServer server;
  BlockingClient client = server.client();
  BlockingClient reader = server.client();
  CHECK(client.exchange("PUT /v1/stream/a/b", kText, "hello ").status == 201);
  CHECK(client.exchange("POST /v1/stream/a/b", kText, "world").status == 204);
  CHECK(reader.exchange("GET /v1/stream/a/b?offset=-1").body == "hello world");
  reader.request("GET /v1/stream/a/b?offset=0_11&live=long-poll");
  CHECK(client.exchange("POST /v1/stream/a/b", kText, "!").status == 204);
  CHECK(client.exchange("POST /v1/stream/a/b", "Stream-Closed: true\r\n").status == 204);
  const ClientResponse woken = reader.response();
  CHECK(woken.body == "!");
  CHECK(client.exchange("DELETE /v1/stream/a/b").status == 204);
  CHECK(client.exchange("GET /v1/stream/a/b?offset=-1").status == 404);
  CHECK(client.exchange("GET /elsewhere").status == 404);
}

TEST_CASE("what no endpoint answers carries the headers of all answers", "[server][socket]") {
  RunningServer server;
  BlockingClient client = server.client();
  const ClientResponse options = client.exchange("OPTIONS *", "Origin: https://a.example\r\n");
  CHECK(options.status == 204);
  const ClientResponse elsewhere = client.exchange("GET /elsewhere");
  CHECK(elsewhere.status == 404);
  for (const ClientResponse* response : {&options, &elsewhere}) {
    CHECK(response->field("Access-Control-Allow-Origin") == "*");
    CHECK(response->field("X-Content-Type-Options") == "nosniff");
    CHECK(response->field("Cross-Origin-Resource-Policy") == "cross-origin");
  }
}

TEST_CASE("a server's metrics tell what it has served", "[server][socket]") {
  RunningServer server;
  {
    BlockingClient client = server.client();
    CHECK(client.exchange("PUT /v1/stream/a", kText).status == 201);
    for (int i = 0; i < 3; ++i)
      CHECK(client.exchange("POST /v1/stream/a", kText, "x").status == 204);
    CHECK(client.exchange("GET /v1/stream/b").status == 404);
  }
  // Counted before it was answered.
  const std::string text = server.metrics_text();
  for (const char* line :
       {"durable_streams_http_requests_total{method=\"PUT\",code=\"201\"} 1\n",
        "durable_streams_http_requests_total{method=\"POST\",code=\"204\"} 3\n",
        "durable_streams_http_requests_total{method=\"GET\",code=\"404\"} 1\n",
        "durable_streams_http_connections_accepted_total 1\n",
        "durable_streams_appends_total{endpoint=\"/v1/stream/\"} 3\n",
        "durable_streams_streams{endpoint=\"/v1/stream/\"} 1\n", "durable_streams_loops 2\n",
        "durable_streams_store_info{endpoint=\"/v1/stream/\",kind=\"memory\"} 1\n"}) {
    CAPTURE(line);
    CHECK(text.find(line) != std::string::npos);
  }
}

TEST_CASE("a server over a directory that was not closed in order says what that may mean",
          "[server][socket]") {
  const TemporaryDirectory directory;
  ServerOptions options;
  options.file_store.emplace().durability = Durability::kOff;
  options.file_store->catalog_bytes_max = std::uint64_t{64} << 20;
  CapturedLog said;
  const auto start_in = [&](const char* name) {
    options.file_store->directory = directory.path() + "/" + name;
    return std::make_unique<RunningServer>(options, said.logger());
  };
  {
    const auto first = start_in("first");
    BlockingClient client = first->client();
    CHECK(client.exchange("PUT /v1/stream/s", kText, "hello").status == 201);
    copy_as_if_killed(directory.path() + "/first", directory.path() + "/killed");
  }
  CHECK(said.lines.empty());
  static_cast<void>(start_in("first"));
  CHECK(said.lines.empty());
  const auto killed = start_in("killed");
  REQUIRE(said.lines.size() == 2);
  CHECK(said.lines[0].find("changes replayed from the journal store=") != std::string::npos);
  CHECK(said.lines[0].ends_with(" changes=1"));
  CHECK(said.lines[1].find("may be lost") != std::string::npos);
  BlockingClient client = killed->client();
  CHECK(client.exchange("GET /v1/stream/s?offset=0_9").status == 410);
  CHECK(client.exchange("POST /v1/stream/s", kText, "!").field("Stream-Next-Offset") ==
        "0000000000000001_0000000000000006");
  CHECK(client.exchange("GET /v1/stream/s?offset=0_5").body == "!");
}

TEST_CASE("connections of every loop share the streams", "[server][socket]") {
  ServerOptions options;
  options.threads = 3;
  RunningServer server(options);
  std::vector<std::unique_ptr<BlockingClient>> clients(6);
  for (auto& client : clients) client = std::make_unique<BlockingClient>(server.port());
  CHECK(clients[0]->exchange("PUT /v1/stream/s", kText).status == 201);
  for (const auto& client : clients) {
    client->request("GET /v1/stream/s?offset=0_0&live=sse");
    CHECK(client->response(false).status == 200);
    CHECK(client->take_chunk().find("event: control") != std::string::npos);
  }
  BlockingClient writer = server.client();
  CHECK(writer.exchange("POST /v1/stream/s", kText, "news").status == 204);
  for (const auto& client : clients) {
    const std::string event = client->take_chunk();
    CHECK(event.find("data:news\n") != std::string::npos);
    CHECK(event.find("event: control") != std::string::npos);
  }
}

TEST_CASE("a drain ends live responses cleanly and answers what is in flight", "[server][socket]") {
  RunningServer server;
  BlockingClient idle = server.client();
  BlockingClient poll = server.client();
  BlockingClient sse = server.client();
  BlockingClient sending = server.client();
  REQUIRE(idle.exchange("PUT /v1/stream/s", kText).status == 201);
  poll.request("GET /v1/stream/s?offset=0_0&live=long-poll");
  sse.request("GET /v1/stream/s?offset=0_0&live=sse");
  CHECK(sse.response(false).status == 200);
  CHECK(sse.take_chunk().find("event: control") != std::string::npos);
  sending.request("POST /v1/stream/s",
                  "Content-Type: text/plain\r\nContent-Length: 3\r\nExpect: 100-continue\r\n");
  CHECK(sending.response().status == 100);
  server.drain();
  CHECK(idle.at_end());
  const ClientResponse polled = poll.response();
  CHECK(polled.status == 204);
  CHECK(polled.says("Connection: close"));
  CHECK(sse.take_chunk().empty());
  CHECK(sse.at_end());
  sending.send("abc");
  CHECK(sending.response().status == 204);
  server.stop();
  CHECK_FALSE(BlockingClient(server.port()).connected());
}

TEST_CASE("a drain resets no request that has come", "[server][socket]") {
  ServerOptions options;
  options.limits.drain_grace = seconds{BlockingClient::kPatienceSeconds};
  RunningServer server(options);
  BlockingClient first = server.client();
  REQUIRE(first.exchange("PUT /v1/stream/s", kText).status == 201);
  std::vector<std::unique_ptr<BlockingClient>> clients(16);
  for (auto& client : clients) {
    client = std::make_unique<BlockingClient>(server.port());
    REQUIRE(client->exchange("POST /v1/stream/s", kText, "x").status == 204);
  }
  // These may not have been accepted when the drain begins.
  std::vector<std::unique_ptr<BlockingClient>> unaccepted(16);
  for (auto& client : unaccepted) {
    client = std::make_unique<BlockingClient>(server.port());
    client->request("POST /v1/stream/s", kText, "y");
  }
  server.drain();
  for (auto& client : clients) {
    ClientResponse answer;
    while (!answer.says("Connection: close")) {
      answer = client->exchange("POST /v1/stream/s", kText, "x");
      REQUIRE(answer.status == 204);
    }
    CHECK(client->at_end());
  }
  for (auto& client : unaccepted) CHECK(client->response().status == 204);
  first.request("GET /v1/stream/s?offset=-1");
  CHECK(first.response().status == 200);
}

TEST_CASE("a drain ends in time whatever clients do", "[server][socket]") {
  ServerOptions options;
  options.limits.drain_timeout = milliseconds{50};
  RunningServer server(options);
  BlockingClient dribbling = server.client();
  dribbling.send("GET / HTTP/1.1\r\n");
  BlockingClient witness = server.client();
  REQUIRE(witness.exchange("GET /").status == 404);
  server.stop();
  CHECK(dribbling.at_end());
}

TEST_CASE("a server that is never run gives its port back", "[server][socket]") {
  Config config = one_endpoint({});
  Result<std::unique_ptr<Server>> server = Server::open(config);
  REQUIRE(server.ok());
  const std::string port = std::to_string((*server)->port());
  config.servers.front().listen = {"127.0.0.1:" + port};
  const Result<std::unique_ptr<Server>> second = Server::open(config);
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().message.find(port + " is in use") != std::string::npos);
  server->reset();
  CHECK(Server::open(config).ok());
}

}  // namespace
}  // namespace durable_streams::server

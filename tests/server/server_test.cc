// The server on real sockets, in this process: what only the whole of it shows.
#include "server/server.h"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/server/blocking_client.h"
#include "tests/server/log/captured_log.h"
#include "tests/support/catch.h"
#include "tests/support/killed_copy.h"
#include "tests/support/one_endpoint_server.h"
#include "tests/support/temporary_directory.h"

namespace durable_streams::server {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::string_view kText = "Content-Type: text/plain\r\n";

// Runs until the test is over; drained then, if not before.
class RunningServer {
 public:
  explicit RunningServer(const ServerOptions& options = {}, Logger log = {}) {
    Result<std::unique_ptr<Server>> opened = open_server(options, log);
    REQUIRE(opened.ok());
    server_ = std::move(*opened);
    thread_ = std::thread([this] { server_->run(); });
  }
  ~RunningServer() { stop(); }
  RunningServer(const RunningServer&) = delete;
  RunningServer& operator=(const RunningServer&) = delete;

  std::uint16_t port() const { return server_->port(); }
  BlockingClient client() const { return BlockingClient(port()); }
  std::string metrics_text() const { return server_->metrics_text(); }
  std::size_t body_bytes() const { return server_->plan().endpoints.front()->bodies->taken(); }
  void drain() { server_->drain(); }
  void stop() {
    if (!thread_.joinable()) return;
    server_->drain();
    thread_.join();
  }

 private:
  std::unique_ptr<Server> server_;
  std::thread thread_;
};

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

TEST_CASE("an append that waits for 100 is 404 at once where there is no stream",
          "[server][socket]") {
  RunningServer server;
  BlockingClient client = server.client();
  const std::string held = std::string(kText) + "Content-Length: 5\r\nExpect: 100-continue\r\n";
  client.request("POST /v1/stream/none", held);
  CHECK(client.response().status == 404);
  CHECK(server.client().exchange("PUT /v1/stream/a", kText).status == 201);
  BlockingClient second = server.client();
  second.request("POST /v1/stream/a", held);
  CHECK(second.response().status == 100);
  CHECK(second.send("hello"));
  CHECK(second.response().status == 204);
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

TEST_CASE("answers come in the order of the requests, also behind a long-poll",
          "[server][socket]") {
  RunningServer server;
  BlockingClient client = server.client();
  BlockingClient writer = server.client();
  REQUIRE(client.exchange("PUT /v1/stream/s", kText).status == 201);
  client.request("GET /v1/stream/s?offset=0_0&live=long-poll");
  client.request("POST /v1/stream/s", kText, "second");
  client.request("GET /v1/stream/s?offset=-1");
  REQUIRE(writer.exchange("POST /v1/stream/s", kText, "first").status == 204);
  CHECK(client.response().body == "first");
  CHECK(client.response().status == 204);
  CHECK(client.response().body == "firstsecond");
}

TEST_CASE("a thousand pipelined appends are all answered", "[server][socket]") {
  RunningServer server;
  BlockingClient client = server.client();
  REQUIRE(client.exchange("PUT /v1/stream/s", kText).status == 201);
  std::string requests;
  for (int i = 0; i < 1000; ++i) {
    requests +=
        "POST /v1/stream/s HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\nContent-Length: "
        "1\r\n\r\nx";
  }
  std::thread sender([&] { client.send(requests); });
  int appended = 0;
  for (int i = 0; i < 1000; ++i) appended += client.response().status == 204 ? 1 : 0;
  sender.join();
  CHECK(appended == 1000);
  CHECK(client.exchange("GET /v1/stream/s?offset=-1").body == std::string(1000, 'x'));
}

TEST_CASE("a request that comes byte by byte is served", "[server][socket]") {
  RunningServer server;
  BlockingClient client = server.client();
  const std::string request =
      "PUT http://localhost/v1/stream/s HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\n"
      "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n";
  for (const char byte : request) client.send({&byte, 1});
  CHECK(client.response().status == 201);
  CHECK(client.exchange("GET /v1/stream/s?offset=-1").body == "abcde");
}

TEST_CASE("large bodies go in and come out whole", "[server][socket]") {
  RunningServer server;
  BlockingClient client = server.client();
  std::string body;
  for (int i = 0; body.size() < (std::size_t{3} << 20); ++i) body += std::to_string(i) + ",";
  REQUIRE(client.exchange("PUT /v1/stream/s", kText, body).status == 201);
  std::string read;
  std::string offset = "-1";
  while (read.size() < body.size()) {
    const ClientResponse page = client.exchange("GET /v1/stream/s?offset=" + offset);
    REQUIRE(page.status == 200);
    REQUIRE_FALSE(page.body.empty());
    read += page.body;
    offset = page.field("Stream-Next-Offset");
  }
  CHECK((read == body));
}

TEST_CASE("a reader that is slow gets all of it, while others are served", "[server][socket]") {
  ServerOptions options;
  options.threads = 1;
  RunningServer server(options);
  BlockingClient slow(SocketAddress::ipv4(INADDR_LOOPBACK, server.port()), 4096);
  BlockingClient other = server.client();
  const std::string part(std::size_t{1} << 20, 'x');
  REQUIRE(other.exchange("PUT /v1/stream/s", kText).status == 201);
  for (int i = 0; i < 8; ++i)
    REQUIRE(other.exchange("POST /v1/stream/s", kText, part).status == 204);
  slow.request("GET /v1/stream/s?offset=-1&live=sse");
  CHECK(slow.response(false).status == 200);
  CHECK(other.exchange("POST /v1/stream/s", kText, "end").status == 204);
  const std::string events = slow.take_until("data:end\n");
  CHECK(std::count(events.begin(), events.end(), 'x') >=
        8 * static_cast<std::ptrdiff_t>(part.size()));
}

TEST_CASE("a body is asked for with 100 Continue", "[server][socket]") {
  RunningServer server;
  BlockingClient client = server.client();
  client.request("PUT /v1/stream/s",
                 "Content-Type: text/plain\r\nContent-Length: 3\r\nExpect: 100-continue\r\n");
  CHECK(client.response().status == 100);
  client.send("abc");
  CHECK(client.response().status == 201);
  BlockingClient refused = server.client();
  refused.request("PUT /v1/stream/s", "Content-Length: 999999999\r\nExpect: 100-continue\r\n");
  CHECK(refused.response().status == 413);
  CHECK(refused.at_end());
}

TEST_CASE("bodies of all connections share their room", "[server][socket]") {
  ServerOptions options;
  options.threads = 2;
  options.limits.bodies_bytes_max = std::size_t{1} << 20;
  RunningServer server(options);
  BlockingClient first = server.client();
  REQUIRE(first.exchange("PUT /v1/stream/s", kText).status == 201);
  const std::string half(std::size_t{600} << 10, 'x');
  const std::string length = "Content-Length: " + std::to_string(2 * half.size()) + "\r\n";
  const std::string head = std::string(kText) + length;
  first.request("POST /v1/stream/s", head);
  first.send(half);
  while (server.body_bytes() < half.size()) std::this_thread::yield();
  BlockingClient second = server.client();
  second.request("POST /v1/stream/s", head);
  second.send(half);
  const ClientResponse refused = second.response();
  CHECK(refused.status == 503);
  CHECK(refused.says("Connection: close"));
  CHECK_FALSE(refused.field("Retry-After").empty());
  CHECK(second.at_end());
  first.reset();
  while (server.body_bytes() > 0) std::this_thread::yield();
  BlockingClient third = server.client();
  CHECK(third.exchange("POST /v1/stream/s", kText, half).status == 204);
}

TEST_CASE("a client that half-closes is answered still", "[server][socket]") {
  RunningServer server;
  BlockingClient client = server.client();
  BlockingClient writer = server.client();
  REQUIRE(writer.exchange("PUT /v1/stream/s", kText).status == 201);
  client.request("GET /v1/stream/s?offset=0_0&live=long-poll");
  client.shutdown_write();
  REQUIRE(writer.exchange("POST /v1/stream/s", kText, "late").status == 204);
  CHECK(client.response().body == "late");
  CHECK(client.at_end());
}

TEST_CASE("a subscriber that has gone lets go of its stream soon", "[server][socket]") {
  ServerOptions options;
  options.endpoint.sse_heartbeat_interval = std::chrono::hours{1};
  options.endpoint.sse_reconnect_interval = std::chrono::hours{1};
  RunningServer server(options);
  BlockingClient witness = server.client();
  REQUIRE(witness.exchange("PUT /v1/stream/s", std::string(kText) + "Stream-TTL: 1\r\n").status ==
          201);
  {
    BlockingClient subscriber = server.client();
    subscriber.request("GET /v1/stream/s?offset=-1&live=sse");
    CHECK(subscriber.response(false).status == 200);
    CHECK_FALSE(subscriber.take_chunk().empty());
  }
  // The stream lives as long as it is followed, and a second longer.
  const auto patience =
      std::chrono::steady_clock::now() + seconds{BlockingClient::kPatienceSeconds};
  int status = 200;
  while (status == 200 && std::chrono::steady_clock::now() < patience) {
    witness.request("HEAD /v1/stream/s");
    status = witness.response(false).status;
  }
  CHECK(status == 404);
}

TEST_CASE("a half-closed subscriber is served on", "[server][socket]") {
  RunningServer server;
  BlockingClient client = server.client();
  BlockingClient writer = server.client();
  REQUIRE(writer.exchange("PUT /v1/stream/s", kText).status == 201);
  client.request("GET /v1/stream/s?offset=0_0&live=sse");
  client.shutdown_write();
  CHECK(client.response(false).status == 200);
  client.take_until(":\n\n");
  REQUIRE(writer.exchange("POST /v1/stream/s", kText, "late").status == 204);
  CHECK(client.take_until("data:late\n").ends_with("data:late\n"));
}

TEST_CASE("an HTTP/1.0 client gets its answer and the end", "[server][socket]") {
  RunningServer server;
  BlockingClient client = server.client();
  client.send(
      "PUT /v1/stream/s HTTP/1.0\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi");
  CHECK(client.response().status == 201);
  CHECK(client.at_end());
  BlockingClient live = server.client();
  live.send("GET /v1/stream/s?offset=-1&live=sse HTTP/1.0\r\n\r\n");
  CHECK(live.take_until("data:hi\n").find("Transfer-Encoding") == std::string::npos);
}

TEST_CASE("clients that vanish anywhere do no harm", "[server][socket]") {
  RunningServer server;
  BlockingClient witness = server.client();
  REQUIRE(
      witness.exchange("PUT /v1/stream/s", kText, std::string(std::size_t{1} << 20, 'x')).status ==
      201);
  const std::string host = "HTTP/1.1\r\nHost: h\r\n";
  const std::string read = "GET /v1/stream/s?offset=-1 " + host + "\r\n";
  const std::vector<std::string> beginnings = {
      "",
      "GET /v1/str",
      "POST /v1/stream/s " + host + "Content-Type: text/plain\r\nContent-Length: 9\r\n\r\nabc",
      "GET /v1/stream/s?offset=now&live=long-poll " + host + "\r\n",
      "GET /v1/stream/s?offset=now&live=sse " + host + "\r\n",
      read + read,
      "\x16\x03\x01",
  };
  for (int round = 0; round < 10; ++round) {
    for (const std::string& beginning : beginnings) {
      BlockingClient reset = server.client();
      reset.send(beginning);
      reset.reset();
      BlockingClient closed = server.client();
      closed.send(beginning);
    }
    CHECK(witness.exchange("POST /v1/stream/s", kText, "y").status == 204);
  }
}

TEST_CASE("a request that could be read in two ways is refused, and the connection ends",
          "[server][socket]") {
  RunningServer server;
  BlockingClient client = server.client();
  client.request("POST /v1/stream/s", "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n");
  const ClientResponse refused = client.response();
  CHECK(refused.status == 400);
  CHECK(refused.says("Connection: close"));
  CHECK(refused.says("Content-Type: application/problem+json"));
  CHECK(client.at_end());
}

TEST_CASE("one connection too many is refused, and room made is given again", "[server][socket]") {
  ServerOptions options;
  options.limits.connections_max = 2;
  options.limits.refused_connections_max = 1;
  RunningServer server(options);
  auto first = std::make_unique<BlockingClient>(server.port());
  BlockingClient second = server.client();
  CHECK(first->exchange("GET /").status == 404);
  CHECK(second.exchange("GET /").status == 404);
  {
    BlockingClient third = server.client();
    const ClientResponse refused = third.response();
    CHECK(refused.status == 503);
    CHECK_FALSE(refused.field("Retry-After").empty());
    BlockingClient fourth = server.client();
    CHECK(fourth.at_end());
    CHECK(third.at_end());
  }
  first.reset();
  int status = 503;
  while (status != 404) {
    BlockingClient again = server.client();
    again.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    status = again.response().status;
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

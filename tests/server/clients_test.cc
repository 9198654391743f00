// What clients may do with their connections, over real sockets: pipeline, dawdle, half-close,
// vanish.
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "tests/server/running_server.h"

namespace durable_streams::server {
namespace {

using std::chrono::seconds;

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

}  // namespace
}  // namespace durable_streams::server

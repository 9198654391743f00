// What a connection refuses, what it does with the body that comes all the same, and when it ends.
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "tests/server/connection_fixture.h"
#include "tests/support/catch.h"

namespace durable_streams::server {
namespace {

using Fixture = ConnectionFixture;
using std::chrono::seconds;

TEST_CASE_METHOD(Fixture, "100 Continue is sent when the body is wanted and has not come",
                 "[server][connection]") {
  FakeTransport& client = connect();
  const std::string head = request("POST /p", "Content-Length: 3\r\nExpect: 100-continue\r\n");
  client.receive(head);
  CHECK(client.taken() == "HTTP/1.1 100 Continue\r\n\r\n");
  client.receive("abc");
  CHECK(summary(client.taken()) == "200 POST /p <abc>|");
  client.receive(head + "abc");
  CHECK(summary(client.taken()) == "200 POST /p <abc>|");
  client.receive(request("POST /p", "Expect: 100-continue\r\n"));
  CHECK(summary(client.taken()) == "200 POST /p <>|");
}

TEST_CASE_METHOD(Fixture,
                 "a request refused by its head is not told to continue, and ends the connection",
                 "[server][connection]") {
  FakeTransport& client = connect();
  client.receive(request("POST /refuse", "Content-Length: 3\r\nExpect: 100-continue\r\n"));
  CHECK(summary(client.taken()) == "413 refused close|");
  CHECK(client.shut);
}

TEST_CASE_METHOD(Fixture, "the short body of a refused request is read past",
                 "[server][connection]") {
  FakeTransport& client = connect();
  client.receive(request("POST /refuse", "Content-Length: 6\r\n", "abc"));
  CHECK(summary(client.taken()) == "413 refused|");
  client.receive("def" + kGet);
  CHECK(summary(client.taken()) == "200 GET /g <>|");
}

TEST_CASE_METHOD(Fixture, "the long body of a refused request ends the connection",
                 "[server][connection]") {
  limits.discarded_bytes_max = 100;
  FakeTransport& sized = connect();
  sized.receive(request("POST /refuse", "Content-Length: 110\r\n", "abc"));
  CHECK(summary(sized.taken()) == "413 refused close|");
  CHECK(sized.shut);
  FakeTransport& chunked = connect();
  chunked.receive(request("POST /refuse", "Transfer-Encoding: chunked\r\n"));
  CHECK(summary(chunked.taken()) == "413 refused|");
  chunked.receive("64\r\n" + std::string(100, 'x') + "\r\n");
  CHECK_FALSE(chunked.shut);
  chunked.receive("1\r\nx\r\n1\r\n");
  CHECK(chunked.shut);
}

TEST_CASE_METHOD(Fixture, "a body for which there is no room ends its connection",
                 "[server][connection]") {
  FakeTransport& client = connect();
  client.receive(request("POST /wait", "Content-Length: 6\r\n", "abc"));
  last_held().respond(503, "later");
  loop.run_until_idle();
  CHECK(summary(client.taken()) == "503 later close|");
  CHECK(client.shut);
  client.receive("def");
  FakeTransport& whole = connect();
  whole.receive(request("POST /wait", "Content-Length: 3\r\n", "abc"));
  last_held().respond(503, "later");
  loop.run_until_idle();
  CHECK(summary(whole.taken()) == "503 later|");
}

TEST_CASE_METHOD(Fixture, "a 503 to a request without a body leaves its connection open",
                 "[server][connection]") {
  FakeTransport& client = connect();
  client.receive(request("DELETE /refuse-503"));
  CHECK(summary(client.taken()) == "503 refused|");
  client.receive(kGet);
  CHECK(summary(client.taken()) == "200 GET /g <>|");
}

TEST_CASE_METHOD(Fixture, "a chunk that will be too large is refused before it comes",
                 "[server][connection]") {
  FakeTransport& client = connect();
  const std::string head = request("POST /p", "Transfer-Encoding: chunked\r\n");
  client.receive(head + "fffffff\r\n");
  CHECK(summary(client.taken()) == "413 announced close|");
  CHECK(client.shut);
  FakeTransport& begun = connect();
  begun.receive(head + "3\r\nabc\r\nffffff;x\r\nxyz");
  CHECK(summary(begun.taken()) == "413 announced close|");
  FakeTransport& small = connect();
  small.receive(request("POST /wait", "Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n5"));
  CHECK(last_held().announced.empty());
  small.receive("\r\n");
  CHECK(last_held().announced == std::vector<std::uint64_t>{5});
  small.receive("de");
  CHECK(last_held().announced == std::vector<std::uint64_t>{5, 5});
}

TEST_CASE_METHOD(Fixture, "what cannot be read as a request is refused, and the rest dropped",
                 "[server][connection]") {
  FakeTransport& client = connect();
  client.receive(kGet + "GET / HTTP/1.1\r\n\r\n" + kGet);
  CHECK(summary(client.taken()) == "200 GET /g <>|400 The Host header is missing. close|");
  CHECK(client.shut);
  client.receive(kGet);
  CHECK(client.taken().empty());
  client.end();
  CHECK(client.closed);
}

TEST_CASE_METHOD(Fixture, "a malformed body abandons its request", "[server][connection]") {
  FakeTransport& client = connect();
  client.receive(request("POST /p", "Transfer-Encoding: chunked\r\n", "3\r\nabc\r\nx"));
  CHECK(summary(client.taken()) == "400 The size of a chunk is malformed. close|");
  CHECK(handler.abandoned == 1);
  CHECK(handler.held.empty());
}

TEST_CASE_METHOD(Fixture, "one connection too many is told to come back later",
                 "[server][connection]") {
  FakeTransport& client = connect(Connection::Admission::kRefused);
  const std::string sent = client.taken();
  CHECK(summary(sent) == "503 The server has as many connections as it can take. close|");
  const std::size_t retry = sent.find("\r\nRetry-After: ");
  REQUIRE(retry != std::string::npos);
  CHECK(std::string_view("12345").find(sent[retry + 15]) != std::string_view::npos);
  client.receive(kGet);
  CHECK(client.taken().empty());
  CHECK(client.shut);
  advance(limits.linger_timeout + seconds{1});
  CHECK(client.closed);
}

}  // namespace
}  // namespace durable_streams::server

// The connection, driven without a socket: what it answers, in which order, and what it costs.
#include "server/http/connection.h"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/server/connection_fixture.h"
#include "tests/support/catch.h"

namespace durable_streams::server {
namespace {

using Fixture = ConnectionFixture;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_CASE_METHOD(Fixture, "a response is a status, the handler's fields, the date and the length",
                 "[server][connection]") {
  FakeTransport& client = connect();
  client.receive(kGet);
  CHECK(client.taken() ==
        "HTTP/1.1 200 OK\r\nA: b\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: "
        "9\r\n\r\nGET /g <>");
  CHECK(handler.peer == "192.0.2.1");
  CHECK(handler.held.empty());
}

TEST_CASE_METHOD(Fixture, "the date moves with the clock", "[server][connection]") {
  FakeTransport& client = connect();
  client.receive(kGet);
  clock.advance(milliseconds{61'999});
  advance(milliseconds{999});
  client.taken();
  client.receive(kGet);
  CHECK(client.taken().find("Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n") != std::string::npos);
  advance(milliseconds{1});
  client.receive(kGet);
  CHECK(client.taken().find("Date: Sun, 06 Nov 1994 08:50:38 GMT\r\n") != std::string::npos);
}

TEST_CASE_METHOD(Fixture, "a connection serves one request after the other",
                 "[server][connection]") {
  FakeTransport& client = connect();
  for (int i = 0; i < 3; ++i) {
    client.receive(kPost);
    CHECK(summary(client.taken()) == "200 POST /p <abc>|");
  }
  CHECK_FALSE(client.closed);
}

TEST_CASE_METHOD(Fixture, "answers to requests that came in one read leave in one write, in order",
                 "[server][connection]") {
  FakeTransport& client = connect();
  client.receive(kPost + kGet + kChunked + kGet);
  CHECK(summary(client.taken()) ==
        "200 POST /p <abc>|200 GET /g <>|200 PUT /c <abcde>|200 GET /g <>|");
  CHECK(client.writes == 1);
}

TEST_CASE_METHOD(Fixture, "wherever reads end, the answers are the same", "[server][connection]") {
  const std::string bytes =
      kGet + kPost + kChunked + request("HEAD /h") + request("FROB /f") + kPost;
  const std::string expected =
      "200 GET /g <>|200 POST /p <abc>|200 PUT /c <abcde>|200 |200 FROB /f <>|200 POST /p <abc>|";
  const auto answers = [&](std::vector<std::size_t> cuts) {
    FakeTransport& client = connect();
    cuts.push_back(bytes.size());
    std::size_t from = 0;
    for (const std::size_t to : cuts) {
      client.receive(std::string_view(bytes).substr(from, to - from));
      from = to;
    }
    std::string sent = client.taken();
    // The answer to HEAD has a length and no body.
    const std::size_t length = sent.find("Content-Length: 10\r\n\r\nHTTP");
    REQUIRE(length != std::string::npos);
    sent.replace(length + 16, 2, "0");
    return summary(sent);
  };
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    CAPTURE(cut);
    CHECK(answers({cut}) == expected);
  }
  std::vector<std::size_t> everywhere;
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) everywhere.push_back(cut);
  CHECK(answers(everywhere) == expected);
}

TEST_CASE_METHOD(Fixture, "a request behind one that waits is answered after it",
                 "[server][connection]") {
  FakeTransport& client = connect();
  client.receive(kWait + kGet);
  client.receive(kPost);
  CHECK(client.taken().empty());
  CHECK(handler.requests == 1);
  last_held().respond(200, "woken");
  CHECK(summary(client.taken()) == "200 woken|");
  loop.run_until_idle();
  CHECK(summary(client.taken()) == "200 GET /g <>|200 POST /p <abc>|");
  client.receive(kWait + kWait + kGet);
  last_held().respond(200, "1");
  loop.run_until_idle();
  last_held().respond(200, "2");
  loop.run_until_idle();
  CHECK(summary(client.taken()) == "200 1|200 2|200 GET /g <>|");
}

TEST_CASE_METHOD(Fixture,
                 "requests that arrive between an answer and the loop's next task come in order",
                 "[server][connection]") {
  FakeTransport& client = connect();
  client.receive(kWait + kGet.substr(0, 5));
  last_held().respond(200, "woken");
  client.receive(kGet.substr(5) + kPost);
  CHECK(summary(client.taken()) == "200 woken|200 GET /g <>|200 POST /p <abc>|");
  loop.run_until_idle();
  client.receive(kGet);
  CHECK(summary(client.taken()) == "200 GET /g <>|");
}

TEST_CASE_METHOD(Fixture, "an answer from a task of the loop leaves at once, in one write",
                 "[server][connection]") {
  FakeTransport& client = connect();
  client.receive(kWait);
  last_held().respond(200, "woken");
  CHECK(summary(client.sent) == "200 woken|");
  CHECK(client.writes == 1);
}

TEST_CASE_METHOD(Fixture, "a head without a body yet leaves at the end of the turn",
                 "[server][connection]") {
  FakeTransport& client = connect();
  client.receive(kWait);
  last_held().start(200, std::nullopt);
  loop.run_until_idle();
  CHECK(client.taken().ends_with("Transfer-Encoding: chunked\r\n\r\n"));
}

TEST_CASE_METHOD(Fixture, "answers of two connections in one turn go where they belong",
                 "[server][connection]") {
  FakeTransport& first = connect();
  FakeTransport& second = connect();
  first.receive(kWait);
  second.receive(kWait);
  ScriptedHandler::Held& to_first = *handler.held[0];
  ScriptedHandler::Held& to_second = *handler.held[1];
  to_first.start(200, 1);
  to_second.start(200, 1);
  to_first.write("1");
  to_second.write("2");
  to_first.finish();
  to_second.finish();
  loop.run_until_idle();
  CHECK(summary(first.taken()) == "200 1|");
  CHECK(summary(second.taken()) == "200 2|");
}

TEST_CASE_METHOD(Fixture, "reading pauses when much waits behind a request, and goes on afterwards",
                 "[server][connection]") {
  limits.pipelined_bytes_max = 100;
  FakeTransport& client = connect();
  client.receive(kWait);
  client.receive(kGet + kGet);
  CHECK(client.reading);
  client.receive(kGet + kGet);
  CHECK_FALSE(client.reading);
  last_held().respond(200, "woken");
  loop.run_until_idle();
  CHECK(client.reading);
  CHECK(summary(client.taken()) ==
        "200 woken|200 GET /g <>|200 GET /g <>|200 GET /g <>|200 GET /g <>|");
}

TEST_CASE_METHOD(Fixture, "a body that was read whole is handed over in one piece",
                 "[server][connection]") {
  FakeTransport& client = connect();
  client.receive(request("POST /wait", "Content-Length: 3\r\n", "abc"));
  CHECK(last_held().body_pieces == 1);
  last_held().respond(200, "");
  loop.run_until_idle();
  client.receive(request("POST /wait", "Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n"));
  CHECK(last_held().body_pieces == 1);
}

TEST_CASE_METHOD(Fixture, "a HEAD request that is refused is answered without a body",
                 "[server][connection]") {
  const auto refused = [&](std::string_view bytes) {
    FakeTransport& client = connect();
    client.receive(bytes);
    return client.taken();
  };
  const std::string long_target(limits.target_bytes_max + 1, 't');
  for (const std::string& head : std::vector<std::string>{
           "HEAD /" + long_target, "HEAD / HTTP/1.1\r\nBad header\r\n\r\n",
           std::string("HEAD / HTTP/1.1\r\n\r\n"),  // no Host
           "HEAD / HTTP/1.1\r\nHost: h\r\nA: " + std::string(limits.header_bytes_max, 'x')}) {
    INFO(head.substr(0, 40));
    const std::string answer = refused(head);
    CHECK(answer.starts_with("HTTP/1.1 4"));
    CHECK(answer.ends_with("\r\n\r\n"));
    CHECK_FALSE(refused("G" + head.substr(1)).ends_with("\r\n\r\n"));
  }
  // What comes after a HEAD request that was answered is not one.
  CHECK_FALSE(refused(request("HEAD /h") + "GET /" + long_target).ends_with("\r\n\r\n"));
  // Its time ran out.
  FakeTransport& slow = connect();
  slow.receive("HEAD /slow HTTP/1.1\r\nHost:");
  advance(limits.header_timeout + seconds{2});
  const std::string late = slow.taken();
  CHECK(late.starts_with("HTTP/1.1 408"));
  CHECK(late.ends_with("\r\n\r\n"));
}

TEST_CASE_METHOD(Fixture, "HEAD, 204 and 304 are answered without a body", "[server][connection]") {
  FakeTransport& client = connect();
  client.receive(request("HEAD /h"));
  CHECK(client.taken().ends_with("Content-Length: 10\r\n\r\n"));
  client.receive(request("HEAD /wait"));
  last_held().start(200, std::nullopt);
  last_held().finish();
  loop.run_until_idle();
  CHECK(client.taken() == "HTTP/1.1 200 OK\r\nA: b\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n");
  for (const int status : {204, 304}) {
    client.receive(kWait);
    last_held().start(status, std::nullopt);
    last_held().finish();
    loop.run_until_idle();
    CHECK(client.taken().ends_with("\r\nA: b\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n"));
  }
  CHECK_FALSE(client.closed);
}

TEST_CASE_METHOD(Fixture, "a response of unknown length is chunked", "[server][connection]") {
  FakeTransport& client = connect();
  client.receive(kWait);
  last_held().start(200, std::nullopt);
  last_held().write("hello");
  last_held().write("");
  last_held().write(std::string(20, 'x'));
  last_held().finish();
  loop.run_until_idle();
  CHECK(client.taken() ==
        "HTTP/1.1 200 OK\r\nA: b\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nTransfer-Encoding: "
        "chunked\r\n\r\n"
        "5\r\nhello\r\n14\r\nxxxxxxxxxxxxxxxxxxxx\r\n0\r\n\r\n");
  client.receive(kGet);
  CHECK(summary(client.taken()) == "200 GET /g <>|");
}

TEST_CASE_METHOD(Fixture, "in HTTP/1.0 a response of unknown length ends with the connection",
                 "[server][connection]") {
  FakeTransport& client = connect();
  client.receive("GET /wait HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  last_held().start(200, std::nullopt);
  last_held().write("hello");
  last_held().finish();
  loop.run_until_idle();
  CHECK(client.taken() ==
        "HTTP/1.1 200 OK\r\nA: b\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nConnection: "
        "close\r\n\r\nhello");
  CHECK(client.shut);
}

TEST_CASE_METHOD(Fixture, "an HTTP/1.0 connection stays only when asked to",
                 "[server][connection]") {
  FakeTransport& kept = connect();
  kept.receive("GET /g HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  CHECK(kept.taken().find("\r\nConnection: keep-alive\r\n") != std::string::npos);
  CHECK_FALSE(kept.shut);
  FakeTransport& ended = connect();
  ended.receive("GET /g HTTP/1.0\r\n\r\n");
  CHECK(summary(ended.taken()) == "200 GET /g <> close|");
  CHECK(ended.shut);
}

TEST_CASE("a connection costs little when it has nothing to do", "[server][connection]") {
  // Of the 2 KiB that an idle connection may cost, with the socket's handle and the endpoint's
  // part.
  CHECK(sizeof(Connection) <= 640);
}

}  // namespace
}  // namespace durable_streams::server

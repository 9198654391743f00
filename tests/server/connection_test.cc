// The connection, driven without a socket: what it answers, in which order, how it ends, and what
// it costs.
#include "server/http/connection.h"

#include <algorithm>
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

const std::string kGet = "GET /g HTTP/1.1\r\nHost: h\r\n\r\n";
const std::string kWait = "GET /wait HTTP/1.1\r\nHost: h\r\n\r\n";
const std::string kPost = "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc";
const std::string kChunked =
    "PUT /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
    "chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n";

std::string request(std::string_view line, std::string_view headers = {},
                    std::string_view body = {}) {
  return std::string(line) + " HTTP/1.1\r\nHost: h\r\n" + std::string(headers) + "\r\n" +
         std::string(body);
}

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

TEST_CASE_METHOD(Fixture, "a client that asks for it is closed after its answer",
                 "[server][connection]") {
  FakeTransport& client = connect();
  client.receive(request("GET /g", "Connection: close\r\n") + kGet);
  CHECK(summary(client.taken()) == "200 GET /g <> close|");
  CHECK(client.shut);
  CHECK_FALSE(client.closed);
  client.end();
  CHECK(client.closed);
}

TEST_CASE_METHOD(Fixture, "a client that never ends its side is closed all the same",
                 "[server][connection]") {
  FakeTransport& client = connect();
  client.receive(request("GET /g", "Connection: close\r\n"));
  client.receive("more");
  advance(limits.linger_timeout);
  CHECK_FALSE(client.closed);
  advance(seconds{1});
  CHECK(client.closed);
}

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

TEST_CASE_METHOD(Fixture, "a half-closed client is answered, then closed", "[server][connection]") {
  FakeTransport& client = connect();
  client.receive(kWait + kGet);
  client.end();
  CHECK_FALSE(client.closed);
  last_held().respond(200, "woken");
  loop.run_until_idle();
  CHECK(summary(client.taken()) == "200 woken|200 GET /g <>|");
  CHECK(client.closed);
}

TEST_CASE_METHOD(Fixture,
                 "whether a half-closed client is there still is looked at soon, and again",
                 "[server][connection]") {
  FakeTransport& client = connect();
  client.receive(kWait);
  ScriptedHandler::Held& held = last_held();
  held.start(200, std::nullopt);
  loop.run_until_idle();
  client.taken();
  held.on_probe = [](ScriptedHandler::Held& answer) { answer.write(":"); };
  client.end();
  CHECK(held.probes == 1);
  CHECK(client.taken() == "1\r\n:\r\n");
  client.failing = true;  // it answered that with a reset
  advance(limits.probe_interval + seconds{1});
  loop.run_until_idle();
  CHECK(client.closed);
  CHECK(handler.abandoned == 1);
}

TEST_CASE_METHOD(Fixture, "a half-closed client that is there still is left in peace",
                 "[server][connection]") {
  FakeTransport& client = connect();
  client.receive(kWait);
  client.end();
  advance(limits.probe_interval + seconds{1});
  CHECK(last_held().probes == 2);
  advance(limits.idle_timeout + seconds{1});
  CHECK(last_held().probes == 2);
  last_held().respond(200, "woken");
  loop.run_until_idle();
  CHECK(summary(client.taken()) == "200 woken|");
  CHECK(client.closed);
}

TEST_CASE_METHOD(Fixture, "a client that ends its side between requests is closed",
                 "[server][connection]") {
  FakeTransport& client = connect();
  client.receive(kGet);
  client.end();
  CHECK(client.closed);
  FakeTransport& silent = connect();
  silent.end();
  CHECK(silent.closed);
}

TEST_CASE_METHOD(Fixture, "a client that vanishes inside a request leaves nothing behind",
                 "[server][connection]") {
  FakeTransport& in_head = connect();
  in_head.receive(kGet.substr(0, 9));
  in_head.end();
  CHECK(in_head.closed);
  CHECK(in_head.taken().empty());
  FakeTransport& in_body = connect();
  in_body.receive(kPost.substr(0, kPost.size() - 1));
  in_body.end();
  CHECK(in_body.closed);
  CHECK(in_body.taken().empty());
  CHECK(handler.abandoned == 1);
  FakeTransport& waiting = connect();
  waiting.receive(kWait);
  waiting.break_off();
  CHECK(waiting.closed);
  CHECK(handler.abandoned == 2);
}

TEST_CASE_METHOD(Fixture, "a half-closed client that sent only part of a request is closed",
                 "[server][connection]") {
  const std::vector<std::string> parts = {
      kPost.substr(0, 9), kPost.substr(0, kPost.size() - 1),
      request("POST /refuse", "Content-Length: 3\r\n", "ab"),
      request("POST /p", "Transfer-Encoding: chunked\r\n", "3\r\nab")};
  for (const std::string& part : parts) {
    INFO(part);
    FakeTransport& client = connect();
    client.receive(kWait + kGet + part);
    client.end();
    CHECK_FALSE(client.closed);
    last_held().respond(200, "woken");
    loop.run_until_idle();
    CHECK(summary(client.taken()).starts_with("200 woken|200 GET /g <>|"));
    CHECK(client.closed);
    CHECK(handler.held.empty());
  }
}

TEST_CASE_METHOD(
    Fixture, "a client that vanishes inside a response ends its answer, but not from inside a call",
    "[server][connection]") {
  FakeTransport& client = connect();
  client.receive(kWait);
  client.failing = true;
  ScriptedHandler::Held& held = last_held();
  held.start(200, std::nullopt);
  held.write("one");
  CHECK(held.full());
  held.write("two");
  CHECK(handler.abandoned == 0);
  loop.run_until_idle();
  CHECK(handler.abandoned == 1);
  CHECK(client.closed);
}

TEST_CASE_METHOD(Fixture, "a response that breaks its promised length is cut off",
                 "[server][connection]") {
  FakeTransport& shorter = connect();
  shorter.receive(kWait);
  last_held().start(200, 5);
  last_held().write("four");
  last_held().finish();
  loop.run_until_idle();
  CHECK(shorter.closed);
  FakeTransport& longer = connect();
  longer.receive(kWait);
  last_held().start(200, 3);
  last_held().write("four");
  last_held().finish();
  loop.run_until_idle();
  CHECK(longer.closed);
}

TEST_CASE_METHOD(Fixture, "headers that take too long are 408", "[server][connection]") {
  FakeTransport& client = connect();
  client.receive(kGet.substr(0, 9));
  for (int i = 0; i < 29; ++i) {
    advance(seconds{1});
    client.receive(kGet.substr(9U + static_cast<unsigned>(i) % 2, 0));
  }
  advance(milliseconds{999});
  CHECK(client.taken().empty());
  advance(seconds{2});
  CHECK(summary(client.taken()) == "408 The request's headers took too long. close|");
  CHECK(client.shut);
}

TEST_CASE_METHOD(Fixture, "a client that dribbles headers gains no time", "[server][connection]") {
  FakeTransport& client = connect();
  client.receive("GET / HTTP/1.1\r\nX: ");
  for (int i = 0; i < 32; ++i) {
    if (!client.shut) client.receive("x");
    advance(seconds{1});
  }
  CHECK(summary(client.taken()) == "408 The request's headers took too long. close|");
}

TEST_CASE_METHOD(Fixture, "a body that takes too long is 408, and its request abandoned",
                 "[server][connection]") {
  limits.body_timeout = seconds{10};
  FakeTransport& client = connect();
  client.receive(kPost.substr(0, kPost.size() - 2));
  advance(seconds{9});
  client.receive("b");
  CHECK(client.taken().empty());
  advance(seconds{2});
  CHECK(summary(client.taken()) == "408 The request's body took too long. close|");
  CHECK(handler.abandoned == 1);
}

TEST_CASE_METHOD(Fixture, "an idle connection is closed, a waiting one is not",
                 "[server][connection]") {
  FakeTransport& idle = connect();
  FakeTransport& used = connect();
  FakeTransport& waiting = connect();
  waiting.receive(kWait);
  advance(limits.idle_timeout - seconds{1});
  CHECK_FALSE(idle.closed);
  used.receive(kGet);
  advance(seconds{2});
  CHECK(idle.closed);
  CHECK_FALSE(used.closed);
  advance(limits.idle_timeout - seconds{2});
  CHECK_FALSE(used.closed);
  advance(seconds{2});
  CHECK(used.closed);
  CHECK_FALSE(waiting.closed);
  last_held().respond(200, "");
  loop.run_until_idle();
  advance(limits.idle_timeout + seconds{1});
  CHECK(waiting.closed);
}

TEST_CASE_METHOD(Fixture, "a crowd whose time is up is closed a part at a time",
                 "[server][connection]") {
  constexpr std::ptrdiff_t kCrowd = 500;
  constexpr std::ptrdiff_t kAtOnceMax = 64;
  std::vector<FakeTransport*> crowd(kCrowd);
  for (FakeTransport*& client : crowd) client = &connect();
  advance(limits.idle_timeout);
  std::ptrdiff_t closed = 0;
  for (milliseconds waited{0}; waited < seconds{1}; ++waited) {
    advance(milliseconds{1});
    const std::ptrdiff_t now = std::count_if(crowd.begin(), crowd.end(),
                                             [](const auto* client) { return client->closed; });
    REQUIRE(now - closed <= kAtOnceMax);
    closed = now;
  }
  CHECK(closed == kCrowd);
}

TEST_CASE_METHOD(Fixture, "a crowd that is too slow is told so a part at a time",
                 "[server][connection]") {
  std::vector<FakeTransport*> crowd(200);
  for (FakeTransport*& client : crowd) {
    client = &connect();
    client->receive("GET ");
  }
  const auto pass = [&](milliseconds by) {
    advance(by);
    for (int part = 0; part < 4; ++part) advance(milliseconds{1});
  };
  pass(limits.header_timeout + seconds{2});
  for (FakeTransport* const client : crowd)
    CHECK(summary(client->taken()) == "408 The request's headers took too long. close|");
  pass(limits.linger_timeout + seconds{2});
  for (const FakeTransport* const client : crowd) CHECK(client->closed);
}

TEST_CASE_METHOD(Fixture, "what a client does not take at once follows, in order",
                 "[server][connection]") {
  FakeTransport& client = connect();
  client.window = 10;
  const std::string big(10'000, 'b');
  client.receive(kWait + kGet);
  last_held().respond(200, big);
  loop.run_until_idle();
  CHECK(client.sent.size() == 10);
  client.receive(kPost);
  for (int i = 0; i < 30; ++i) client.accept(500);
  CHECK(summary(client.taken()) == "200 " + big + "|200 GET /g <>|200 POST /p <abc>|");
}

TEST_CASE_METHOD(Fixture, "a slow reader makes the sink full, and is told when it has caught up",
                 "[server][connection]") {
  limits.output_bytes_max = 1000;
  FakeTransport& client = connect();
  client.window = 0;
  client.receive(kWait);
  ScriptedHandler::Held& held = last_held();
  held.start(200, std::nullopt);
  held.write(std::string(500, 'x'));
  CHECK_FALSE(held.full());
  held.write(std::string(600, 'x'));
  CHECK(held.full());
  loop.run_until_idle();
  CHECK(held.writable_calls == 0);
  client.accept(700);
  loop.run_until_idle();
  CHECK(held.writable_calls == 0);
  client.accept(10'000);
  loop.run_until_idle();
  CHECK(held.writable_calls == 1);
  CHECK_FALSE(held.full());
}

TEST_CASE_METHOD(Fixture, "a fast reader gets one burst a turn", "[server][connection]") {
  limits.output_bytes_max = 1000;
  FakeTransport& client = connect();
  client.receive(kWait);
  ScriptedHandler::Held& held = last_held();
  const auto fill = [](ScriptedHandler::Held& answer) {
    while (!answer.full()) answer.write(std::string(100, 'x'));
  };
  held.on_writable = fill;
  held.start(200, std::nullopt);
  fill(held);
  for (int turn = 1; turn <= 5; ++turn) {
    loop.run_once();
    CHECK(held.writable_calls == turn);
  }
}

TEST_CASE_METHOD(Fixture, "a big response in a read's own turn makes no lasting stall",
                 "[server][connection]") {
  limits.output_bytes_max = 1000;
  FakeTransport& client = connect();
  client.receive(request("POST /p", "Content-Length: 5000\r\n", std::string(5000, 'x')) + kWait);
  loop.run_until_idle();
  ScriptedHandler::Held& held = last_held();
  CHECK_FALSE(held.full());
  held.respond(200, "");
  loop.run_until_idle();
  CHECK(client.taken().ends_with("Content-Length: 0\r\n\r\n"));
}

TEST_CASE_METHOD(Fixture, "requests are not begun while much of the answers is still to be taken",
                 "[server][connection]") {
  limits.output_bytes_max = 1000;
  FakeTransport& client = connect();
  client.window = 0;
  const std::string post = request("POST /p", "Content-Length: 600\r\n", std::string(600, 'x'));
  std::string all;
  for (int i = 0; i < 50; ++i) all += post;
  client.receive(all.substr(0, all.size() - 10));
  loop.run_until_idle();
  CHECK(handler.requests == 2);
  client.window = 500;
  client.accept(0);
  client.receive(all.substr(all.size() - 10));
  loop.run_until_idle();
  CHECK(handler.requests == 2);
  client.accept(1'000'000);
  loop.run_until_idle();
  CHECK(handler.requests == 50);
  CHECK(client.reading);
  CHECK_FALSE(client.closed);
  const std::string answers = summary(client.taken());
  CHECK(std::count(answers.begin(), answers.end(), '|') == 50);
}

TEST_CASE_METHOD(Fixture, "a client that takes nothing is closed, one that takes a little is not",
                 "[server][connection]") {
  FakeTransport& dead = connect();
  FakeTransport& slow = connect();
  for (FakeTransport* client : {&dead, &slow}) {
    client->window = 0;
    client->receive(kWait);
    last_held().respond(200, std::string(1000, 'x'));
    loop.run_until_idle();
  }
  for (int i = 0; i < 3; ++i) {
    slow.accept(1);
    advance(limits.write_timeout + seconds{1});
    CHECK(dead.closed);
    CHECK_FALSE(slow.closed);
  }
  slow.accept(10'000);
  CHECK(summary(slow.taken()) == "200 " + std::string(1000, 'x') + "|");
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

TEST_CASE_METHOD(Fixture, "a drain ends what is idle and finishes the rest",
                 "[server][connection]") {
  FakeTransport& idle = connect();
  FakeTransport& waiting = connect();
  FakeTransport& sending = connect();
  idle.receive(kGet);
  waiting.receive(kWait);
  sending.receive(kPost.substr(0, kPost.size() - 1));
  bool drained = false;
  group->drain([&] { drained = true; });
  CHECK_FALSE(idle.shut);
  advance(limits.drain_grace + milliseconds{100});
  CHECK(idle.shut);
  CHECK_FALSE(idle.closed);
  idle.end();
  CHECK(idle.closed);
  CHECK_FALSE(waiting.closed);
  handler.held[0]->respond(200, "woken");
  loop.run_until_idle();
  CHECK(summary(waiting.taken()) == "200 woken close|");
  sending.receive("c");
  CHECK(summary(sending.taken()) == "200 POST /p <abc> close|");
  for (FakeTransport* client : {&waiting, &sending}) {
    CHECK(client->shut);
    client->end();
    CHECK(client->closed);
  }
  CHECK_FALSE(drained);
  clients.clear();
  CHECK(drained);
  CHECK(open == 0);
}

TEST_CASE_METHOD(Fixture, "a drain ends a response that had begun, and its connection after it",
                 "[server][connection]") {
  FakeTransport& client = connect();
  client.receive(kWait);
  last_held().start(200, std::nullopt);
  group->drain(nullptr);
  last_held().finish();
  loop.run_until_idle();
  CHECK(client.taken().ends_with("\r\n\r\n0\r\n\r\n"));
  CHECK_FALSE(client.shut);
  advance(limits.drain_grace + milliseconds{100});
  CHECK(client.shut);
}

TEST_CASE_METHOD(Fixture, "a request that was on its way when a drain began is answered",
                 "[server][connection]") {
  FakeTransport& client = connect();
  FakeTransport& late = connect();
  client.receive(kPost);
  client.taken();
  group->drain(nullptr);
  client.receive(kPost);
  CHECK(summary(client.taken()) == "200 POST /p <abc> close|");
  CHECK(client.shut);
  advance(limits.drain_grace + milliseconds{100});
  late.receive(kPost);  // dropped, but read: the client finds the end, and no reset
  CHECK(late.taken().empty());
  CHECK(late.shut);
  CHECK_FALSE(late.closed);
}

TEST_CASE_METHOD(Fixture, "a drain answers the requests that had come, and closes with the last",
                 "[server][connection]") {
  FakeTransport& waiting = connect();
  FakeTransport& begun = connect();
  FakeTransport& idle = connect();
  waiting.receive(kWait + kGet + kPost);
  begun.receive(kWait + kGet);
  handler.held[1]->start(200, 0);
  group->drain(nullptr);
  handler.held[1]->finish();
  handler.held[0]->respond(200, "woken");
  loop.run_until_idle();
  CHECK(summary(waiting.taken()) == "200 woken|200 GET /g <>|200 POST /p <abc> close|");
  CHECK(summary(begun.taken()) == "200 |200 GET /g <> close|");
  idle.receive(kGet + kPost + kGet);
  CHECK(summary(idle.taken()) == "200 GET /g <>|200 POST /p <abc>|200 GET /g <> close|");
  for (FakeTransport* client : {&waiting, &begun, &idle}) CHECK(client->shut);
}

TEST_CASE_METHOD(Fixture, "a drain answers requests that are answered before their ends, too",
                 "[server][connection]") {
  FakeTransport& client = connect();
  group->drain(nullptr);
  client.receive(request("DELETE /refuse") + request("GET /refuse") + request("DELETE /refuse"));
  CHECK(summary(client.taken()) == "413 refused|413 refused|413 refused close|");
  CHECK(client.shut);
}

TEST_CASE_METHOD(Fixture, "a drain lets no client linger for long", "[server][connection]") {
  FakeTransport& lingering = connect();
  FakeTransport& idle = connect();
  lingering.receive(request("GET /g", "Connection: close\r\n"));
  CHECK(lingering.shut);
  bool drained = false;
  group->drain([&] { drained = true; });
  const auto pass = [&](milliseconds time) {
    for (milliseconds passed{0}; passed < time; passed += milliseconds{10})
      advance(milliseconds{10});
  };
  pass(limits.drain_linger_timeout + milliseconds{100});
  CHECK(lingering.closed);
  CHECK(idle.shut);
  CHECK_FALSE(idle.closed);
  pass(limits.drain_grace + milliseconds{100});
  CHECK(idle.closed);
  clients.clear();
  CHECK(drained);
}

TEST_CASE_METHOD(Fixture, "everything can be closed at once", "[server][connection]") {
  FakeTransport& idle = connect();
  FakeTransport& waiting = connect();
  waiting.receive(kWait);
  group->close_all();
  CHECK(idle.closed);
  CHECK(waiting.closed);
  CHECK(handler.abandoned == 1);
}

TEST_CASE("a connection costs little when it has nothing to do", "[server][connection]") {
  // Of the 2 KiB that an idle connection may cost, with the socket's handle and the endpoint's
  // part.
  CHECK(sizeof(Connection) <= 640);
}

}  // namespace
TEST_CASE_METHOD(Fixture, "answers without a body count like others against a slow client",
                 "[server][connection]") {
  limits.output_bytes_max = 1000;
  FakeTransport& client = connect();
  client.window = 0;
  std::string all;
  for (int i = 0; i < 50; ++i) all += request("HEAD /get");
  client.receive(all);
  loop.run_until_idle();
  CHECK(handler.requests < 15);
  client.accept(1'000'000);
  loop.run_until_idle();
  CHECK(handler.requests == 50);
}

TEST_CASE_METHOD(Fixture, "requests that came in one piece take turns with the other connections",
                 "[server][connection]") {
  limits.requests_per_turn_max = 4;
  FakeTransport& client = connect();
  std::string all;
  for (int i = 0; i < 20; ++i) all += request("GET /get");
  client.receive(all);
  CHECK(handler.requests == 8);  // one burst for the read, and one for its end
  loop.run_once();
  CHECK(handler.requests == 12);
  loop.run_until_idle();
  CHECK(handler.requests == 20);
  const std::string answers = summary(client.taken());
  CHECK(std::count(answers.begin(), answers.end(), '|') == 20);
}

}  // namespace durable_streams::server

// How a connection ends: by its own wish, by the client's, or because somebody vanished.
#include <chrono>
#include <optional>
#include <string>

#include "tests/server/connection_fixture.h"
#include "tests/support/catch.h"

namespace durable_streams::server {
namespace {

using Fixture = ConnectionFixture;
using std::chrono::seconds;

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

TEST_CASE_METHOD(Fixture, "everything can be closed at once", "[server][connection]") {
  FakeTransport& idle = connect();
  FakeTransport& waiting = connect();
  waiting.receive(kWait);
  group->close_all();
  CHECK(idle.closed);
  CHECK(waiting.closed);
  CHECK(handler.abandoned == 1);
}

}  // namespace
}  // namespace durable_streams::server

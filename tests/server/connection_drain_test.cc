// A server that goes: what was asked for is answered, and then the connection ends.
#include <chrono>
#include <optional>
#include <string>

#include "tests/server/connection_fixture.h"
#include "tests/support/catch.h"

namespace durable_streams::server {
namespace {

using Fixture = ConnectionFixture;
using std::chrono::milliseconds;

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

}  // namespace
}  // namespace durable_streams::server

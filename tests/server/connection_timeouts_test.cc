// What a connection waits for, and how long.
#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "tests/server/connection_fixture.h"
#include "tests/support/catch.h"

namespace durable_streams::server {
namespace {

using Fixture = ConnectionFixture;
using std::chrono::milliseconds;
using std::chrono::seconds;

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

}  // namespace
}  // namespace durable_streams::server

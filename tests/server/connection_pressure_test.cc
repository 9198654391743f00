// A client that is slow to take, or quick to ask: what is sent, held back, and given to others.
#include <algorithm>
#include <optional>
#include <string>

#include "tests/server/connection_fixture.h"
#include "tests/support/catch.h"

namespace durable_streams::server {
namespace {

using Fixture = ConnectionFixture;

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

}  // namespace
}  // namespace durable_streams::server

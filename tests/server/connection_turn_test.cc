// Connections that read in one turn of their loop: all requests first, then all answers.
#include <string>
#include <vector>

#include "tests/server/connection_fixture.h"
#include "tests/support/catch.h"

namespace durable_streams::server {
namespace {

using Fixture = ConnectionFixture;

struct TwoConnections : ConnectionFixture {
  FakeTransport& a = connect();
  FakeTransport& b = connect();
};

std::string get(const std::string& target) {
  return "GET " + target + " HTTP/1.1\r\nHost: h\r\n\r\n";
}

std::string post(const std::string& target, const std::string& body) {
  return "POST " + target +
         " HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

TEST_CASE_METHOD(TwoConnections,
                 "what is answered in a turn leaves at its end, for each in one write",
                 "[server][connection]") {
  a.read(get("/1") + get("/2"));
  b.read(get("/3"));
  CHECK(handler.requests == 3);
  CHECK(a.writes + b.writes == 0);
  a.end_turn();
  CHECK(a.writes == 1);
  CHECK(b.writes == 1);  // nobody's answer waits for what another's turn goes on with
  b.end_turn();
  CHECK(a.writes + b.writes == 2);
  CHECK(summary(a.taken()) == "200 GET /1 <>|200 GET /2 <>|");
  CHECK(summary(b.taken()) == "200 GET /3 <>|");
}

TEST_CASE_METHOD(TwoConnections, "turns may end in another order than they were read in",
                 "[server][connection]") {
  a.read(get("/1"));
  b.read(get("/2"));
  b.end_turn();
  a.end_turn();
  CHECK(summary(a.taken()) == "200 GET /1 <>|");
  CHECK(summary(b.taken()) == "200 GET /2 <>|");
}

TEST_CASE_METHOD(TwoConnections, "a connection that reads twice in a turn is answered in order",
                 "[server][connection]") {
  a.read(get("/1"));
  b.read(get("/2"));
  a.read(get("/3"));
  a.end_turn();
  b.end_turn();
  CHECK(summary(a.taken()) == "200 GET /1 <>|200 GET /3 <>|");
  CHECK(summary(b.taken()) == "200 GET /2 <>|");
}

TEST_CASE_METHOD(Fixture, "answers that are much memory do not wait for the end of the turn",
                 "[server][connection]") {
  limits.output_bytes_max = std::size_t{1} << 20;
  FakeTransport& a = connect();
  FakeTransport& b = connect();
  const std::string body(std::size_t{200} << 10, 'x');
  a.read(post("/1", body));
  CHECK(a.writes == 0);
  b.read(post("/2", body));
  CHECK(a.writes == 1);
  CHECK(b.writes == 1);
  a.end_turn();
  b.end_turn();
  CHECK(summary(a.taken()) == "200 POST /1 <" + body + ">|");
  CHECK(summary(b.taken()) == "200 POST /2 <" + body + ">|");
}

TEST_CASE_METHOD(Fixture, "more small answers than the batch has room for all arrive",
                 "[server][connection]") {
  constexpr int kEach = 40;
  std::string requests;
  std::string answers;
  for (int i = 0; i < kEach; ++i) {
    requests += get("/" + std::to_string(i));
    answers += "200 GET /" + std::to_string(i) + " <>|";
  }
  std::vector<FakeTransport*> all;
  for (int i = 0; i < 30; ++i) all.push_back(&connect());
  for (FakeTransport* const client : all) client->read(requests);
  for (FakeTransport* const client : all) client->end_turn();
  std::size_t bytes = 0;
  for (FakeTransport* const client : all) {
    bytes += client->sent.size();
    CHECK(summary(client->taken()) == answers);
  }
  CHECK(bytes > OutputBatch::kTextBytesMax);
}

TEST_CASE_METHOD(Fixture, "a connection that breaks before the turn ends takes no other with it",
                 "[server][connection]") {
  FakeTransport& a = connect();
  FakeTransport& b = connect();
  FakeTransport& c = connect();
  a.read(get("/1"));
  b.read(get("/2"));
  c.read(get("/3"));
  b.break_off();
  for (FakeTransport* const client : {&a, &b, &c}) client->end_turn();
  CHECK(b.closed);
  CHECK(b.sent.empty());
  CHECK(summary(a.taken()) == "200 GET /1 <>|");
  CHECK(summary(c.taken()) == "200 GET /3 <>|");
}

TEST_CASE_METHOD(Fixture, "what a client does not take at the end of a turn is kept for it alone",
                 "[server][connection]") {
  FakeTransport& a = connect();
  FakeTransport& b = connect();
  FakeTransport& c = connect();
  const std::string body(10'000, 'y');  // shared, not copied
  a.window = 0;
  b.window = 150;
  a.read(post("/1", body));
  b.read(post("/2", body) + get("/3"));
  c.read(get("/4"));
  for (FakeTransport* const client : {&a, &b, &c}) client->end_turn();
  CHECK(a.sent.empty());
  CHECK(b.sent.size() == 150);
  CHECK(summary(c.taken()) == "200 GET /4 <>|");
  a.accept(100'000);
  b.accept(100'000);
  loop.run_until_idle();
  CHECK(summary(a.taken()) == "200 POST /1 <" + body + ">|");
  CHECK(summary(b.taken()) == "200 POST /2 <" + body + ">|200 GET /3 <>|");
}

TEST_CASE_METHOD(TwoConnections, "a client that cannot be written to takes no other with it",
                 "[server][connection]") {
  a.read(get("/1"));
  b.read(get("/2"));
  b.failing = true;
  a.end_turn();
  b.end_turn();
  loop.run_until_idle();
  CHECK_FALSE(a.closed);
  CHECK(b.closed);
  CHECK(summary(a.taken()) == "200 GET /1 <>|");
}

TEST_CASE_METHOD(TwoConnections, "what has left is not held in memory by an answer that has not",
                 "[server][connection]") {
  a.receive(get("/wait"));
  ScriptedHandler::Held& waiting = last_held();
  b.receive(get("/wait"));
  ScriptedHandler::Held& writing = last_held();
  waiting.start(200, std::nullopt);  // a head, which leaves with its body or when the loop has time
  writing.start(200, std::nullopt);
  const std::weak_ptr<const std::string> page = writing.write_owned(std::string(10'000, 'p'));
  CHECK(b.writes == 1);
  CHECK(a.writes == 0);
  CHECK(page.expired());
  loop.run_until_idle();
  CHECK(a.writes == 1);
}

TEST_CASE_METHOD(TwoConnections, "an answer from elsewhere does not wait for the end of a turn",
                 "[server][connection]") {
  a.receive(get("/wait"));
  ScriptedHandler::Held& waiting = last_held();
  b.read(get("/1"));
  waiting.respond(200, "later");
  CHECK(a.writes == 1);
  CHECK(b.writes == 0);
  b.end_turn();
  loop.run_until_idle();
  CHECK(summary(a.taken()) == "200 later|");
  CHECK(summary(b.taken()) == "200 GET /1 <>|");
}

}  // namespace
}  // namespace durable_streams::server

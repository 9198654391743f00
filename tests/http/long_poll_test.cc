// Long-polls (protocol sections 5.7 and 10.1).
#include "tests/http/endpoint_fixture.h"

namespace durable_streams::http {

namespace {

constexpr const char* kPath = "/v1/stream/a";

std::string poll(std::string_view offset, std::string_view more = {}) {
  return std::string(kPath) + "?offset=" + std::string(offset) + "&live=long-poll" +
         std::string(more);
}

std::string poll_at(std::uint64_t position, std::string_view more = {}) {
  return poll(offset_text(position), more);
}

}  // namespace

TEST_CASE("a long-poll brings at once what is there", "[http][long-poll]") {
  EndpointFixture fixture;
  fixture.make(kPath, "hello");
  const Response response = fixture.send("GET", poll("-1"));
  CHECK(response.status == 200);
  CHECK(response.body == "hello");
  CHECK(response["Stream-Next-Offset"] == offset_text(5));
  CHECK(response["Stream-Up-To-Date"] == "true");
  CHECK(response["Cache-Control"] == "public, max-age=60, stale-while-revalidate=300");
  CHECK(response.has("ETag"));
  CHECK(response.has("Stream-Cursor"));
}

TEST_CASE("a long-poll at the tail waits for an append", "[http][long-poll]") {
  EndpointFixture fixture;
  fixture.make(kPath, "hello");
  const auto call = fixture.get(poll_at(5));
  CHECK_FALSE(call->response().started);
  CHECK(call->exchange.live());
  fixture.post(kPath, " you");
  CHECK(call->response().finished);
  CHECK_FALSE(call->exchange.live());
  CHECK(call->response().status == 200);
  CHECK(call->response().body == " you");
  CHECK(call->response()["Stream-Next-Offset"] == offset_text(9));
}

TEST_CASE("a long-poll that waits in vain is answered 204", "[http][long-poll]") {
  EndpointFixture fixture({.long_poll_timeout = 20s});
  fixture.make(kPath, "hello");
  const auto call = fixture.get(poll_at(5));
  fixture.advance(19'999ms);
  CHECK_FALSE(call->response().started);
  fixture.advance(1ms);
  const Response& response = call->response();
  CHECK(response.status == 204);
  CHECK(response.finished);
  CHECK(response["Stream-Next-Offset"] == offset_text(5));
  CHECK(response["Stream-Up-To-Date"] == "true");
  CHECK(response["Cache-Control"] == "no-store");
  CHECK(response.has("Stream-Cursor"));
  CHECK_FALSE(response.has("Stream-Closed"));
  CHECK_FALSE(fixture.loop.next_timer().has_value());
}

TEST_CASE("a long-poll from now waits, and its answer is not kept", "[http][long-poll]") {
  EndpointFixture fixture;
  fixture.make(kPath, "hello");
  const auto call = fixture.get(poll("now"));
  CHECK_FALSE(call->response().started);
  fixture.post(kPath, "x");
  CHECK(call->response().body == "x");
  CHECK(call->response()["Cache-Control"] == "no-store");
  CHECK_FALSE(call->response().has("ETag"));
}

TEST_CASE("a long-poll at the tail of a closed stream never waits", "[http][long-poll][close]") {
  EndpointFixture fixture;
  fixture.make(kPath, "hello", {{"Stream-Closed", "true"}});
  for (const std::string& target : {poll_at(5), poll("now"), poll_at(99)}) {
    const Response response = fixture.send("GET", target);
    CHECK(response.status == 204);
    CHECK(response["Stream-Closed"] == "true");
    CHECK(response["Stream-Up-To-Date"] == "true");
    CHECK(response["Stream-Next-Offset"] == offset_text(5));
  }
  CHECK(fixture.send("GET", poll("-1"))["Stream-Closed"] == "true");
}

TEST_CASE("a long-poll beyond the tail is answered 204 at once, with the tail",
          "[http][long-poll]") {
  EndpointFixture fixture;
  fixture.make(kPath, "hello");
  const Response response = fixture.send("GET", poll_at(99));
  CHECK(response.status == 204);
  CHECK(response["Stream-Next-Offset"] == offset_text(5));
  CHECK(response["Stream-Up-To-Date"] == "true");
  CHECK(response.has("Stream-Cursor"));
}

TEST_CASE("closing wakes a long-poll, with the last bytes or without", "[http][long-poll][close]") {
  EndpointFixture fixture;
  fixture.make(kPath, "hello");
  const auto empty = fixture.get(poll_at(5));
  fixture.post(kPath, "", {{"Stream-Closed", "true"}});
  CHECK(empty->response().status == 204);
  CHECK(empty->response()["Stream-Closed"] == "true");
  CHECK(empty->response()["Stream-Up-To-Date"] == "true");
  fixture.make("/v1/stream/b");
  const auto last = fixture.get("/v1/stream/b?offset=-1&live=long-poll");
  fixture.post("/v1/stream/b", "end", {{"Stream-Closed", "true"}});
  CHECK(last->response().status == 200);
  CHECK(last->response().body == "end");
  CHECK(last->response()["Stream-Closed"] == "true");
}

TEST_CASE("deletion wakes a long-poll: 404, or 410 when forks keep the stream",
          "[http][long-poll][delete]") {
  EndpointFixture fixture;
  fixture.make(kPath);
  const auto gone = fixture.get(poll("-1"));
  fixture.send("DELETE", kPath);
  CHECK(gone->response().status == 404);
  CHECK(gone->response().finished);
  fixture.make(kPath);
  const auto kept = fixture.get(poll("-1"));
  fixture.put("/v1/stream/fork", {{"Stream-Forked-From", kPath}});
  CHECK_FALSE(kept->response().started);
  fixture.send("DELETE", kPath);
  CHECK(kept->response().status == 410);
}

TEST_CASE("a long-poll holds the stream that it started with", "[http][long-poll][delete]") {
  EndpointFixture fixture;
  fixture.make(kPath);
  const auto call = fixture.open("GET", poll("-1"));
  fixture.send("DELETE", kPath);
  fixture.make(kPath, "another");
  fixture.loop.run_until_idle();
  CHECK(call->response().status == 404);
}

TEST_CASE("a long-poll on a missing stream is 404", "[http][long-poll]") {
  EndpointFixture fixture;
  CHECK(fixture.send("GET", poll("-1")).status == 404);
  CHECK(fixture.send("GET", poll("now")).status == 404);
}

TEST_CASE("a long-poll on a fork waits for the fork's own appends", "[http][long-poll][fork]") {
  EndpointFixture fixture;
  fixture.make("/v1/stream/source", "abc");
  fixture.put(kPath, {{"Stream-Forked-From", "/v1/stream/source"}});
  CHECK(fixture.send("GET", poll("-1")).body == "abc");
  const auto call = fixture.get(poll_at(3));
  fixture.post("/v1/stream/source", "xxx");
  CHECK_FALSE(call->response().started);
  fixture.post(kPath, "def");
  CHECK(call->response().body == "def");
}

TEST_CASE("cursors count intervals of 20 s, and never go back", "[http][long-poll][cursor]") {
  EndpointFixture fixture;
  fixture.make(kPath, "hello");
  const auto cursor = [&](const std::string& given) {
    const std::string more = given.empty() ? "" : "&cursor=" + given;
    return std::stoull(fixture.send("GET", poll("-1", more))["Stream-Cursor"]);
  };
  const auto since_epoch = std::chrono::sys_days(std::chrono::year{2025} / 1 / 1) -
                           std::chrono::sys_days(std::chrono::year{2024} / 10 / 9);
  const auto current = static_cast<std::uint64_t>(since_epoch / 20s);
  CHECK(cursor("") == current);
  CHECK(cursor(std::to_string(current - 1)) == current);
  CHECK(cursor("nonsense") == current);
  CHECK(cursor(std::to_string(current)) > current);
  CHECK(cursor(std::to_string(current)) <= current + 180);
  CHECK(cursor(std::to_string(current + 1000)) > current + 1000);
  fixture.advance(20s);
  CHECK(cursor("") == current + 1);
}

TEST_CASE("a long-poll brings JSON as an array", "[http][long-poll][json]") {
  EndpointFixture fixture;
  fixture.content_type = "application/json";
  fixture.make(kPath);
  const auto call = fixture.get(poll("-1"));
  fixture.post(kPath, "[1,2]");
  CHECK(call->response().body == "[1,\n2]");
}

TEST_CASE("a long-poll for what a cache has is 304", "[http][long-poll][etag]") {
  EndpointFixture fixture;
  fixture.make(kPath, "hello");
  const std::string etag = fixture.send("GET", poll("-1"))["ETag"];
  const Response response = fixture.send("GET", poll("-1"), {{"If-None-Match", etag}});
  CHECK(response.status == 304);
  CHECK(response.has("Stream-Cursor"));
  const auto waiting = fixture.get(poll_at(5), {{"If-None-Match", "*"}});
  fixture.post(kPath, "x");
  CHECK(waiting->response().status == 200);
}

TEST_CASE("a client that goes while it waits leaves nothing behind", "[http][long-poll]") {
  EndpointFixture fixture;
  fixture.make(kPath, "hello");
  auto call = fixture.get(poll_at(5));
  CHECK(fixture.engine.stats().waiting_readers == 1);
  call.reset();
  CHECK(fixture.engine.stats().waiting_readers == 0);
  CHECK_FALSE(fixture.loop.next_timer().has_value());
  fixture.post(kPath, "x");
}

TEST_CASE("a client that goes between the wake and its answer is not answered",
          "[http][long-poll]") {
  EndpointFixture fixture;
  fixture.make(kPath);
  auto first = fixture.get(poll("-1"));
  auto second = fixture.get(poll("-1"));
  fixture.streams.append_now("a", "x").value();  // wakes both, in a task to come
  first.reset();
  fixture.loop.run_until_idle();
  CHECK(second->response().body == "x");
}

TEST_CASE("draining answers long-polls as if their time had come", "[http][long-poll][drain]") {
  EndpointFixture fixture;
  fixture.make(kPath, "hello");
  const auto waiting = fixture.get(poll_at(5));
  fixture.endpoint->drain();
  CHECK(waiting->response().status == 204);
  CHECK(waiting->response()["Stream-Next-Offset"] == offset_text(5));
  CHECK(fixture.send("GET", poll_at(5)).status == 204);
  CHECK(fixture.send("GET", poll("-1")).body == "hello");
  CHECK(fixture.post(kPath, "x").status == 204);
}

TEST_CASE("an append that comes with the end of the wait is delivered", "[http][long-poll]") {
  EndpointFixture fixture({.long_poll_timeout = 20s});
  fixture.make(kPath);
  const auto call = fixture.get(poll("-1"));
  fixture.streams.append_now("a", "x").value();
  fixture.endpoint->drain();
  CHECK(call->response().status == 200);
  CHECK(call->response().body == "x");
}

TEST_CASE("many long-polls are woken by one append", "[http][long-poll]") {
  EndpointFixture fixture;
  fixture.make(kPath);
  std::vector<std::unique_ptr<Call>> calls;
  for (int i = 0; i < 2000; ++i) calls.push_back(fixture.get(poll("-1")));
  fixture.post(kPath, "x");
  CHECK(std::all_of(calls.begin(), calls.end(),
                    [](const auto& call) { return call->response().body == "x"; }));
}

}  // namespace durable_streams::http

// Live readers and the lifetime of streams (protocol section 5.1).
#include "tests/http/endpoint_fixture.h"

namespace durable_streams::http {

namespace {

constexpr const char* kPath = "/v1/stream/a";
constexpr const char* kPoll = "/v1/stream/a?offset=-1&live=long-poll";
constexpr const char* kSse = "/v1/stream/a?offset=-1&live=sse";

}  // namespace

TEST_CASE("a held long-poll suspends a TTL, which counts from its end", "[http][live][expiry]") {
  EndpointFixture fixture({.long_poll_timeout = 30s});
  fixture.make(kPath, "", {{"Stream-TTL", "10"}});
  const auto call = fixture.get(kPoll);
  fixture.advance(30s);
  CHECK(call->response().status == 204);
  fixture.advance(9s);
  CHECK(fixture.send("HEAD", kPath).status == 200);
  fixture.advance(1s);
  CHECK(fixture.send("HEAD", kPath).status == 404);
}

TEST_CASE("a held SSE response suspends a TTL, until its client has gone", "[http][live][expiry]") {
  EndpointFixture fixture;
  fixture.make(kPath, "", {{"Stream-TTL", "10"}});
  auto call = fixture.get(kSse);
  fixture.advance(40s);
  CHECK(fixture.send("HEAD", kPath).status == 200);
  call.reset();
  fixture.advance(10s);
  CHECK(fixture.send("HEAD", kPath).status == 404);
}

TEST_CASE("expiry wakes a long-poll with 404", "[http][live][expiry]") {
  EndpointFixture fixture({.long_poll_timeout = 60s});
  fixture.make(kPath, "", {{"Stream-Expires-At", "2025-01-01T00:00:10Z"}});
  const auto call = fixture.get(kPoll);
  fixture.advance(10s);
  fixture.advance(1s);
  CHECK(call->response().status == 404);
}

TEST_CASE("expiry of a source wakes its long-poll with 410", "[http][live][expiry][fork]") {
  EndpointFixture fixture({.long_poll_timeout = 60s});
  fixture.make(kPath, "", {{"Stream-Expires-At", "2025-01-01T00:00:10Z"}});
  fixture.put("/v1/stream/fork", {{"Stream-Forked-From", kPath}, {"Stream-TTL", "1000"}});
  const auto call = fixture.get(kPoll);
  fixture.advance(10s);
  fixture.advance(1s);
  CHECK(call->response().status == 410);
}

TEST_CASE("expiry ends an SSE response", "[http][live][expiry]") {
  EndpointFixture fixture;
  fixture.make(kPath, "x", {{"Stream-Expires-At", "2025-01-01T00:00:10Z"}});
  const auto call = fixture.get(kSse);
  CHECK_FALSE(call->response().finished);
  fixture.advance(10s);
  fixture.advance(1s);
  CHECK(call->response().finished);
  CHECK(call->response().status == 200);
}

TEST_CASE("caches keep a long-poll's answer no longer than the TTL", "[http][live][expiry]") {
  EndpointFixture fixture;
  fixture.make(kPath, "x", {{"Stream-TTL", "10"}});
  CHECK(fixture.send("GET", kPoll)["Cache-Control"] == "public, max-age=10");
}

}  // namespace durable_streams::http

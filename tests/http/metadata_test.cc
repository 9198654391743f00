// HEAD and DELETE (protocol sections 5.4 and 5.5).
#include "tests/http/endpoint_fixture.h"

namespace durable_streams::http {

namespace {

constexpr const char* kPath = "/v1/stream/a";

}  // namespace

TEST_CASE("HEAD tells of a stream, and no cache keeps it", "[http][head]") {
  EndpointFixture fixture;
  fixture.make(kPath, "hello", {{"Stream-TTL", "60"}});
  const Response head = fixture.send("HEAD", kPath);
  CHECK(head.status == 200);
  CHECK(head["Content-Type"] == "text/plain");
  CHECK(head["Stream-Next-Offset"] == offset_text(5));
  CHECK(head["Stream-TTL"] == "60");
  CHECK(head["Cache-Control"] == "no-store");
  CHECK_FALSE(head.has("Stream-Expires-At"));
  CHECK_FALSE(head.has("Stream-Closed"));
  CHECK_FALSE(head.has("ETag"));
  CHECK_FALSE(head.content_length.has_value());
  fixture.post(kPath, "", {{"Stream-Closed", "true"}});
  CHECK(fixture.send("HEAD", kPath)["Stream-Closed"] == "true");
}

TEST_CASE("HEAD ignores the query, and never waits", "[http][head]") {
  EndpointFixture fixture;
  fixture.make(kPath, "hello");
  for (const char* query : {"?offset=now&live=long-poll", "?offset=-1&live=sse", "?offset=bad"}) {
    const Response head = fixture.send("HEAD", std::string(kPath) + query);
    CHECK(head.status == 200);
    CHECK(head["Stream-Next-Offset"] == offset_text(5));
    CHECK(head["Content-Type"] == "text/plain");
  }
}

TEST_CASE("HEAD never slides a TTL", "[http][head][expiry]") {
  EndpointFixture fixture;
  fixture.make(kPath, "hello", {{"Stream-TTL", "10"}});
  CHECK_FALSE(fixture.slides("a", [&] { fixture.send("HEAD", kPath); }));
}

TEST_CASE("HEAD of a missing stream is 404, with a length and no body", "[http][head]") {
  EndpointFixture fixture;
  const Response head = fixture.send("HEAD", kPath);
  CHECK(head.status == 404);
  CHECK(head["Content-Type"] == "application/problem+json");
  CHECK(head.content_length.value_or(0) > 0);
  CHECK(head.body.empty());
}

TEST_CASE("DELETE removes a stream", "[http][delete]") {
  EndpointFixture fixture;
  fixture.make(kPath, "hello", {{"Stream-Closed", "true"}});
  const Response removed = fixture.send("DELETE", kPath);
  CHECK(removed.status == 204);
  CHECK(removed["Cache-Control"] == "no-store");
  CHECK(fixture.send("GET", kPath).status == 404);
  CHECK(fixture.send("HEAD", kPath).status == 404);
  CHECK(fixture.send("DELETE", kPath).status == 404);
  fixture.make(kPath);
  CHECK(fixture.send("GET", kPath).body.empty());
}

}  // namespace durable_streams::http

// Forks (protocol section 4.2).
#include "tests/http/endpoint_fixture.h"

namespace durable_streams::http {

namespace {

constexpr const char* kSource = "/v1/stream/source";
constexpr const char* kFork = "/v1/stream/fork";

Headers from(const char* source, Headers more = {}) {
  more.push_back({"Stream-Forked-From", source});
  return more;
}

}  // namespace

TEST_CASE("a fork inherits up to its offset, and goes its own way", "[http][fork]") {
  EndpointFixture fixture;
  fixture.make(kSource, "abc");
  fixture.post(kSource, "def");
  const Response created =
      fixture.put(kFork, from(kSource, {{"Stream-Fork-Offset", offset_text(3)}}));
  CHECK(created.status == 201);
  CHECK(created["Content-Type"] == "text/plain");
  CHECK(created["Stream-Next-Offset"] == offset_text(3));
  CHECK_FALSE(created.has("Stream-Forked-From"));
  fixture.post(kFork, "XYZ");
  CHECK(fixture.send("GET", kFork).body == "abcXYZ");
  CHECK(fixture.send("GET", kSource).body == "abcdef");
}

TEST_CASE("the source is a URL path, decoded like any other", "[http][fork]") {
  EndpointFixture fixture;
  fixture.make("/v1/stream/a/b c", "x");
  CHECK(fixture.put("/v1/stream/1", from("/v1/stream/a%2Fb%20c")).status == 201);
  CHECK(fixture.put("/v1/stream/2", from("/v1%2Fstream/a/b%20c")).status == 201);
  CHECK(fixture.put("/v1/stream/3", from("/v1/stream/a%252Fb%20c")).status == 404);
  CHECK(fixture.put("/v1/stream/4", from("/v1/stream/%zz")).status == 400);
}

TEST_CASE("a source outside the endpoint, or that no stream can have, is not found",
          "[http][fork]") {
  EndpointFixture fixture;
  fixture.make(kSource, "x");
  const std::string long_path = "/v1/stream/" + std::string(600, 'x');
  for (const char* source :
       {"", "source", "/v2/stream/source", "/v1/stream/", "/v1/stream/../source", "/v1/stream/none",
        "/v1/stream/__ds/x", long_path.c_str(), "http://example.com/v1/stream/source"}) {
    INFO(source);
    CHECK(fixture.put(kFork, from(source)).status == 404);
  }
}

TEST_CASE("an existing target is compared before the source is looked up", "[http][fork]") {
  EndpointFixture fixture;
  fixture.make(kSource, "abc");
  const std::string two = offset_text(2);
  const Headers full = from(
      kSource, {{"Stream-Fork-Offset", two}, {"Content-Type", "text/plain"}, {"Stream-TTL", "60"}});
  CHECK(fixture.put(kFork, full).status == 201);
  CHECK(fixture.put(kFork, full).status == 200);
  CHECK(fixture.put(kFork, from(kSource)).status == 200);
  CHECK(fixture.put(kFork, from("/elsewhere")).status == 409);
  CHECK(fixture.put(kFork, from("/v1/stream/none")).status == 409);
  CHECK(fixture.put(kFork, from(kSource, {{"Stream-Fork-Offset", offset_text(1)}})).status == 409);
  CHECK(fixture.put(kFork, {{"Content-Type", "text/plain"}}).status == 409);
  fixture.send("DELETE", kSource);
  CHECK(fixture.put(kFork, full).status == 200);
}

TEST_CASE("malformed fork headers are refused", "[http][fork]") {
  EndpointFixture fixture;
  fixture.make(kSource, "abc");
  for (const char* offset : {"", "-1", "now", "abc", "1"}) {
    INFO(offset);
    CHECK(fixture.put(kFork, from(kSource, {{"Stream-Fork-Offset", offset}})).status == 400);
  }
  for (const char* sub : {"", "-1", "abc", "1.5", "05", "+1"}) {
    INFO(sub);
    CHECK(fixture
              .put(kFork, from(kSource, {{"Stream-Fork-Offset", offset_text(0)},
                                         {"Stream-Fork-Sub-Offset", sub}}))
              .status == 400);
  }
  CHECK(fixture.put(kFork, from(kSource, {{"Stream-Fork-Offset", offset_text(9)}})).status == 400);
  CHECK(fixture.put(kFork, from(kSource, {{"Stream-Fork-Sub-Offset", "1"}})).status == 400);
  CHECK(fixture.put(kFork, {{"Stream-Fork-Offset", offset_text(0)}}).status == 400);
  CHECK(fixture.put(kFork, {{"Stream-Fork-Sub-Offset", "0"}}).status == 400);
  CHECK(fixture.put(kFork, from(kSource, {{"Content-Type", "text/html"}})).status == 409);
}

TEST_CASE("sub-offsets count bytes, or messages of JSON", "[http][fork]") {
  EndpointFixture fixture;
  fixture.make(kSource, "abcdef");
  CHECK(fixture
            .put(kFork, from(kSource, {{"Stream-Fork-Offset", offset_text(0)},
                                       {"Stream-Fork-Sub-Offset", "4"}}))
            .status == 201);
  CHECK(fixture.send("GET", kFork).body == "abcd");
  fixture.content_type = "application/json";
  fixture.make("/v1/stream/j", "[1,2,3]");
  CHECK(fixture
            .put("/v1/stream/jf", from("/v1/stream/j", {{"Stream-Fork-Offset", offset_text(0)},
                                                        {"Stream-Fork-Sub-Offset", "2"}}))
            .status == 201);
  fixture.post("/v1/stream/jf", "[4]");
  CHECK(fixture.send("GET", "/v1/stream/jf").body == "[1,\n2,\n4]");
}

TEST_CASE("a deleted source with forks is gone, and blocks its path", "[http][fork]") {
  EndpointFixture fixture;
  fixture.make(kSource, "abc");
  fixture.put(kFork, from(kSource));
  CHECK(fixture.send("DELETE", kSource).status == 204);
  for (const char* method : {"GET", "HEAD", "DELETE"})
    CHECK(fixture.send(method, kSource).status == 410);
  CHECK(fixture.post(kSource, "x").status == 410);
  CHECK(fixture.put(kSource, {{"Content-Type", "text/plain"}}).status == 409);
  CHECK(fixture.put("/v1/stream/other", from(kSource)).status == 409);
  CHECK(fixture.send("GET", kFork).body == "abc");
  CHECK(fixture.send("DELETE", kFork).status == 204);
  CHECK(fixture.send("GET", kSource).status == 404);
  fixture.make(kSource);
}

TEST_CASE("a fork of a closed stream is open, and knows no producer of its source",
          "[http][fork]") {
  EndpointFixture fixture;
  fixture.make(kSource);
  const Headers producer = {{"Producer-Id", "p"}, {"Producer-Epoch", "0"}, {"Producer-Seq", "0"}};
  fixture.post(kSource, "a", producer);
  fixture.post(kSource, "", {{"Stream-Closed", "true"}});
  CHECK_FALSE(fixture.put(kFork, from(kSource)).has("Stream-Closed"));
  CHECK(fixture.post(kFork, "b", producer).status == 200);
  CHECK(fixture.send("GET", kFork).body == "ab");
}

TEST_CASE("a fork's lifetime is its own, or its source's", "[http][fork][expiry]") {
  EndpointFixture fixture;
  fixture.make("/v1/stream/ttl", "", {{"Stream-TTL", "60"}});
  fixture.make("/v1/stream/at", "", {{"Stream-Expires-At", "2030-01-01T00:00:00Z"}});
  fixture.put("/v1/stream/f1", from("/v1/stream/ttl"));
  fixture.put("/v1/stream/f2", from("/v1/stream/at"));
  fixture.put("/v1/stream/f3", from("/v1/stream/at", {{"Stream-TTL", "5"}}));
  CHECK(fixture.send("HEAD", "/v1/stream/f1")["Stream-TTL"] == "60");
  CHECK(fixture.send("HEAD", "/v1/stream/f2")["Stream-Expires-At"] == "2030-01-01T00:00:00Z");
  CHECK(fixture.send("HEAD", "/v1/stream/f3")["Stream-TTL"] == "5");
  CHECK_FALSE(fixture.send("HEAD", "/v1/stream/f3").has("Stream-Expires-At"));
}

TEST_CASE("reading a fork never slides its source", "[http][fork][expiry]") {
  EndpointFixture fixture;
  fixture.make(kSource, "abc", {{"Stream-TTL", "10"}});
  fixture.put(kFork, from(kSource, {{"Stream-TTL", "100"}}));
  fixture.advance(5s);
  fixture.send("GET", kFork);
  fixture.advance(5s);
  CHECK(fixture.send("GET", kSource).status == 410);
  CHECK(fixture.send("GET", kFork).body == "abc");
}

}  // namespace durable_streams::http

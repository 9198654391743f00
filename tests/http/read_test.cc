// GET without waiting (protocol sections 5.6, 8 and 10.1).
#include "tests/http/endpoint_fixture.h"

namespace durable_streams::http {

namespace {

constexpr const char* kPath = "/v1/stream/a";

std::string at(std::string_view offset) {
  return std::string(kPath) + "?offset=" + std::string(offset);
}

std::string at(std::uint64_t position) { return at(offset_text(position)); }

}  // namespace

TEST_CASE("a read brings the bytes, and says where to read on", "[http][read]") {
  EndpointFixture fixture;
  fixture.make(kPath, "hello");
  for (const std::string& target : {std::string(kPath), at("-1"), at("0_0"), at(0)}) {
    const Response response = fixture.send("GET", target);
    CHECK(response.status == 200);
    CHECK(response.body == "hello");
    CHECK(response.content_length == 5);
    CHECK(response["Content-Type"] == "text/plain");
    CHECK(response["Stream-Next-Offset"] == offset_text(5));
    CHECK(response["Stream-Up-To-Date"] == "true");
    CHECK(response["Cache-Control"] == "public, max-age=60, stale-while-revalidate=300");
    CHECK(response["ETag"].front() == '"');
    CHECK_FALSE(response.has("Stream-Closed"));
    CHECK_FALSE(response.has("Stream-Cursor"));
  }
  CHECK(fixture.send("GET", at(2)).body == "llo");
}

TEST_CASE("a read at the tail is empty and up to date", "[http][read]") {
  EndpointFixture fixture;
  fixture.make(kPath, "hello");
  const Response response = fixture.send("GET", at(5));
  CHECK(response.status == 200);
  CHECK(response.body.empty());
  CHECK(response["Stream-Next-Offset"] == offset_text(5));
  CHECK(response["Stream-Up-To-Date"] == "true");
}

TEST_CASE("a read beyond the tail is empty, and tells the tail", "[http][read]") {
  EndpointFixture fixture;
  fixture.make(kPath, "hello");
  const Response response = fixture.send("GET", at(99));
  CHECK(response.status == 200);
  CHECK(response.body.empty());
  CHECK(response["Stream-Next-Offset"] == offset_text(5));
}

TEST_CASE("a read from now brings nothing, and no cache keeps it", "[http][read]") {
  EndpointFixture fixture;
  fixture.make(kPath, "hello");
  const Response response = fixture.send("GET", at("now"), {{"If-None-Match", "*"}});
  CHECK(response.status == 200);
  CHECK(response.body.empty());
  CHECK(response["Stream-Next-Offset"] == offset_text(5));
  CHECK(response["Stream-Up-To-Date"] == "true");
  CHECK(response["Cache-Control"] == "no-store");
  CHECK_FALSE(response.has("ETag"));
  fixture.post(kPath, "", {{"Stream-Closed", "true"}});
  CHECK(fixture.send("GET", at("now"))["Stream-Closed"] == "true");
}

TEST_CASE("malformed queries are refused", "[http][read]") {
  EndpointFixture fixture;
  fixture.make(kPath, "hello");
  for (const char* query : {"offset=", "offset", "offset=abc", "offset=1,2", "offset=0%200",
                            "offset=-2", "offset=0_0&offset=0_0", "live=long-poll", "live=sse",
                            "live=poll&offset=-1", "live=&offset=-1"}) {
    INFO(query);
    CHECK(fixture.send("GET", std::string(kPath) + "?" + query).status == 400);
  }
  CHECK(fixture.send("GET", std::string(kPath) + "?unknown=1&&x").status == 200);
}

TEST_CASE("reads are paged, and only the last page is up to date", "[http][read]") {
  EndpointFixture fixture({.chunk_bytes_max = 20});
  fixture.make(kPath, "0123456789", {{"Stream-Closed", "false"}});
  fixture.post(kPath, "abcdefgh");
  fixture.post(kPath, "xyz", {{"Stream-Closed", "true"}});
  const Response first = fixture.send("GET", kPath);
  CHECK(first.body == "0123456789abcdefgh");
  CHECK(first["Stream-Next-Offset"] == offset_text(18));
  CHECK_FALSE(first.has("Stream-Up-To-Date"));
  CHECK_FALSE(first.has("Stream-Closed"));
  const Response last = fixture.send("GET", at(18));
  CHECK(last.body == "xyz");
  CHECK(last["Stream-Up-To-Date"] == "true");
  CHECK(last["Stream-Closed"] == "true");
  const Response end = fixture.send("GET", at(21));
  CHECK(end.body.empty());
  CHECK(end["Stream-Closed"] == "true");
}

TEST_CASE("an append larger than a page is continued", "[http][read]") {
  EndpointFixture fixture({.chunk_bytes_max = 16});
  const std::string content = std::string(40, 'x') + "end";
  fixture.make(kPath, content);
  std::string all;
  std::string next = "-1";
  for (bool more = true; more;) {
    const Response page = fixture.send("GET", at(next));
    all += page.body;
    next = page["Stream-Next-Offset"];
    more = !page.has("Stream-Up-To-Date");
  }
  CHECK(all == content);
}

TEST_CASE("JSON is read as one array", "[http][read][json]") {
  EndpointFixture fixture;
  fixture.content_type = "application/json";
  fixture.make(kPath);
  CHECK(fixture.send("GET", kPath).body == "[]");
  CHECK(fixture.send("GET", at("now")).body == "[]");
  fixture.post(kPath, R"([{"a":1},2])");
  const std::string middle = fixture.post(kPath, "3")["Stream-Next-Offset"];
  const Response all = fixture.send("GET", kPath);
  CHECK(all.body == "[{\"a\":1},\n2,\n3]");
  CHECK(all["Content-Type"] == "application/json");
  CHECK(fixture.send("GET", at(9)).body == "[2,\n3]");
  CHECK(fixture.send("GET", at(middle)).body == "[]");
  CHECK(fixture.send("GET", at(3)).status == 400);
}

TEST_CASE("a JSON message larger than a page comes whole", "[http][read][json]") {
  EndpointFixture fixture({.chunk_bytes_max = 16});
  fixture.content_type = "application/json";
  const std::string large = '"' + std::string(100, 'x') + '"';
  fixture.make(kPath, "[1," + large + ",2]");
  const Response first = fixture.send("GET", kPath);
  CHECK(first.body == "[1]");
  const Response second = fixture.send("GET", at(first["Stream-Next-Offset"]));
  CHECK(second.body == "[" + large + "]");
  CHECK(fixture.send("GET", at(second["Stream-Next-Offset"])).body == "[2]");
}

TEST_CASE("a tag that matches is answered 304, and the read counts", "[http][read][etag]") {
  EndpointFixture fixture;
  fixture.make(kPath, "hello", {{"Stream-TTL", "10"}});
  const std::string etag = fixture.send("GET", kPath)["ETag"];
  for (const std::string& value : {etag, "W/" + etag, std::string("*"), "\"x\", " + etag}) {
    const Response response = fixture.send("GET", kPath, {{"If-None-Match", value}});
    CHECK(response.status == 304);
    CHECK(response["ETag"] == etag);
    CHECK(response["Cache-Control"] == "public, max-age=10");
    CHECK_FALSE(response.has("Content-Type"));
  }
  CHECK(fixture.send("GET", kPath, {{"If-None-Match", "\"x\""}, {"If-None-Match", etag}}).status ==
        304);
  CHECK(fixture.send("GET", kPath, {{"If-None-Match", "\"x\""}}).status == 200);
  CHECK(fixture.slides("a", [&] { fixture.send("GET", kPath, {{"If-None-Match", etag}}); }));
}

TEST_CASE("a tag differs by range, closure and creation", "[http][read][etag]") {
  EndpointFixture fixture;
  fixture.make(kPath, "hello");
  std::vector<std::string> tags = {fixture.send("GET", kPath)["ETag"]};
  tags.push_back(fixture.send("GET", at(2))["ETag"]);
  fixture.post(kPath, " you");
  tags.push_back(fixture.send("GET", kPath)["ETag"]);
  fixture.post(kPath, "", {{"Stream-Closed", "true"}});
  tags.push_back(fixture.send("GET", kPath)["ETag"]);
  fixture.send("DELETE", kPath);
  fixture.make(kPath, "hello");
  tags.push_back(fixture.send("GET", kPath)["ETag"]);
  std::sort(tags.begin(), tags.end());
  CHECK(std::unique(tags.begin(), tags.end()) == tags.end());
}

TEST_CASE("caches keep nothing longer than the stream lives", "[http][read][cache]") {
  EndpointFixture fixture;
  fixture.make("/v1/stream/ttl", "x", {{"Stream-TTL", "100"}});
  fixture.make("/v1/stream/at", "x", {{"Stream-Expires-At", "2025-01-01T00:00:30Z"}});
  fixture.advance(10s);
  CHECK(fixture.send("GET", "/v1/stream/ttl")["Cache-Control"] ==
        "public, max-age=60, stale-while-revalidate=40");
  CHECK(fixture.send("GET", "/v1/stream/at")["Cache-Control"] == "public, max-age=20");
  fixture.advance(19'500ms);
  CHECK(fixture.send("GET", "/v1/stream/at")["Cache-Control"] == "no-store");
}

TEST_CASE("an endpoint of confidential streams marks reads private", "[http][read][cache]") {
  EndpointFixture fixture({.public_cache = false});
  fixture.make(kPath, "x");
  CHECK(fixture.send("GET", kPath)["Cache-Control"] ==
        "private, max-age=60, stale-while-revalidate=300");
}

TEST_CASE("every read slides the TTL", "[http][read][expiry]") {
  EndpointFixture fixture;
  fixture.make(kPath, "hello", {{"Stream-TTL", "10"}});
  for (const std::string& target : {std::string(kPath), at("now"), at(5), at(99)}) {
    CHECK(fixture.slides("a", [&] { fixture.send("GET", target); }));
  }
  CHECK_FALSE(fixture.slides("a", [&] { fixture.send("GET", at("nonsense")); }));
}

TEST_CASE("a missing stream is 404, an expired one too", "[http][read]") {
  EndpointFixture fixture;
  CHECK(fixture.send("GET", kPath).status == 404);
  CHECK(fixture.send("GET", at("now")).status == 404);
  fixture.make(kPath, "x", {{"Stream-TTL", "1"}});
  fixture.advance(1s);
  CHECK(fixture.send("GET", kPath).status == 404);
}

TEST_CASE("a full sink gets its page all the same", "[http][read][backpressure]") {
  EndpointFixture fixture;
  fixture.make(kPath, "hello");
  Call call;
  call.sink.is_full = true;
  call.exchange = fixture.endpoint->start({.method = "GET", .target = kPath}, call.sink);
  CHECK(call.response().finished);
  CHECK(call.response().body == "hello");
}

}  // namespace durable_streams::http

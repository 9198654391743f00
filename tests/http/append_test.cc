// POST (protocol sections 5.2 and 5.3).
#include "tests/http/endpoint_fixture.h"

namespace durable_streams::http {

namespace {

constexpr const char* kPath = "/v1/stream/a";

Headers producer(const char* id, const char* epoch, const char* seq, Headers more = {}) {
  more.push_back({"Producer-Id", id});
  more.push_back({"Producer-Epoch", epoch});
  more.push_back({"Producer-Seq", seq});
  return more;
}

const Headers kClose = {{"Stream-Closed", "true"}};

}  // namespace

TEST_CASE("an append answers 204 with the new tail", "[http][append]") {
  EndpointFixture fixture;
  fixture.make(kPath);
  const Response appended = fixture.post(kPath, "hello");
  CHECK(appended.status == 204);
  CHECK(appended["Stream-Next-Offset"] == offset_text(5));
  CHECK(appended["Cache-Control"] == "no-store");
  CHECK_FALSE(appended.has("Stream-Closed"));
  CHECK_FALSE(appended.has("Content-Type"));
  CHECK(fixture.send("GET", kPath).body == "hello");
}

TEST_CASE("a missing stream is told before what else is wrong with an append", "[http][append]") {
  EndpointFixture fixture;
  CHECK(fixture.post(kPath, "x").status == 404);
  CHECK(fixture.post(kPath, "").status == 404);
  CHECK(fixture.post(kPath, "x", {{"Producer-Id", "p"}}).status == 404);
  CHECK(fixture.post(kPath, "x", {{"Stream-Seq", ""}}).status == 404);
  fixture.make(kPath);
  fixture.make("/v1/stream/fork", {}, {{"Stream-Forked-From", kPath}});
  fixture.send("DELETE", kPath);
  CHECK(fixture.post(kPath, "x").status == 410);
  CHECK(fixture.post(kPath, "x", {{"Producer-Id", "p"}}).status == 410);
}

TEST_CASE("malformed headers are told before closure", "[http][append]") {
  EndpointFixture fixture;
  fixture.make(kPath, "x", kClose);
  CHECK(fixture.post(kPath, "x", {{"Producer-Id", "p"}}).status == 400);
  CHECK(fixture.post(kPath, "").status == 400);
  CHECK(fixture.post(kPath, "x").status == 409);
}

TEST_CASE("an append needs a body unless it closes", "[http][append]") {
  EndpointFixture fixture;
  fixture.make(kPath);
  CHECK(fixture.post(kPath, "").status == 400);
  CHECK(fixture.post(kPath, "", {{"Stream-Closed", "yes"}}).status == 400);
  CHECK(fixture.post(kPath, "", kClose).status == 204);
}

TEST_CASE("an append needs the stream's content type", "[http][append]") {
  EndpointFixture fixture;
  fixture.make(kPath);
  CHECK(fixture.send("POST", kPath, {}, "x").status == 400);
  CHECK(fixture.send("POST", kPath, {{"Content-Type", ""}}, "x").status == 400);
  CHECK(fixture.send("POST", kPath, {{"Content-Type", "text/html"}}, "x").status == 409);
  CHECK(fixture.send("POST", kPath, {{"Content-Type", "TEXT/plain;a=b"}}, "x").status == 204);
  CHECK(fixture.send("POST", kPath, {{"Content-Type", "a/b"}, {"Stream-Closed", "true"}}).status ==
        204);
}

TEST_CASE("a closed stream refuses appends, and says where it ends", "[http][append][close]") {
  EndpointFixture fixture;
  fixture.make(kPath, "abc", kClose);
  for (const Headers& headers : {Headers{}, kClose, producer("p", "0", "0")}) {
    const Response refused = fixture.post(kPath, "x", headers);
    CHECK(refused.status == 409);
    CHECK(refused["Stream-Closed"] == "true");
    CHECK(refused["Stream-Next-Offset"] == offset_text(3));
  }
  CHECK(fixture.send("POST", kPath, {{"Content-Type", "text/html"}}, "x")["Stream-Closed"] ==
        "true");
}

TEST_CASE("closing is idempotent, and may bring the last bytes", "[http][append][close]") {
  EndpointFixture fixture;
  fixture.make(kPath);
  const Response closed = fixture.post(kPath, "end", kClose);
  CHECK(closed.status == 204);
  CHECK(closed["Stream-Closed"] == "true");
  CHECK(closed["Stream-Next-Offset"] == offset_text(3));
  const Response again = fixture.post(kPath, "", kClose);
  CHECK(again.status == 204);
  CHECK(again["Stream-Closed"] == "true");
  CHECK(again["Stream-Next-Offset"] == offset_text(3));
  CHECK(fixture.post("/v1/stream/none", "", kClose).status == 404);
}

TEST_CASE("a producer's new data is 200, its retry 204", "[http][append][producer]") {
  EndpointFixture fixture;
  fixture.make(kPath);
  const Response first = fixture.post(kPath, "a", producer("p", "0", "0"));
  CHECK(first.status == 200);
  CHECK(first.content_length == 0);
  CHECK(first["Producer-Epoch"] == "0");
  CHECK(first["Producer-Seq"] == "0");
  CHECK(first["Stream-Next-Offset"] == offset_text(1));
  CHECK(fixture.post(kPath, "b", producer("p", "0", "1")).status == 200);
  const Response retried = fixture.post(kPath, "a", producer("p", "0", "0"));
  CHECK(retried.status == 204);
  CHECK(retried["Producer-Seq"] == "1");
  CHECK(retried["Stream-Next-Offset"] == offset_text(2));
  CHECK(fixture.send("GET", kPath).body == "ab");
}

TEST_CASE("producers are fenced, and their gaps told", "[http][append][producer]") {
  EndpointFixture fixture;
  fixture.make(kPath);
  CHECK(fixture.post(kPath, "a", producer("p", "1", "0")).status == 200);
  const Response stale = fixture.post(kPath, "b", producer("p", "0", "0"));
  CHECK(stale.status == 403);
  CHECK(stale["Producer-Epoch"] == "1");
  const Response gap = fixture.post(kPath, "b", producer("p", "1", "3"));
  CHECK(gap.status == 409);
  CHECK(gap["Producer-Expected-Seq"] == "1");
  CHECK(gap["Producer-Received-Seq"] == "3");
  CHECK(fixture.post(kPath, "b", producer("p", "2", "1")).status == 400);
  const Response unknown = fixture.post(kPath, "b", producer("q", "0", "2"));
  CHECK(unknown.status == 409);
  CHECK(unknown["Producer-Expected-Seq"] == "0");
  CHECK(fixture.send("GET", kPath).body == "a");
}

TEST_CASE("a producer's close is never 200 without a body", "[http][append][producer][close]") {
  EndpointFixture fixture;
  fixture.make(kPath);
  CHECK(fixture.post(kPath, "a", producer("p", "0", "0")).status == 200);
  const Response closed = fixture.post(kPath, "", producer("p", "0", "1", kClose));
  CHECK(closed.status == 204);
  CHECK(closed["Producer-Seq"] == "1");
  CHECK(closed["Stream-Closed"] == "true");
  const Response again = fixture.post(kPath, "", producer("p", "0", "1", kClose));
  CHECK(again.status == 204);
  CHECK(again["Stream-Closed"] == "true");
  CHECK(fixture.post(kPath, "", producer("p", "0", "2", kClose)).status == 409);
  CHECK(fixture.post(kPath, "", producer("q", "0", "0", kClose)).status == 409);
}

TEST_CASE("a producer's last append and close are retried as one", "[http][append][producer]") {
  EndpointFixture fixture;
  fixture.make(kPath);
  CHECK(fixture.post(kPath, "end", producer("p", "0", "0", kClose)).status == 200);
  const Response again = fixture.post(kPath, "else", producer("p", "0", "0", kClose));
  CHECK(again.status == 204);
  CHECK(again["Stream-Closed"] == "true");
  CHECK(fixture.send("GET", kPath).body == "end");
}

TEST_CASE("producer headers come together, and well formed", "[http][append][producer]") {
  EndpointFixture fixture;
  fixture.make(kPath);
  const auto status = [&](const Headers& headers) {
    return fixture.post(kPath, "x", headers).status;
  };
  CHECK(status({{"Producer-Id", "p"}}) == 400);
  CHECK(status({{"Producer-Epoch", "0"}, {"Producer-Seq", "0"}}) == 400);
  CHECK(status(producer("", "0", "0")) == 400);
  for (const char* bad : {"", "-1", "+0", "1.0", "1e3", "0x1", "1abc", "9007199254740992"}) {
    INFO(bad);
    CHECK(status(producer("p", bad, "0")) == 400);
    CHECK(status(producer("p", "0", bad)) == 400);
  }
  CHECK(status(producer("p", "0", "0", {{"Producer-Seq", "0"}})) == 400);
  const std::string longest(256, 'p');
  const std::string too_long(257, 'p');
  CHECK(status(producer(too_long.c_str(), "0", "0")) == 400);
  CHECK(status(producer(longest.c_str(), "0", "0")) == 200);
  CHECK(status(producer("p", "9007199254740991", "0")) == 200);
}

TEST_CASE("a producer too many is told which limit it met, and when to come again",
          "[http][append][producer]") {
  EndpointFixture fixture({}, {.producers_per_stream_max = 1});
  fixture.make(kPath);
  CHECK(fixture.post(kPath, "x", producer("p", "0", "0")).status == 200);
  const Response refused = fixture.post(kPath, "x", producer("q", "0", "0"));
  CHECK(refused.status == 429);
  CHECK(refused.has("Retry-After"));
  CHECK(refused.body.find("producers_per_stream_max") != std::string::npos);
  CHECK(refused.body.find("\"code\":\"too_many\"") != std::string::npos);
  CHECK(fixture.post(kPath, "x", producer("p", "0", "1")).status == 200);
}

TEST_CASE("Stream-Seq increases byte by byte", "[http][append][stream-seq]") {
  EndpointFixture fixture;
  fixture.make(kPath);
  const auto status = [&](const std::string& seq) {
    return fixture.post(kPath, "x", {{"Stream-Seq", seq}}).status;
  };
  CHECK(status("") == 400);
  CHECK(status(std::string(257, 'a')) == 400);
  CHECK(status("09") == 204);
  CHECK(status("10") == 204);
  CHECK(status("10") == 409);
  CHECK(status("1") == 409);
  CHECK(status("2") == 204);
  CHECK(status("B") == 204);
  CHECK(status("a") == 204);
  CHECK(status("C") == 409);
  CHECK(status(std::string(256, 'b')) == 204);
}

TEST_CASE("a refused append changes nothing", "[http][append]") {
  EndpointFixture fixture;
  fixture.make(kPath, "", {{"Stream-TTL", "10"}});
  fixture.post(kPath, "a", producer("p", "0", "0", {{"Stream-Seq", "5"}}));
  CHECK_FALSE(fixture.slides("a", [&] {
    fixture.post(kPath, "b", producer("p", "0", "1", {{"Stream-Seq", "4"}}));
    fixture.post(kPath, "b", {{"Stream-Seq", ""}});
    fixture.send("POST", kPath, {{"Content-Type", "text/html"}}, "b");
  }));
  CHECK(fixture.post(kPath, "b", producer("p", "0", "1", {{"Stream-Seq", "6"}})).status == 200);
}

TEST_CASE("appends slide the TTL, retries and repeated closes too", "[http][append][expiry]") {
  EndpointFixture fixture;
  fixture.make(kPath, "", {{"Stream-TTL", "10"}});
  CHECK(fixture.slides("a", [&] { fixture.post(kPath, "a", producer("p", "0", "0")); }));
  CHECK(fixture.slides("a", [&] { fixture.post(kPath, "a", producer("p", "0", "0")); }));
  CHECK(fixture.slides("a", [&] { fixture.post(kPath, "", producer("p", "0", "1", kClose)); }));
  CHECK(fixture.slides("a", [&] { fixture.post(kPath, "", producer("p", "0", "1", kClose)); }));
  CHECK(fixture.slides("a", [&] { fixture.post(kPath, "", kClose); }));
  CHECK_FALSE(fixture.slides("a", [&] { fixture.post(kPath, "x"); }));
}

TEST_CASE("JSON appends are validated, flattened once, and kept as sent", "[http][append][json]") {
  EndpointFixture fixture;
  fixture.content_type = "application/json";
  fixture.make(kPath);
  for (const char* bad : {"{", "NaN", "[1,]", "1 2", "\"\x01\"", "\"\xff\"", "\xEF\xBB\xBF{}"}) {
    INFO(bad);
    const Response refused = fixture.post(kPath, bad);
    CHECK(refused.status == 400);
    CHECK(refused.body.find("invalid_json") != std::string::npos);
  }
  CHECK(fixture.post(kPath, "[]").status == 400);
  CHECK(fixture.post(kPath, R"( { "a" : 1e400 } )").status == 204);
  CHECK(fixture.post(kPath, R"([[1,2],[3]])").status == 204);
  CHECK(fixture.post(kPath, R"([[[1,2,3]]])").status == 204);
  CHECK(fixture.post(kPath, R"("\ud83d")").status == 204);
  CHECK(fixture.send("GET", kPath).body ==
        "[{\"a\":1e400},\n[1,2],\n[3],\n[[1,2,3]],\n\"\\ud83d\"]");
}

TEST_CASE("an append over the limit is refused by its length, or when it has come",
          "[http][append]") {
  EndpointFixture fixture({.body_bytes_max = 10});
  fixture.make(kPath);
  const Headers headers = {{"Content-Type", "text/plain"}};
  const auto early =
      fixture.open({.method = "POST", .target = kPath, .headers = headers, .content_length = 11});
  CHECK(early->response().status == 413);
  CHECK_FALSE(early->exchange.wants_body());
  CHECK(fixture.post(kPath, "12345678901").status == 413);
  CHECK(fixture.post(kPath, "1234567890").status == 204);
}

TEST_CASE("a head that is refused needs no body", "[http][append]") {
  EndpointFixture fixture;
  fixture.make(kPath);
  const auto refused = fixture.open("POST", kPath, {{"Producer-Id", "p"}});
  CHECK_FALSE(refused->exchange.wants_body());
  CHECK(refused->response().status == 400);
  refused->exchange.body("late", false);
  refused->exchange.body({}, true);
  CHECK(fixture.send("GET", kPath).body.empty());
  const auto fine = fixture.open("POST", kPath, {{"Content-Type", "text/plain"}});
  CHECK(fine->exchange.wants_body());
}

TEST_CASE("a body that waits to be sent is not asked for where there is no stream",
          "[http][append]") {
  EndpointFixture fixture;
  fixture.make("/v1/stream/there");
  const Headers headers = {{"Content-Type", "text/plain"}};
  const auto post = [&](std::string_view target, bool held_back) {
    return fixture.open({.method = "POST",
                         .target = target,
                         .headers = headers,
                         .content_length = 4,
                         .body_held_back = held_back});
  };
  const auto absent = post("/v1/stream/none", true);
  CHECK(absent->response().status == 404);
  CHECK_FALSE(absent->exchange.wants_body());
  CHECK(post("/v1/stream/there", true)->exchange.wants_body());
  CHECK(post("/v1/stream/none", false)->exchange.wants_body());

  fixture.put("/v1/stream/fork",
              {{"Content-Type", "text/plain"}, {"Stream-Forked-From", "/v1/stream/there"}});
  fixture.send("DELETE", "/v1/stream/there");
  CHECK(post("/v1/stream/there", true)->response().status == 410);
}

TEST_CASE("the engine's limits are 413 and 429, and say when to come again",
          "[http][append][create]") {
  EndpointFixture fixture({},
                          {.streams_max = 1, .stream_bytes_max = 4, .waiters_per_stream_max = 1});
  fixture.make("/v1/stream/a", "1234");
  const Response full = fixture.post("/v1/stream/a", "5");
  CHECK(full.status == 413);
  CHECK(full.body.find("at most 4 bytes") != std::string::npos);
  const Response many = fixture.put("/v1/stream/b");
  CHECK(many.status == 429);
  CHECK(many.has("Retry-After"));
  const auto waiting = fixture.get("/v1/stream/a?offset=0_4&live=long-poll");
  CHECK_FALSE(waiting->response().finished);
  for (const char* live : {"long-poll", "sse"}) {
    const auto second = fixture.get(std::string("/v1/stream/a?offset=0_4&live=") + live);
    CHECK(second->response().status == 429);
    CHECK(second->response().has("Retry-After"));
  }
  CHECK_FALSE(waiting->response().finished);
  CHECK(fixture.get("/v1/stream/a?offset=-1&live=long-poll")->response().status == 200);
}

}  // namespace durable_streams::http

// PUT (protocol section 5.1).
#include "tests/http/endpoint_fixture.h"

namespace durable_streams::http {

namespace {

constexpr const char* kPath = "/v1/stream/a";

Headers text(Headers more = {}) {
  more.push_back({"Content-Type", "text/plain"});
  return more;
}

}  // namespace

TEST_CASE("a create answers 201 with the stream's URL, type and tail", "[http][create]") {
  EndpointFixture fixture;
  const Response created = fixture.put(kPath, text(), "hello");
  CHECK(created.status == 201);
  CHECK(created["Location"] == "http://example.com/v1/stream/a");
  CHECK(created["Content-Type"] == "text/plain");
  CHECK(created["Stream-Next-Offset"] == offset_text(5));
  CHECK(created["Cache-Control"] == "no-store");
  CHECK_FALSE(created.has("Stream-Closed"));
  CHECK(created.content_length == 0);
  CHECK(fixture.send("GET", kPath).body == "hello");
}

TEST_CASE("a create of what exists answers 200, and ignores its body", "[http][create]") {
  EndpointFixture fixture;
  fixture.put(kPath, text(), "hello");
  const Response again = fixture.put(kPath, text(), "other");
  CHECK(again.status == 200);
  CHECK_FALSE(again.has("Location"));
  CHECK(again["Content-Type"] == "text/plain");
  CHECK(again["Stream-Next-Offset"] == offset_text(5));
  CHECK(fixture.send("GET", kPath).body == "hello");
}

TEST_CASE("a create that differs from what exists is a conflict", "[http][create]") {
  EndpointFixture fixture;
  fixture.put(kPath, text({{"Stream-TTL", "60"}}));
  CHECK(fixture.put(kPath, text({{"Stream-TTL", "60"}})).status == 200);
  CHECK(fixture.put(kPath, text({{"Stream-TTL", "61"}})).status == 409);
  CHECK(fixture.put(kPath, text()).status == 409);
  CHECK(fixture.put(kPath, {{"Stream-TTL", "60"}, {"Content-Type", "text/html"}}).status == 409);
  CHECK(fixture.put(kPath, text({{"Stream-TTL", "60"}, {"Stream-Closed", "true"}})).status == 409);
}

TEST_CASE("of content types only type and subtype count, in whatever case", "[http][create]") {
  EndpointFixture fixture;
  fixture.put(kPath, {{"content-type", "Text/Plain; charset=utf-8"}});
  CHECK(fixture.put(kPath, {{"CONTENT-TYPE", "text/plain"}}).status == 200);
  CHECK(fixture.send("GET", kPath)["Content-Type"] == "Text/Plain; charset=utf-8");
  CHECK(fixture.put("/v1/stream/b", {{"Content-Type", "nonsense"}}).status == 400);
}

TEST_CASE("a stream without a content type holds application/octet-stream", "[http][create]") {
  EndpointFixture fixture;
  CHECK(fixture.put(kPath)["Content-Type"] == "application/octet-stream");
  CHECK(fixture.put(kPath, {{"Content-Type", ""}}).status == 200);
  CHECK(fixture.put(kPath, {{"Content-Type", "application/octet-stream"}}).status == 200);
}

TEST_CASE("a stream may be created closed, with its whole content", "[http][create]") {
  EndpointFixture fixture;
  const Response created = fixture.put(kPath, text({{"Stream-Closed", "TRUE"}}), "all");
  CHECK(created.status == 201);
  CHECK(created["Stream-Closed"] == "true");
  CHECK(fixture.send("GET", kPath)["Stream-Closed"] == "true");
  CHECK(fixture.put(kPath, text({{"Stream-Closed", "true"}})).status == 200);
  CHECK(fixture.put(kPath, text()).status == 409);
}

TEST_CASE("values of Stream-Closed other than true are ignored", "[http][create]") {
  EndpointFixture fixture;
  int number = 0;
  for (const char* value : {"false", "yes", "1", "", "true, true", "truee"}) {
    const std::string path = "/v1/stream/" + std::to_string(number++);
    const Response created = fixture.put(path, text({{"Stream-Closed", value}}));
    CHECK(created.status == 201);
    CHECK_FALSE(created.has("Stream-Closed"));
  }
  CHECK_FALSE(
      fixture.put("/v1/stream/twice", text({{"Stream-Closed", "true"}, {"Stream-Closed", "true"}}))
          .has("Stream-Closed"));
}

TEST_CASE("Stream-TTL is a plain decimal number", "[http][create][expiry]") {
  EndpointFixture fixture;
  for (const char* value :
       {"", "-1", "+1", "01", "1.0", "1e3", "abc", "1 ", "99999999999999999999"}) {
    INFO(value);
    CHECK(fixture.put(kPath, text({{"Stream-TTL", value}})).status == 400);
  }
  CHECK(fixture.send("HEAD", kPath).status == 404);
  CHECK(fixture.put(kPath, text({{"Stream-TTL", "3600"}})).status == 201);
  CHECK(fixture.send("HEAD", kPath)["Stream-TTL"] == "3600");
}

TEST_CASE("Stream-Expires-At is RFC 3339, with any offset and fraction", "[http][create][expiry]") {
  EndpointFixture fixture;
  for (const char* value : {"", "tomorrow", "2030-13-01T00:00:00Z", "1893456000"}) {
    INFO(value);
    CHECK(fixture.put(kPath, text({{"Stream-Expires-At", value}})).status == 400);
  }
  CHECK(fixture.put(kPath, text({{"Stream-Expires-At", "2030-01-01T02:00:00.250+02:00"}})).status ==
        201);
  CHECK(fixture.send("HEAD", kPath)["Stream-Expires-At"] == "2030-01-01T00:00:00.250Z");
  CHECK(fixture.put(kPath, text({{"Stream-Expires-At", "2030-01-01T00:00:00.25Z"}})).status == 200);
}

TEST_CASE("a TTL and an expiry time exclude each other", "[http][create][expiry]") {
  EndpointFixture fixture;
  CHECK(
      fixture.put(kPath, text({{"Stream-TTL", "5"}, {"Stream-Expires-At", "2030-01-01T00:00:00Z"}}))
          .status == 400);
}

TEST_CASE("a TTL of 0 or a past time: created, and expired at once", "[http][create][expiry]") {
  EndpointFixture fixture;
  CHECK(fixture.put(kPath, text({{"Stream-TTL", "0"}})).status == 201);
  CHECK(fixture.send("GET", kPath).status == 404);
  CHECK(fixture.put(kPath, text({{"Stream-Expires-At", "2001-01-01T00:00:00Z"}})).status == 201);
  CHECK(fixture.send("HEAD", kPath).status == 404);
  CHECK(fixture.put(kPath, text()).status == 201);
}

TEST_CASE("an idempotent create slides the TTL, a refused one does not", "[http][create][expiry]") {
  EndpointFixture fixture;
  fixture.put(kPath, text({{"Stream-TTL", "10"}}));
  CHECK(fixture.slides("a", [&] { fixture.put(kPath, text({{"Stream-TTL", "10"}})); }));
  CHECK_FALSE(fixture.slides("a", [&] { fixture.put(kPath, text()); }));
}

TEST_CASE("a header that has one value may not be repeated", "[http][create]") {
  EndpointFixture fixture;
  CHECK(fixture.put(kPath, {{"Stream-TTL", "5"}, {"Stream-TTL", "5"}}).status == 400);
  CHECK(fixture.put(kPath, text({{"Content-Type", "text/plain"}})).status == 400);
}

TEST_CASE("JSON bodies of a create are checked; an empty array creates an empty stream",
          "[http][create][json]") {
  EndpointFixture fixture;
  const Headers json = {{"Content-Type", "application/json"}};
  CHECK(fixture.put(kPath, json, "{nope").status == 400);
  CHECK(fixture.send("HEAD", kPath).status == 404);
  CHECK(fixture.put(kPath, json, "[]")["Stream-Next-Offset"] == offset_text(0));
  CHECK(fixture.put("/v1/stream/b", json, "[1, 2]").status == 201);
  CHECK(fixture.send("GET", "/v1/stream/b").body == "[1,\n2]");
}

TEST_CASE("the location has the host and scheme that the client used", "[http][create]") {
  EndpointFixture fixture;
  const auto location = [&](std::string_view target, const Headers& headers, bool trusted,
                            std::string_view scheme = "http") {
    static int number = 0;
    const std::string unique = std::string(target) + std::to_string(number++);
    const std::string found = fixture.send({.method = "PUT",
                                            .target = unique,
                                            .headers = headers,
                                            .scheme = scheme,
                                            .trusted_proxy = trusted})["Location"];
    REQUIRE(found.ends_with(std::to_string(number - 1)));
    return found.substr(0, found.size() - std::to_string(number - 1).size());
  };
  const Headers forwarded = {{"Host", "inner:4437"},
                             {"X-Forwarded-Proto", "https, http"},
                             {"X-Forwarded-Host", "outer.example, middle"}};
  CHECK(location(kPath, forwarded, false) == "http://inner:4437/v1/stream/a");
  CHECK(location(kPath, forwarded, true) == "https://outer.example/v1/stream/a");
  CHECK(location(kPath, {{"Host", "h"}}, true, "https") == "https://h/v1/stream/a");
  CHECK(location(kPath, {}, false) == "/v1/stream/a");
  for (const std::string_view host : {"a b\"<>", "user@h", "h:x", "[::1", "a%zz"}) {
    CHECK(location(kPath, {{"Host", host}}, false) == "/v1/stream/a");
    CHECK(location(kPath, {{"Host", "h"}, {"X-Forwarded-Host", host}}, true) ==
          "http://h/v1/stream/a");
  }
  CHECK(location("http://abs.example/v1/stream/x%20y", {{"Host", "other"}}, false) ==
        "http://abs.example/v1/stream/x%20y");
}

TEST_CASE("the location spells a path in one way, however it was sent", "[http][create]") {
  EndpointFixture fixture;
  const auto location = [&](std::string_view target) {
    return fixture.send({.method = "PUT", .target = target})["Location"];
  };
  CHECK(location("/v1/stream/%61%2fb%2Dc") == "/v1/stream/a/b-c");
  CHECK(location("/v1/stream/\xC3\xA4") == "/v1/stream/%C3%A4");
  CHECK(location("/v1/stream/%c3%bc") == "/v1/stream/%C3%BC");
  CHECK(location("/v1/stream/a%25b%3Fc%23d%20e%22") == "/v1/stream/a%25b%3Fc%23d%20e%22");
  CHECK(location("/v1/stream/a\"<>\\^`{|}b") == "/v1/stream/a%22%3C%3E%5C%5E%60%7B%7C%7Db");
  CHECK(location("/v1/stream/%0D%0AX:%20y") == "/v1/stream/%0D%0AX:%20y");
  CHECK(location("/v1/stream/-._~!$&'()*+,;=:@") == "/v1/stream/-._~!$&'()*+,;=:@");
  CHECK(location("/v1/%73tream/c?offset=-1") == "/v1/stream/c");
  EndpointFixture spaced({.prefix = "/my streams/"});
  CHECK(spaced.send({.method = "PUT", .target = "/my%20streams/a"})["Location"] ==
        "/my%20streams/a");
}

TEST_CASE("a body that is announced to be over the limit is refused before it comes",
          "[http][create]") {
  EndpointFixture fixture({.body_bytes_max = 10});
  const auto call = fixture.open("PUT", kPath, text());
  call->exchange.body("12345", false);
  call->exchange.announce(5);
  CHECK(call->exchange.wants_body());
  call->exchange.announce(6);
  CHECK(call->response().status == 413);
  CHECK_FALSE(call->exchange.wants_body());
  call->exchange.announce(7);
}

TEST_CASE("a body over the limit is refused by its length, or when it has come", "[http][create]") {
  EndpointFixture fixture({.body_bytes_max = 10});
  const Headers headers = text();
  const auto early =
      fixture.open({.method = "PUT", .target = kPath, .headers = headers, .content_length = 11});
  CHECK(early->response().status == 413);
  CHECK_FALSE(early->exchange.wants_body());
  early->exchange.body("more", false);
  early->exchange.body("and more", true);
  const auto late = fixture.open("PUT", kPath, headers);
  late->exchange.body("123456", false);
  CHECK_FALSE(late->response().started);
  late->exchange.body("78901", false);
  CHECK(late->response().status == 413);
  CHECK_FALSE(late->exchange.wants_body());
  CHECK(fixture.put(kPath, headers, "12345678901").status == 413);
  CHECK(fixture.put(kPath, headers, "1234567890").status == 201);
}

}  // namespace durable_streams::http

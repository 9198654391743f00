// Paths and methods (protocol section 12.2, and what HTTP asks for).
#include "tests/http/endpoint_fixture.h"

namespace durable_streams::http {

TEST_CASE("an endpoint serves what lies under its prefix", "[http][routing]") {
  EndpointFixture fixture({.prefix = "/api/s/"});
  CHECK(fixture.endpoint->serves("/api/s/x"));
  CHECK(fixture.endpoint->serves("/api/s/x?offset=1"));
  CHECK(fixture.endpoint->serves("http://host/api/s/x"));
  CHECK(fixture.endpoint->serves("/api%2Fs/x"));
  CHECK(fixture.endpoint->serves("/api/s/%zz"));
  CHECK(fixture.endpoint->serves("/api/s/"));
  CHECK_FALSE(fixture.endpoint->serves("/api/s"));
  CHECK_FALSE(fixture.endpoint->serves("/"));
  CHECK_FALSE(fixture.endpoint->serves("*"));
  CHECK_FALSE(fixture.endpoint->serves("/api/%zz"));
  CHECK_FALSE(fixture.endpoint->serves(""));
  CHECK(fixture.endpoint->serves("http://user@host/api/s/x"));
  CHECK(fixture.endpoint->serves("HTTPS:///api/s/x"));
  CHECK(fixture.endpoint->serves("/api/s/x#y"));
  CHECK_FALSE(fixture.endpoint->serves("http://user@host/other"));
  CHECK_FALSE(fixture.endpoint->serves("http://user@host"));
}

TEST_CASE("a prefix has its slashes, whoever forgets them", "[http][routing]") {
  for (const char* prefix : {"api/s", "/api/s", "api/s/"}) {
    INFO(prefix);
    EndpointFixture fixture({.prefix = prefix});
    CHECK(fixture.endpoint->options().prefix == "/api/s/");
    CHECK(fixture.endpoint->serves("/api/s/x"));
    CHECK_FALSE(fixture.endpoint->serves("/api/sx"));
    CHECK(fixture.put("/api/s/x")["Location"] == "http://example.com/api/s/x");
  }
  CHECK(EndpointFixture({.prefix = ""}).put("/x").status == 201);
}

TEST_CASE("a target with user information, without a host or with a fragment is 400",
          "[http][routing]") {
  EndpointFixture fixture;
  for (const char* method : {"GET", "HEAD", "PUT", "POST", "DELETE"}) {
    CHECK(fixture.send(method, "http://user@host/v1/stream/a").status == 400);
    CHECK(fixture.send(method, "http:///v1/stream/a").status == 400);
    CHECK(fixture.send(method, "/v1/stream/a#b").status == 400);
  }
}

TEST_CASE("a path outside the endpoint is 404 for every method", "[http][routing]") {
  EndpointFixture fixture;
  for (const char* method : {"GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "PATCH"}) {
    CHECK(fixture.send(method, "/elsewhere").status == 404);
    CHECK(fixture.send(method, "/v1/stream").status == 404);
  }
}

TEST_CASE("paths that may not name a stream are refused", "[http][routing]") {
  EndpointFixture fixture;
  for (const char* path :
       {"", "a//b", "a/", "/a", "../a", "a/./b", "a%2F..%2Fb", "a%00b", "a%zz", "%2Fa", "a#b"}) {
    INFO(path);
    CHECK(fixture.put(std::string("/v1/stream/") + path).status == 400);
  }
  CHECK(fixture.put("/v1/stream/" + std::string(481, 'x')).status == 414);
  CHECK(fixture.put("/v1/stream/" + std::string(480, 'x')).status == 201);
  std::string escaped = "/v1/stream/";
  for (int i = 0; i < 480; ++i) escaped += "%C3";
  CHECK(fixture.put(escaped).status == 201);
  CHECK(fixture.put(escaped + "x").status == 414);
}

TEST_CASE("paths are decoded once", "[http][routing]") {
  EndpointFixture fixture;
  fixture.make("/v1/stream/a/b");
  CHECK(fixture.send("HEAD", "/v1/stream/a%2Fb").status == 200);
  CHECK(fixture.send("HEAD", "/v1/stream/%61/b").status == 200);
  CHECK(fixture.send("HEAD", "/v1/stream/a%252Fb").status == 404);
  fixture.make("/v1/stream/%2541");
  CHECK(fixture.send("HEAD", "/v1/stream/A").status == 404);
}

TEST_CASE("paths under __ds can neither reach nor create a stream", "[http][routing]") {
  EndpointFixture fixture;
  for (const char* path :
       {"__ds", "__ds/", "__ds/subscriptions/x", "__ds/x/", "__ds%2Fx", "%5F_ds/x"}) {
    for (const char* method : {"GET", "HEAD", "PUT", "POST", "DELETE"}) {
      INFO(method << ' ' << path);
      CHECK(fixture.send(method, std::string("/v1/stream/") + path).status == 404);
    }
  }
  CHECK(fixture.put("/v1/stream/__dsx").status == 201);
  CHECK(fixture.put("/v1/stream/a/__ds").status == 201);
}

TEST_CASE("an unknown method is 405, with those that a stream knows", "[http][routing]") {
  EndpointFixture fixture;
  for (const char* method : {"PATCH", "get", "TRACE", "PROPFIND", "X"}) {
    const Response response = fixture.send(method, "/v1/stream/a");
    CHECK(response.status == 405);
    CHECK(response["Allow"] == "GET, HEAD, PUT, POST, DELETE, OPTIONS");
    CHECK(response["Content-Type"] == "application/problem+json");
  }
}

TEST_CASE("a target may be absolute", "[http][routing]") {
  EndpointFixture fixture;
  CHECK(fixture.put("http://other.example/v1/stream/a")["Location"] ==
        "http://other.example/v1/stream/a");
  CHECK(fixture.send("GET", "HTTP://other.example/v1/stream/a?offset=-1").status == 200);
}

}  // namespace durable_streams::http

// What browsers ask for (protocol section 12.7, and CORS).
#include "tests/http/endpoint_fixture.h"

namespace durable_streams::http {

namespace {

constexpr const char* kPath = "/v1/stream/a";

std::vector<Response> one_of_each(EndpointFixture& fixture) {
  std::vector<Response> responses;
  responses.push_back(fixture.put(kPath, {{"Content-Type", "text/plain"}}));
  responses.push_back(fixture.post(kPath, "x"));
  responses.push_back(fixture.post(kPath, ""));
  responses.push_back(fixture.send("GET", kPath));
  responses.push_back(fixture.send("GET", kPath, {{"If-None-Match", "*"}}));
  responses.push_back(fixture.send("HEAD", kPath));
  responses.push_back(fixture.send("GET", std::string(kPath) + "?offset=-1&live=long-poll"));
  responses.push_back(fixture.get(std::string(kPath) + "?offset=-1&live=sse")->response());
  responses.push_back(fixture.send("OPTIONS", kPath));
  responses.push_back(fixture.send("PATCH", kPath));
  responses.push_back(fixture.send("GET", "/v1/stream/none"));
  responses.push_back(fixture.send("GET", "/elsewhere"));
  responses.push_back(fixture.send("DELETE", kPath));
  return responses;
}

bool lists(const std::string& field, std::string_view name) {
  return (", " + field + ",").find(", " + std::string(name) + ",") != std::string::npos;
}

}  // namespace

TEST_CASE("every response carries the browser security headers once", "[http][security]") {
  EndpointFixture fixture;
  for (const Response& response : one_of_each(fixture)) {
    INFO(response.status);
    CHECK(response.count("X-Content-Type-Options") == 1);
    CHECK(response["X-Content-Type-Options"] == "nosniff");
    CHECK(response["Cross-Origin-Resource-Policy"] == "cross-origin");
    CHECK(response["Access-Control-Allow-Origin"] == "*");
  }
}

TEST_CASE("every response exposes the protocol's response headers", "[http][cors]") {
  EndpointFixture fixture;
  for (const Response& response : one_of_each(fixture)) {
    const std::string exposed = response["Access-Control-Expose-Headers"];
    for (const char* name :
         {"Stream-Next-Offset", "Stream-Cursor", "Stream-Up-To-Date", "Stream-Closed", "Stream-TTL",
          "Stream-Expires-At", "Stream-SSE-Data-Encoding", "Producer-Epoch", "Producer-Seq",
          "Producer-Expected-Seq", "Producer-Received-Seq", "ETag", "Location", "Retry-After"}) {
      CHECK(lists(exposed, name));
    }
  }
}

TEST_CASE("a preflight is answered for every method and request header", "[http][cors]") {
  EndpointFixture fixture;
  const Response response = fixture.send("OPTIONS", "/v1/stream/none",
                                         {{"Origin", "https://example.com"},
                                          {"Access-Control-Request-Method", "PUT"},
                                          {"Access-Control-Request-Headers", "if-none-match"}});
  CHECK(response.status == 204);
  for (const char* method : {"GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS"}) {
    CHECK(lists(response["Access-Control-Allow-Methods"], method));
    CHECK(lists(response["Allow"], method));
  }
  for (const char* name :
       {"Content-Type", "If-None-Match", "Authorization", "Stream-TTL", "Stream-Expires-At",
        "Stream-Seq", "Stream-Closed", "Stream-Forked-From", "Stream-Fork-Offset",
        "Stream-Fork-Sub-Offset", "Producer-Id", "Producer-Epoch", "Producer-Seq"}) {
    CHECK(lists(response["Access-Control-Allow-Headers"], name));
  }
  CHECK(response["Access-Control-Max-Age"] == "86400");
}

TEST_CASE("the allowed origin is configured, or CORS is off", "[http][cors]") {
  EndpointFixture some({.cors_origin = "https://app.example"});
  CHECK(some.send("OPTIONS", kPath)["Access-Control-Allow-Origin"] == "https://app.example");
  EndpointFixture off({.cors_origin = ""});
  for (const Response& response : one_of_each(off)) {
    for (const auto& [name, value] : response.fields) {
      CHECK_FALSE(name.starts_with("Access-Control-"));
    }
    CHECK(response["X-Content-Type-Options"] == "nosniff");
  }
}

}  // namespace durable_streams::http

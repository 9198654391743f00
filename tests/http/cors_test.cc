// What browsers ask for (protocol section 12.7, and CORS).
#include "tests/http/endpoint_fixture.h"

namespace durable_streams::http {

namespace {

constexpr const char* kPath = "/v1/stream/a";

std::vector<Response> one_of_each(EndpointFixture& fixture, const Headers& more = {}) {
  const auto with = [&](Headers headers) {
    headers.insert(headers.end(), more.begin(), more.end());
    return headers;
  };
  std::vector<Response> responses;
  responses.push_back(fixture.put(kPath, with({{"Content-Type", "text/plain"}})));
  responses.push_back(fixture.post(kPath, "x", more));
  responses.push_back(fixture.post(kPath, "", more));
  responses.push_back(fixture.send("GET", kPath, more));
  responses.push_back(fixture.send("GET", kPath, with({{"If-None-Match", "*"}})));
  responses.push_back(fixture.send("HEAD", kPath, more));
  responses.push_back(fixture.send("GET", std::string(kPath) + "?offset=-1&live=long-poll", more));
  responses.push_back(fixture.get(std::string(kPath) + "?offset=-1&live=sse", more)->response());
  responses.push_back(fixture.send("OPTIONS", kPath, more));
  responses.push_back(fixture.send("PATCH", kPath, more));
  responses.push_back(fixture.send("GET", "/v1/stream/none", more));
  responses.push_back(fixture.send("GET", "/elsewhere", more));
  responses.push_back(fixture.send("DELETE", kPath, more));
  return responses;
}

bool speaks_of_cors(const Response& response) {
  return std::any_of(response.fields.begin(), response.fields.end(),
                     [](const auto& field) { return field.first.starts_with("Access-Control-"); });
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

TEST_CASE("without CORS no answer speaks of it", "[http][cors]") {
  EndpointFixture off({.cors_origins = {}});
  for (const Response& response : one_of_each(off, {{"Origin", "https://app.example"}})) {
    CHECK_FALSE(speaks_of_cors(response));
    CHECK_FALSE(response.has("Vary"));
    CHECK(response["X-Content-Type-Options"] == "nosniff");
  }
}

TEST_CASE("an allowed origin is told so in every answer, and any other nothing", "[http][cors]") {
  const EndpointOptions options{.cors_origins = {"https://app.example", "http://localhost:3000"}};
  for (const char* origin : {"https://app.example", "http://localhost:3000"}) {
    EndpointFixture fixture(options);
    for (const Response& response : one_of_each(fixture, {{"Origin", origin}})) {
      INFO(response.status);
      CHECK(response.count("Access-Control-Allow-Origin") == 1);
      CHECK(response["Access-Control-Allow-Origin"] == origin);
      CHECK(response.has("Access-Control-Expose-Headers"));
      CHECK(response.count("Vary") == 1);
      CHECK(response["Vary"] == "Origin");
    }
    CHECK(fixture.send("OPTIONS", kPath, {{"Origin", origin}}).has("Access-Control-Allow-Methods"));
  }
  for (const Headers& foreign :
       {Headers{}, Headers{{"Origin", "https://other.example"}}, Headers{{"Origin", "null"}},
        Headers{{"Origin", "https://app.example"}, {"Origin", "https://other.example"}},
        Headers{{"Origin", "https://app.example:8443"}}, Headers{{"Origin", "http://app.example"}},
        Headers{{"Origin", ""}}}) {
    EndpointFixture fixture(options);
    for (const Response& response : one_of_each(fixture, foreign)) {
      INFO(response.status);
      CHECK_FALSE(speaks_of_cors(response));
      CHECK(response["Vary"] == "Origin");
    }
  }
}

TEST_CASE("configured origins are compared as browsers write them", "[http][cors]") {
  EndpointFixture fixture({.cors_origins = {"HTTPS://App.Example:443", "http://Other.example:80",
                                            "http://plain.example:443"}});
  for (const char* origin :
       {"https://app.example", "http://other.example", "http://plain.example:443"}) {
    CHECK(fixture.send("GET", kPath, {{"Origin", origin}})["Access-Control-Allow-Origin"] ==
          origin);
  }
  CHECK_FALSE(speaks_of_cors(fixture.send("GET", kPath, {{"Origin", "http://plain.example"}})));
}

TEST_CASE("what depends on the origin and on who asks varies by both in one line",
          "[http][cors][authorizer]") {
  struct : Authorizer {
    Access authorize(const RequestHead&, std::string_view, Right) override {
      return {.personal = true};
    }
  } authorizer;
  EndpointFixture fixture({.cors_origins = {"https://app.example"}, .authorizer = &authorizer});
  fixture.make(kPath);
  for (const char* path : {kPath, "/v1/stream/none"}) {
    const Response response = fixture.send("GET", path, {{"Origin", "https://app.example"}});
    CHECK(response.count("Vary") == 1);
    CHECK(response["Vary"] == "Authorization, Origin");
    CHECK(response["Access-Control-Allow-Origin"] == "https://app.example");
  }
}

TEST_CASE("an answer that waited still allows the origin that asked", "[http][cors]") {
  EndpointFixture fixture({.cors_origins = {"https://app.example", "https://b.example"}});
  fixture.make(kPath);
  const std::string poll = std::string(kPath) + "?offset=0_0&live=long-poll";
  const auto first = fixture.get(poll, {{"Origin", "https://b.example"}});
  const auto second = fixture.get(poll, {{"Origin", "https://foreign.example"}});
  fixture.post(kPath, "x", {{"Origin", "https://app.example"}});
  CHECK(first->response()["Access-Control-Allow-Origin"] == "https://b.example");
  CHECK(second->response().finished);
  CHECK_FALSE(speaks_of_cors(second->response()));
}

TEST_CASE("what a host answers itself follows the endpoint's origins", "[http][cors][problem]") {
  const std::vector<std::string> listed = {"https://app.example"};
  const std::vector<std::string> none;
  const Headers own = {{"Origin", "https://app.example"}};
  const Headers foreign = {{"Origin", "https://other.example"}};
  struct Case {
    const std::vector<std::string>* origins;
    const Headers* headers;  // null: the request never came so far
    const char* allowed;
    const char* vary;
  };
  const Case cases[] = {
      {nullptr, nullptr, "*", "<none>"},       {nullptr, &foreign, "*", "<none>"},
      {&none, &own, "<none>", "<none>"},       {&listed, &own, "https://app.example", "Origin"},
      {&listed, &foreign, "<none>", "Origin"}, {&listed, nullptr, "<none>", "Origin"}};
  for (const Case& each : cases) {
    RequestHead head{.method = "GET", .target = "/elsewhere"};
    if (each.headers != nullptr) head.headers = *each.headers;
    const HostAnswer how{.request = each.headers != nullptr ? &head : nullptr,
                         .cors_origins = each.origins,
                         .allow = "GET"};
    RecordingSink problem;
    answer_problem(problem, 405, "not so", how);
    RecordingSink empty;
    answer_no_content(empty, how);
    CHECK(empty.response.status == 204);
    for (const Response* response : {&problem.response, &empty.response}) {
      CHECK(response->finished);
      CHECK((*response)["Access-Control-Allow-Origin"] == each.allowed);
      CHECK((*response)["Vary"] == each.vary);
      CHECK((*response)["Allow"] == "GET");
      CHECK((*response)["X-Content-Type-Options"] == "nosniff");
    }
  }
}

TEST_CASE("a problem in answer to HEAD has the length of its body, and none", "[http][problem]") {
  const RequestHead head{.method = "HEAD", .target = "/elsewhere"};
  RecordingSink sink;
  sink.head_request = true;
  answer_problem(sink, 404, "nothing is here", {.request = &head});
  CHECK(sink.response.content_length > 0);
  CHECK(sink.response.body.empty());
}

}  // namespace durable_streams::http

// The injected answer to who may do what.
#include <tuple>

#include "tests/http/endpoint_fixture.h"

namespace durable_streams::http {

namespace {

constexpr const char* kPath = "/v1/stream/a";

// Answers what the test says, and remembers what it was asked.
class ScriptedAuthorizer final : public Authorizer {
 public:
  Access authorize(const RequestHead& request, std::string_view path, Right right) override {
    asked.emplace_back(request.method, path, right);
    return path == denied_path ? denial : access;
  }

  Access access;
  std::string denied_path = "<none>";
  Access denial = {.verdict = Verdict::kForbidden};
  std::vector<std::tuple<std::string, std::string, Right>> asked;
};

}  // namespace

TEST_CASE("each operation asks for its right, by the decoded path", "[http][authorizer]") {
  ScriptedAuthorizer authorizer;
  EndpointFixture fixture({.authorizer = &authorizer});
  const std::string target = "/v1/stream/a%2Fb";
  fixture.put(target, {{"Content-Type", "text/plain"}});
  fixture.post(target, "x");
  fixture.send("GET", target);
  fixture.send("HEAD", target);
  fixture.put("/v1/stream/fork", {{"Stream-Forked-From", target}});
  fixture.send("DELETE", target);
  fixture.send("OPTIONS", target);
  fixture.send("GET", "/elsewhere");
  const std::vector<std::tuple<std::string, std::string, Right>> expected = {
      {"PUT", "a/b", Right::kCreate},   {"POST", "a/b", Right::kAppend},
      {"GET", "a/b", Right::kRead},     {"HEAD", "a/b", Right::kRead},
      {"PUT", "fork", Right::kCreate},  {"PUT", "a/b", Right::kRead},
      {"DELETE", "a/b", Right::kRemove}};
  CHECK(authorizer.asked == expected);
}

TEST_CASE("who is not known gets 401 with a challenge", "[http][authorizer]") {
  ScriptedAuthorizer authorizer;
  EndpointFixture fixture({.authorizer = &authorizer});
  authorizer.access = {.verdict = Verdict::kUnauthenticated};
  const Response response = fixture.put(kPath);
  CHECK(response.status == 401);
  CHECK(response["WWW-Authenticate"] == "Bearer");
  CHECK(response["Content-Type"] == "application/problem+json");
  authorizer.access.challenge = "Basic realm=\"streams\"";
  CHECK(fixture.send("GET", kPath)["WWW-Authenticate"] == "Basic realm=\"streams\"");
  authorizer.access = {};
  CHECK(fixture.send("GET", kPath).status == 404);
}

TEST_CASE("who may not gets 403, before anything is touched or told", "[http][authorizer]") {
  ScriptedAuthorizer authorizer;
  EndpointFixture fixture({.authorizer = &authorizer});
  fixture.make(kPath, "secret");
  authorizer.denied_path = "a";
  CHECK(fixture.send("GET", kPath).status == 403);
  CHECK(fixture.send("DELETE", kPath).status == 403);
  const auto append = fixture.open("POST", kPath, {{"Content-Type", "text/plain"}});
  CHECK(append->response().status == 403);
  CHECK_FALSE(append->exchange.wants_body());
  CHECK(fixture.put("/v1/stream/fork", {{"Stream-Forked-From", kPath}}).status == 403);
  authorizer.denied_path = "<none>";
  CHECK(fixture.send("GET", kPath).body == "secret");
  CHECK(fixture.send("GET", "/v1/stream/fork").status == 404);
}

TEST_CASE("who may not is challenged when there is something to tell", "[http][authorizer]") {
  ScriptedAuthorizer authorizer;
  EndpointFixture fixture({.authorizer = &authorizer});
  authorizer.access = {.verdict = Verdict::kForbidden};
  CHECK_FALSE(fixture.send("GET", kPath).has("WWW-Authenticate"));
  authorizer.access.challenge = "Bearer error=\"insufficient_scope\"";
  CHECK(fixture.send("GET", kPath)["WWW-Authenticate"] == "Bearer error=\"insufficient_scope\"");
}

TEST_CASE("who comes too often gets 429 with Retry-After", "[http][authorizer]") {
  ScriptedAuthorizer authorizer;
  EndpointFixture fixture({.authorizer = &authorizer});
  authorizer.access = {.verdict = Verdict::kTooMany, .retry_after = 7s};
  for (const char* const method : {"GET", "HEAD", "PUT", "POST", "DELETE"}) {
    CAPTURE(method);
    const auto call = fixture.open(method, kPath, {{"Content-Type", "text/plain"}});
    CHECK_FALSE(call->exchange.wants_body());
    const Response response = call->response();
    CHECK(response.status == 429);
    CHECK(response["Retry-After"] == "7");
    CHECK(response["Cache-Control"] == "no-store");
    CHECK_FALSE(response.has("WWW-Authenticate"));
  }
  authorizer.access.retry_after = 0s;
  CHECK(fixture.send("GET", kPath)["Retry-After"] == "1");
}

TEST_CASE("answers that depend on who asks are private", "[http][authorizer][cache]") {
  ScriptedAuthorizer authorizer;
  authorizer.access.personal = true;
  EndpointFixture fixture({.authorizer = &authorizer});
  fixture.make(kPath, "x");
  const Response read = fixture.send("GET", kPath);
  CHECK(read["Cache-Control"] == "private, max-age=60, stale-while-revalidate=300");
  CHECK(read["Vary"] == "Authorization");
  CHECK(fixture.send("GET", "/v1/stream/none")["Vary"] == "Authorization");
}

}  // namespace durable_streams::http

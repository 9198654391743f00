// Access control at the endpoint: every method, every kind of token, and what a path may hide.
#include <map>
#include <string>
#include <vector>

#include "tests/http/endpoint_fixture.h"
#include "tests/server/access/access_fixture.h"

namespace durable_streams::server {
namespace {

using http::EndpointFixture;
using http::EndpointOptions;
using http::Headers;
using http::Response;

constexpr const char* kPrefix = "/v1/stream/";

// An endpoint that anybody may read `/v1/stream/open/*` of, and that three tokens are for.
struct ProtectedEndpoint {
  explicit ProtectedEndpoint(AuthorizeConfig config = {}) {
    if (config.anonymous.empty()) {
      config.anonymous = {{.rights = {.read = true}, .streams = {"/v1/stream/open/*"}}};
    }
    control = access.open_with({{"reader", "read /v1/stream/room/*"},
                                {"writer", "write /v1/stream/room/*"},
                                {"creator", "create /v1/stream/room/*"},
                                {"deleter", "delete /v1/stream/room/*"},
                                {"forker", "read,create /v1/stream/room/*"},
                                {"owner", "all /v1/stream/room/*"},
                                {"admin", "all /*"},
                                {"expired", "all /* expires=2020-01-01"}},
                               std::move(config));
    authorizer.emplace(kPrefix, std::vector{control});
    fixture.emplace(EndpointOptions{.authorizer = &*authorizer});
  }

  Response send(std::string_view method, const std::string& path, const std::string& token,
                Headers headers = {}) {
    const std::string bearer = "Bearer " + token;
    if (!token.empty()) headers.push_back({"Authorization", bearer});
    const bool brings = method == "POST" || method == "PUT";
    if (brings) headers.push_back({"Content-Type", "text/plain"});
    return fixture->send(method, kPrefix + path, headers, method == "POST" ? "x" : "");
  }

  int status(std::string_view method, const std::string& path, const std::string& token,
             const Headers& headers = {}) {
    return send(method, path, token, headers).status;
  }

  AccessFixture access;
  std::shared_ptr<AccessControl> control;
  std::optional<StreamAuthorizer> authorizer;
  std::optional<EndpointFixture> fixture;
};

TEST_CASE("every method needs its right, whatever kind of token asks", "[server][access][http]") {
  // 2xx is when it may, and there is such a stream.
  struct Statuses {
    int get, head, put, post, remove;
  };
  const Statuses known_none{403, 403, 403, 403, 403};
  const Statuses unknown{401, 401, 401, 401, 401};
  const std::map<std::string, Statuses> in_room{
      {"", unknown},
      {"nobody", unknown},
      {"expired", unknown},
      {"reader", {200, 200, 403, 403, 403}},
      {"writer", {403, 403, 403, 204, 403}},
      {"creator", {403, 403, 200, 403, 403}},
      {"deleter", {403, 403, 403, 403, 204}},
      {"forker", {200, 200, 200, 403, 403}},
      {"owner", {200, 200, 200, 204, 204}},
      {"admin", {200, 200, 200, 204, 204}},
  };
  std::map<std::string, Statuses> elsewhere = in_room;
  std::map<std::string, Statuses> open = in_room;
  for (auto& [token, statuses] : elsewhere) {
    if (token != "admin" && statuses.get != 401) statuses = known_none;
  }
  open = elsewhere;
  for (auto& [token, statuses] : open) {
    const bool wrong = token == "nobody" || token == "expired";
    if (!wrong) statuses.get = statuses.head = 200;
  }
  const std::vector<std::pair<std::string, std::map<std::string, Statuses>*>> places{
      {"room/a", const_cast<std::map<std::string, Statuses>*>(&in_room)},
      {"hall", &elsewhere},
      {"open/a", &open}};
  for (const auto& [path, tokens] : places) {
    for (const auto& [token, expected] : *tokens) {
      CAPTURE(path, token);
      ProtectedEndpoint endpoint;
      REQUIRE(endpoint.status("PUT", path, "admin") == 201);
      CHECK(endpoint.status("GET", path, token) == expected.get);
      // Whatever stands in the query, and in a live read too.
      for (const char* const live : {"sse", "long-poll"}) {
        const std::string target = kPrefix + path + "?offset=-1&token=admin&live=" + live;
        const std::string bearer = "Bearer " + token;
        Headers headers{{"X-Authorization", "Bearer admin"}};
        if (!token.empty()) headers.push_back({"Authorization", bearer});
        const int status = endpoint.fixture->get(target, headers)->response().status;
        // A long-poll that may waits.
        CHECK(status ==
              (expected.get == 200 && live == std::string("long-poll") ? 0 : expected.get));
      }
      CHECK(endpoint.status("HEAD", path, token) == expected.head);
      CHECK(endpoint.status("PUT", path, token) == expected.put);
      CHECK(endpoint.status("POST", path, token) == expected.post);
      CHECK(endpoint.status("DELETE", path, token) == expected.remove);
    }
  }
}

TEST_CASE("who may not cannot tell whether there is such a stream", "[server][access][http]") {
  ProtectedEndpoint endpoint;
  REQUIRE(endpoint.status("PUT", "hall/there", "admin") == 201);
  REQUIRE(endpoint.status("PUT", "room/there", "admin") == 201);
  const auto same = [&](std::string_view method, const std::string& place, const std::string& token,
                        const Headers& headers = {}) {
    CAPTURE(method, place, token);
    const Response there = endpoint.send(method, place + "/there", token, headers);
    const Response missing = endpoint.send(method, place + "/none", token, headers);
    CHECK(there == missing);
    CHECK((there.status == 401 || there.status == 403));
  };
  for (const char* const method : {"GET", "HEAD", "PUT", "POST", "DELETE"}) {
    for (const char* const token : {"", "nobody", "expired", "owner"}) same(method, "hall", token);
  }
  // With some right but not this one, too.
  same("GET", "room", "writer");
  same("DELETE", "room", "reader");
  same("POST", "room", "creator",
       {{"Producer-Id", "p"}, {"Producer-Epoch", "0"}, {"Producer-Seq", "5"}});
  // Who may is told.
  CHECK(endpoint.status("GET", "room/none", "reader") == 404);
  CHECK(endpoint.status("GET", "room/there", "reader") == 200);
}

TEST_CASE("a fork needs create on the target and read on the source", "[server][access][http]") {
  ProtectedEndpoint endpoint;
  REQUIRE(endpoint.status("PUT", "room/source", "admin") == 201);
  REQUIRE(endpoint.status("PUT", "hall/source", "admin") == 201);
  REQUIRE(endpoint.status("PUT", "open/source", "admin") == 201);
  const auto fork = [&](const std::string& target, const std::string& source,
                        const std::string& token) {
    const std::string from = kPrefix + source;
    return endpoint.status("PUT", target, token, {{"Stream-Forked-From", from}});
  };
  CHECK(fork("room/fork1", "room/source", "forker") == 201);
  CHECK(fork("room/fork2", "open/source", "forker") == 201);
  CHECK(fork("room/fork3", "open/source", "creator") == 201);
  CHECK(fork("room/fork4", "room/source", "creator") == 403);
  CHECK(fork("room/fork4", "room/source", "reader") == 403);
  CHECK(fork("room/fork4", "hall/source", "forker") == 403);
  CHECK(fork("room/fork4", "hall/none", "forker") == 403);
  CHECK(fork("room/fork4", "room/%2e%2e/hall/source", "forker") == 404);
  CHECK(fork("room/fork4", "%68all/source", "forker") == 403);
  CHECK(fork("hall/fork4", "room/source", "forker") == 403);
  CHECK(fork("room/fork4", "room/source", "") == 401);
  CHECK(endpoint.status("GET", "room/fork4", "admin") == 404);
}

TEST_CASE("one path has one owner, however it is written", "[server][access][http]") {
  ProtectedEndpoint endpoint;
  for (const char* const path : {"hall", "hall%2Fa", "room/a", "room%252Fa"}) {
    REQUIRE(endpoint.status("PUT", path, "admin") == 201);
  }
  const std::vector<std::pair<std::string, int>> cases{
      {"room/a", 200},
      {"room%2Fa", 200},
      {"room%2fa", 200},
      {"%72oom/a", 200},
      {"room%252Fa", 403},  // the stream `room%2Fa`, which is not in the room
      {"room%25252Fa", 403},
      {"%68all", 403},
      {"hall/a", 403},
      {"Room/a", 403},
      {"roomy/a", 403},
      {"room", 403},
      {"room/../hall", 400},
      {"room/%2e%2e/hall", 400},
      {"room%2f..%2fhall", 400},
      {"room/%252e%252e/hall", 404},  // `room/%2e%2e/hall`: in the room, and not there
      {"room/./a", 400},
      {"room//a", 400},
      {"/room/a", 400},
      {"room/", 400},
      {"room/a%00", 400},
      {"room/%", 400},
  };
  for (const auto& [path, status] : cases) {
    CAPTURE(path);
    CHECK(endpoint.status("GET", path, "reader") == status);
  }
  // An escaped prefix is the same prefix.
  const Headers token{{"Authorization", "Bearer reader"}};
  CHECK(endpoint.fixture->send("GET", "/v1/str%65am/room/a", token).status == 200);
  CHECK(endpoint.fixture->send("GET", "/v1/str%65am/hall", token).status == 403);
  CHECK(endpoint.fixture->send("GET", "http://example.com/v1/stream/hall", token).status == 403);
}

TEST_CASE("preflights and OPTIONS need no rights", "[server][access][http]") {
  ProtectedEndpoint endpoint;
  const Response preflight = endpoint.send("OPTIONS", "room/a", "",
                                           {{"Origin", "https://example.org"},
                                            {"Access-Control-Request-Method", "PUT"},
                                            {"Access-Control-Request-Headers", "authorization"}});
  CHECK(preflight.status == 204);
  CHECK(preflight["Access-Control-Allow-Headers"].find("Authorization") != std::string::npos);
  CHECK(endpoint.status("OPTIONS", "hall", "nobody") == 204);
}

TEST_CASE("shared caches keep only what anybody may have and nobody in particular asked for",
          "[server][access][http][cache]") {
  ProtectedEndpoint endpoint;
  REQUIRE(endpoint.status("PUT", "open/a", "admin") == 201);
  REQUIRE(endpoint.status("PUT", "room/a", "admin") == 201);
  const auto scope = [](const Response& response) {
    return response["Cache-Control"].substr(0, response["Cache-Control"].find(','));
  };
  const Response everybody = endpoint.send("GET", "open/a", "");
  CHECK(scope(everybody) == "public");
  CHECK_FALSE(everybody.has("Vary"));
  for (const char* const path : {"open/a", "room/a"}) {
    const Response own = endpoint.send("GET", path, "reader");
    CHECK(scope(own) == "private");
    CHECK(own["Vary"] == "Authorization");
  }
  for (const char* const token : {"", "nobody", "writer"}) {
    const Response refused = endpoint.send("GET", "room/a", token);
    CHECK(scope(refused) == "no-store");
    CHECK(refused["Vary"] == "Authorization");
  }
}

TEST_CASE("refusals say how to come back", "[server][access][http]") {
  ProtectedEndpoint endpoint({.rate_per_token = RateLimit{.per_second = 0.25, .burst = 1}});
  const std::string realm = "Bearer realm=\"durable-streams\"";
  CHECK(endpoint.send("GET", "room/a", "")["WWW-Authenticate"] == realm);
  CHECK(endpoint.send("GET", "room/a", "nobody")["WWW-Authenticate"].starts_with(
      realm + ", error=\"invalid_token\""));
  const Response forbidden = endpoint.send("GET", "room/a", "writer");
  CHECK(forbidden.status == 403);
  CHECK(forbidden["WWW-Authenticate"] == realm + ", error=\"insufficient_scope\"");
  const Response limited = endpoint.send("GET", "room/a", "writer");
  CHECK(limited.status == 429);
  CHECK(limited["Retry-After"] == "4");
  CHECK(limited["Content-Type"] == "application/problem+json");
  CHECK(limited["Cache-Control"] == "no-store");
  CHECK_FALSE(limited.has("WWW-Authenticate"));
}

TEST_CASE("a fork is one request", "[server][access][http][limits]") {
  ProtectedEndpoint endpoint({.rate_per_token = RateLimit{.per_second = 0.01, .burst = 2}});
  REQUIRE(endpoint.status("PUT", "room/source", "forker") == 201);
  CHECK(endpoint.status("PUT", "room/fork", "forker",
                        {{"Stream-Forked-From", "/v1/stream/room/source"}}) == 201);
  CHECK(endpoint.status("GET", "room/fork", "forker") == 429);
}

TEST_CASE("several access controls must all agree", "[server][access][http]") {
  AccessFixture access;
  const auto site = access.open_with({{"t", "all /v1/*"}, {"u", "read /v1/*"}});
  AuthorizeConfig inner;
  inner.paths = {"/v1/stream/vault/*"};
  inner.token_file = access.path;
  inner.anonymous = {{.rights = {.read = true}}};
  const auto vault = access.open(inner);
  StreamAuthorizer authorizer(kPrefix, {site, vault});
  EndpointFixture fixture({.authorizer = &authorizer});
  const auto put = [&](const std::string& path, const std::string& token) {
    const std::string bearer = "Bearer " + token;
    return fixture.put(path, {{"Authorization", bearer}, {"Content-Type", "text/plain"}}).status;
  };
  CHECK(put("/v1/stream/vault/a", "t") == 201);
  CHECK(put("/v1/stream/vault/a", "u") == 403);
  CHECK(fixture.send("GET", "/v1/stream/vault/a").status == 401);
}

TEST_CASE("a long prefix is part of the path too", "[server][access][http]") {
  AccessFixture access;
  const std::string prefix = "/" + std::string(700, 'p') + "/";
  const auto control = access.open_with({{"t", "all " + prefix + "a/*"}});
  StreamAuthorizer authorizer(prefix, {control});
  EndpointFixture fixture({.prefix = prefix, .authorizer = &authorizer});
  const std::string name(400, 'n');
  const auto put = [&](const std::string& path) {
    return fixture
        .put(prefix + path + name, {{"Authorization", "Bearer t"}, {"Content-Type", "text/plain"}})
        .status;
  };
  CHECK(put("a/") == 201);
  CHECK(put("b/") == 403);
}

}  // namespace
}  // namespace durable_streams::server

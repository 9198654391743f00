// What is decided about one request: rights, challenges, limits and what caches may keep.
#include "server/access/access_control.h"

#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "server/access/access_limits.h"
#include "tests/server/access/access_fixture.h"

namespace durable_streams::server {
namespace {

using namespace std::chrono_literals;  // NOLINT(google-build-using-namespace)
using http::Access;
using http::Right;
using http::Verdict;

constexpr AccessRights kRead{.read = true};

struct Ask {
  std::string authorization = {};  // empty: none
  std::string path = "/v1/stream/a";
  Right right = Right::kRead;
  std::string peer = "192.0.2.1";
  std::string forwarded = {};
  bool again = false;
};

Access decide(AccessControl& control, const Ask& ask) {
  std::vector<http::Header> headers{{"Host", "example.com"}};
  if (!ask.authorization.empty()) headers.push_back({"Authorization", ask.authorization});
  if (!ask.forwarded.empty()) headers.push_back({"X-Forwarded-For", ask.forwarded});
  const http::RequestHead head{
      .method = "GET", .target = ask.path, .headers = headers, .peer = ask.peer};
  return control.decide({head, ask.path, ask.right, ask.again});
}

Verdict verdict(AccessControl& control, const Ask& ask) { return decide(control, ask).verdict; }

TEST_CASE("who presents what is told so by RFC 6750 section 3", "[server][access]") {
  AccessFixture fixture;
  const auto control =
      fixture.open_with({{"reader", "read /v1/stream/a"}, {"old", "all /* expires=2027-01-01"}},
                        {.anonymous = {{.rights = kRead, .streams = {"/v1/stream/open"}}}});
  const std::string realm = "Bearer realm=\"durable-streams\"";
  const std::string malformed =
      realm +
      ", error=\"invalid_request\", error_description=\"one header, Authorization: Bearer "
      "TOKEN\"";
  const std::string wrong =
      realm +
      ", error=\"invalid_token\", error_description=\"the token is unknown or has expired\"";
  const std::string insufficient = realm + ", error=\"insufficient_scope\"";
  struct Case {
    Ask ask;
    Verdict verdict;
    std::string challenge;
  };
  const std::vector<Case> cases{
      {{}, Verdict::kUnauthenticated, realm},
      {{.authorization = "Basic dTpw"}, Verdict::kUnauthenticated, realm},
      {{.authorization = "Bearer"}, Verdict::kUnauthenticated, malformed},
      {{.authorization = "Bearer reader x"}, Verdict::kUnauthenticated, malformed},
      {{.authorization = "Bearer Reader"}, Verdict::kUnauthenticated, wrong},
      {{.authorization = "Bearer old"}, Verdict::kUnauthenticated, wrong},
      {{.authorization = "Bearer reader"}, Verdict::kAllowed, ""},
      {{.authorization = "bEARER  reader"}, Verdict::kAllowed, ""},
      {{.authorization = "Bearer reader", .right = Right::kAppend},
       Verdict::kForbidden,
       insufficient},
      {{.authorization = "Bearer reader", .path = "/v1/stream/b"},
       Verdict::kForbidden,
       insufficient},
      // What anybody may: a token takes nothing away, but a wrong one is told.
      {{.path = "/v1/stream/open"}, Verdict::kAllowed, ""},
      {{.authorization = "Basic dTpw", .path = "/v1/stream/open"}, Verdict::kAllowed, ""},
      {{.authorization = "Bearer reader", .path = "/v1/stream/open"}, Verdict::kAllowed, ""},
      {{.authorization = "Bearer wrong", .path = "/v1/stream/open"},
       Verdict::kUnauthenticated,
       wrong},
      {{.authorization = "Bearer", .path = "/v1/stream/open"},
       Verdict::kUnauthenticated,
       malformed},
      {{.path = "/v1/stream/open", .right = Right::kAppend}, Verdict::kUnauthenticated, realm},
  };
  for (const Case& each : cases) {
    CAPTURE(each.ask.authorization, each.ask.path);
    const Access access = decide(*control, each.ask);
    CHECK(access.verdict == each.verdict);
    CHECK(access.challenge == each.challenge);
    // Only what anybody may have, and asked for without any credentials, is the same for all.
    CHECK(access.personal ==
          (each.verdict != Verdict::kAllowed || !each.ask.authorization.empty()));
  }
}

TEST_CASE("a token expires at its moment", "[server][access][tokens]") {
  AccessFixture fixture;
  const auto control = fixture.open_with({{"t", "read /* expires=2027-01-01T00:00:01Z"}});
  const Ask ask{.authorization = "Bearer t"};
  fixture.clock.advance(999ms);
  CHECK(verdict(*control, ask) == Verdict::kAllowed);
  fixture.clock.advance(1ms);
  CHECK(verdict(*control, ask) == Verdict::kUnauthenticated);
}

TEST_CASE("each right is for what it says, on the paths that it names", "[server][access]") {
  AccessFixture fixture;
  const auto control = fixture.open_with({{"read", "read /v1/stream/r/*"},
                                          {"write", "write /v1/stream/r/*"},
                                          {"create", "create /v1/stream/r/*"},
                                          {"delete", "delete /v1/stream/r/*"},
                                          {"all", "all /v1/stream/r/*"}});
  const std::vector<std::pair<std::string, Right>> rights{{"read", Right::kRead},
                                                          {"write", Right::kAppend},
                                                          {"create", Right::kCreate},
                                                          {"delete", Right::kRemove}};
  for (const auto& [name, has] : rights) {
    for (const auto& [other, asked] : rights) {
      CAPTURE(name, other);
      const Ask inside{.authorization = "Bearer " + name, .path = "/v1/stream/r/a", .right = asked};
      CHECK(verdict(*control, inside) == (has == asked ? Verdict::kAllowed : Verdict::kForbidden));
      const Ask outside{.authorization = "Bearer " + name, .path = "/v1/stream/x", .right = asked};
      CHECK(verdict(*control, outside) == Verdict::kForbidden);
      const Ask with_all{.authorization = "Bearer all", .path = "/v1/stream/r/a", .right = asked};
      CHECK(verdict(*control, with_all) == Verdict::kAllowed);
    }
  }
}

TEST_CASE("where there are no tokens, a token makes no difference but to caches",
          "[server][access]") {
  AccessFixture fixture;
  const auto control = fixture.open(
      {.anonymous = {{.rights = kRead}, {.rights = {.write = true}, .streams = {"/v1/stream/w"}}}});
  CHECK(verdict(*control, {}) == Verdict::kAllowed);
  CHECK(verdict(*control, {.path = "/v1/stream/w", .right = Right::kAppend}) == Verdict::kAllowed);
  const Access refused = decide(*control, {.right = Right::kAppend});
  CHECK(refused.verdict == Verdict::kForbidden);
  CHECK(refused.challenge.empty());
  for (const char* const authorization : {"Bearer t", "Bearer"}) {
    const Access read = decide(*control, {.authorization = authorization});
    CHECK(read.verdict == Verdict::kAllowed);
    CHECK(read.personal);
  }
}

TEST_CASE("authorize is for the paths that it names", "[server][access]") {
  AccessFixture fixture;
  const auto control =
      fixture.open_with({{"t", "read /*"}}, {.paths = {"/v1/stream/secret/*", "/one"}});
  for (const char* const path : {"/v1/stream/secret/a", "/v1/stream/secret/", "/one"}) {
    CHECK(verdict(*control, {.path = path}) == Verdict::kUnauthenticated);
  }
  const Access elsewhere = decide(*control, {.path = "/v1/stream/a", .right = Right::kRemove});
  CHECK(elsewhere.verdict == Verdict::kAllowed);
  CHECK_FALSE(elsewhere.personal);
}

TEST_CASE("a token's rate is its own, wherever it comes from", "[server][access][limits]") {
  AccessFixture fixture;
  const auto control =
      fixture.open_with({{"a", "read /*"}, {"b", "read /*"}},
                        {.rate_per_token = RateLimit{.per_second = 2, .burst = 3}});
  const auto ask = [](const std::string& name, const std::string& peer) {
    return Ask{.authorization = "Bearer " + name, .peer = peer};
  };
  for (int i = 0; i < 3; ++i) {
    CHECK(verdict(*control, ask("a", "192.0.2." + std::to_string(i))) == Verdict::kAllowed);
  }
  const Access refused = decide(*control, ask("a", "192.0.2.9"));
  CHECK(refused.verdict == Verdict::kTooMany);
  CHECK(refused.retry_after == 1s);
  CHECK(refused.personal);
  CHECK(verdict(*control, ask("b", "192.0.2.9")) == Verdict::kAllowed);
  // The second question about a fork is no second request.
  fixture.now += 500ms;
  CHECK(verdict(*control, ask("a", "192.0.2.9")) == Verdict::kAllowed);
  Ask second = ask("a", "192.0.2.9");
  second.again = true;
  CHECK(verdict(*control, second) == Verdict::kAllowed);
  CHECK(verdict(*control, ask("a", "192.0.2.9")) == Verdict::kTooMany);
}

TEST_CASE("a token's rate outlives the reading of its file", "[server][access][limits]") {
  AccessFixture fixture;
  const AccessFixture::Lines lines{{"a", "read /*"}};
  const auto control =
      fixture.open_with(lines, {.rate_per_token = RateLimit{.per_second = 0.01, .burst = 1}});
  const Ask ask{.authorization = "Bearer a"};
  CHECK(verdict(*control, ask) == Verdict::kAllowed);
  fixture.write({{"a", "all /*"}, {"b", "all /*"}});
  fixture.now += 1s;
  control->refresh();
  CHECK(verdict(*control, {.authorization = "Bearer b"}) == Verdict::kAllowed);
  CHECK(verdict(*control, ask) == Verdict::kTooMany);
  CHECK(decide(*control, ask).retry_after == 99s);
}

TEST_CASE("who has no token is limited by address, and IPv6 by /64", "[server][access][limits]") {
  AccessFixture fixture;
  const auto control = fixture.open_with(
      {{"t", "read /*"}}, {.anonymous = {{.rights = kRead}},
                           .rate_per_address = RateLimit{.per_second = 1, .burst = 2}});
  const auto from = [](const std::string& peer, const std::string& forwarded = {}) {
    return Ask{.peer = peer, .forwarded = forwarded};
  };
  CHECK(verdict(*control, from("192.0.2.1")) == Verdict::kAllowed);
  CHECK(verdict(*control, from("::ffff:192.0.2.1")) == Verdict::kAllowed);
  CHECK(verdict(*control, from("192.0.2.1")) == Verdict::kTooMany);
  // X-Forwarded-For helps nobody but behind a trusted proxy, where it is who is counted.
  CHECK(verdict(*control, from("192.0.2.1", "192.0.2.7")) == Verdict::kTooMany);
  CHECK(verdict(*control, from("10.0.0.1", "192.0.2.1")) == Verdict::kTooMany);
  CHECK(verdict(*control, from("10.0.0.1", "192.0.2.7")) == Verdict::kAllowed);
  CHECK(verdict(*control, from("2001:db8::1")) == Verdict::kAllowed);
  CHECK(verdict(*control, from("2001:db8::ffff:1")) == Verdict::kAllowed);
  CHECK(verdict(*control, from("2001:db8::2")) == Verdict::kTooMany);
  CHECK(verdict(*control, from("2001:db8:0:1::2")) == Verdict::kAllowed);
  // A token is a way past.
  CHECK(verdict(*control, {.authorization = "Bearer t"}) == Verdict::kAllowed);
  CHECK(verdict(*control, {.authorization = "Basic dTpw"}) == Verdict::kTooMany);
  fixture.now += 1s;
  CHECK(verdict(*control, from("192.0.2.1")) == Verdict::kAllowed);
  CHECK(verdict(*control, from("192.0.2.1")) == Verdict::kTooMany);
}

TEST_CASE("tokens cannot be guessed quickly", "[server][access][limits]") {
  AccessFixture fixture;
  const std::optional<RateLimit> visits =
      GENERATE(std::optional<RateLimit>(), std::optional<RateLimit>({.per_second = 1, .burst = 1}));
  const auto control =
      fixture.open_with({{"right", "read /*"}, {"used", "read /*"}}, {.rate_per_address = visits});
  const Ask used{.authorization = "Bearer used"};
  CHECK(verdict(*control, used) == Verdict::kAllowed);
  const std::vector<std::string> wrong{"Bearer wrong", "Bearer", "Bearer a b"};
  for (std::size_t i = 0; i < kFailedAuthenticationsBurst; ++i) {
    const Verdict first = verdict(*control, {.authorization = wrong[i % wrong.size()]});
    CHECK(first == (visits && i > 0 ? Verdict::kTooMany : Verdict::kUnauthenticated));
  }
  for (const std::string& each : wrong) {
    CHECK(verdict(*control, {.authorization = each}) == Verdict::kTooMany);
  }
  // A right guess looks like a wrong one.
  const Access guessed = decide(*control, {.authorization = "Bearer right"});
  const Access missed = decide(*control, {.authorization = "Bearer wrong"});
  CHECK(guessed.verdict == Verdict::kTooMany);
  CHECK(guessed.retry_after == missed.retry_after);
  CHECK(guessed.challenge == missed.challenge);
  // But who was right from there before is not locked out by who is not, and neither is anybody
  // elsewhere.
  CHECK(verdict(*control, used) == Verdict::kAllowed);
  CHECK(verdict(*control, {.authorization = "Bearer right", .peer = "192.0.2.2"}) ==
        Verdict::kAllowed);
  // It passes.
  fixture.now += 1s;
  CHECK(verdict(*control, {.authorization = "Bearer right"}) == Verdict::kAllowed);
}

TEST_CASE("a configuration that cannot be meant is refused", "[server][access]") {
  AccessFixture fixture;
  const auto refusal = [&](const AuthorizeConfig& config) {
    const Result<std::unique_ptr<AccessControl>> control = fixture.try_open(config);
    return control ? std::string() : control.error().message;
  };
  CHECK(refusal({.token_file = fixture.path}) ==
        "token file " + fixture.path + ": No such file or directory");
  CHECK(refusal({.paths = {"a"}}) ==
        "authorize: the path 'a': a path begins with a slash ('/*' is every path)");
  CHECK(refusal({.anonymous = {{.rights = kRead, .streams = {"/a", "/b/"}}}}) ==
        "authorize: anonymous: path 2: no stream's path ends with a slash; write '*' behind it for "
        "all below");
  CHECK(refusal({.rate_per_token = RateLimit{.per_second = -1}}) ==
        "authorize: rate per token: -1 requests a second is no limit: write a number above 0 (0.5 "
        "is one in two seconds), and at least one a day");
  CHECK(refusal({.rate_per_address = RateLimit{.per_second = 1, .burst = 0}}) ==
        "authorize: rate per address: a burst of 0 lets nobody in: write at least 1");
}

TEST_CASE("access controls are asked by many threads while the file changes",
          "[server][access][threads]") {
  AccessFixture fixture;
  const auto control = fixture.open_with({{"t", "read /*"}});
  std::atomic<int> refused{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 300; ++n) {
        if (verdict(*control, {.authorization = "Bearer t"}) != Verdict::kAllowed) ++refused;
      }
    });
  }
  const auto other = fixture.open_with({{"t", "read /*"}});  // its file is that of the first
  for (int n = 0; n < 50; ++n) {
    fixture.write({{"t", "read /*"}, {"other" + std::to_string(n), "all /*"}});
    control->refresh();
    other->refresh();
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(refused == 0);
}

}  // namespace
}  // namespace durable_streams::server

// Lines for requests, exactly.
#include "server/log/access_log.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <string>
#include <vector>

#include "tests/server/log/captured_log.h"
#include "tests/support/catch.h"

namespace durable_streams::server {
namespace {

using std::chrono::microseconds;

const std::vector<http::Header> kHeaders = {{"Host", "h"},
                                            {"Authorization", "Bearer top-secret"},
                                            {"Cookie", "session=top-secret"},
                                            {"user-AGENT", "curl/8.0 (x)"},
                                            {"User-Agent", "second"}};
const http::RequestHead kHead{
    .method = "GET", .target = "/v1/stream/a?offset=-1", .headers = kHeaders};

std::string first_id() { return std::string(RequestIds().next().text()); }

TEST_CASE("a finished request is one line", "[server][log]") {
  RequestIds ids;
  CapturedLog console;
  AccessLog(console.logger())
      .begin("192.0.2.1", kHead)
      ->end({.status = 200, .bytes = 12, .duration = microseconds(1234)}, ids);
  REQUIRE(console.lines.size() == 1);
  CHECK(console.lines[0] == "2026-11-23T11:15:00.123Z INFO request request_id=" + first_id() +
                                " client=192.0.2.1 method=GET target=\"/v1/stream/a?offset=-1\" "
                                "protocol=HTTP/1.1 status=200 bytes=12 duration_ms=1.234 "
                                "user_agent=\"curl/8.0 (x)\"");
  RequestIds again;
  CapturedLog json(LogFormat::kJson);
  AccessLog(json.logger())
      .begin("::1", {.method = "PUT", .target = "/"})
      ->end({.status = 503, .duration = microseconds(2), .http_1_1 = false}, again);
  REQUIRE(json.lines.size() == 1);
  CHECK(json.lines[0] ==
        R"({"time":"2026-11-23T11:15:00.123Z","level":"error","message":"request","request_id":")" +
            first_id() +
            R"(","client":"::1","method":"PUT","target":"/","protocol":"HTTP/1.0","status":503,)"
            R"("bytes":0,"duration_ms":0.002})");
}

TEST_CASE("a request whose client went away says so", "[server][log]") {
  RequestIds ids;
  CapturedLog captured;
  const AccessLog log(captured.logger());
  log.begin("c", kHead)->end({.aborted = true}, ids);
  log.begin("c", kHead)->end({.status = 200, .bytes = 5, .aborted = true}, ids);
  REQUIRE(captured.lines.size() == 2);
  CHECK(captured.lines[0].find(" status=499 bytes=0 ") != std::string::npos);
  CHECK(captured.lines[0].ends_with(" aborted=true"));
  CHECK(captured.lines[1].find(" status=200 bytes=5 ") != std::string::npos);
  CHECK(captured.lines[1].ends_with(" aborted=true"));
}

TEST_CASE("what never became a request says why", "[server][log]") {
  RequestIds ids;
  CapturedLog captured;
  const auto record = AccessLog(captured.logger()).begin("c", {});
  record->refused("The request is malformed.");
  record->end({.status = 400, .bytes = 7}, ids);
  REQUIRE(captured.lines.size() == 1);
  CHECK(captured.lines[0] ==
        "2026-11-23T11:15:00.123Z INFO request request_id=" + first_id() +
            " client=c status=400 bytes=7 duration_ms=0 refused=\"The request is malformed.\"");
}

TEST_CASE("no header's value but the agent's is ever written", "[server][log]") {
  for (const LogFormat format : {LogFormat::kConsole, LogFormat::kJson}) {
    RequestIds ids;
    CapturedLog captured(format);
    AccessLog(captured.logger()).begin("c", kHead)->end({.status = 200}, ids);
    CHECK(captured.lines.at(0).find("secret") == std::string::npos);
  }
}

TEST_CASE("a token that was sent where none counts is not written", "[server][log]") {
  const std::string secret = "hVxyJ5pLwM0cGm3m6bC1u9o3n1l0Q3k-8_2abcdEFGH";
  const std::string token = "ds_" + secret;
  const std::string agent = "bot/1 " + token;
  const std::vector<http::Header> headers = {{"User-Agent", agent}};
  const std::vector<std::pair<std::string, std::string>> targets = {
      {"/v1/stream/a?token=" + token + "&live=sse", "/v1/stream/a?token=ds_...&live=sse"},
      {"/" + token + "/" + token, "/ds_.../ds_..."},
      {"/a?access_token=" + secret + "&offset=-1", "/a?access_token=...&offset=-1"},
      {"/a?access_token=" + secret, "/a?access_token=..."},
      {"/a?access_token=", "/a?access_token="},
      {"/ds_short/ds_", "/ds_short/ds_"},
      {std::string(AccessLog::kTargetBytesMax - 40, 'x') + token, ""}};
  for (const auto& [target, written] : targets) {
    RequestIds ids;
    CapturedLog captured;
    AccessLog(captured.logger())
        .begin("c", {.method = "GET", .target = target, .headers = headers})
        ->end({.status = 200}, ids);
    const std::string& line = captured.lines.at(0);
    CHECK(line.find(secret.substr(0, 8)) == std::string::npos);
    CHECK(line.find(written) != std::string::npos);
    CHECK(line.ends_with("user_agent=\"bot/1 ds_...\""));
  }
}

TEST_CASE("a client cannot write lines, fields or terminals by what it sends", "[server][log]") {
  // The parser lets no control character into a target or a value, which nothing here relies on.
  const std::string evil =
      "/\" status=200 x=\"\n{\"status\":200}\r\x1b[1A\xc2\x9b"
      "K\xff";
  const std::vector<http::Header> headers = {{"User-Agent", evil}};
  for (const LogFormat format : {LogFormat::kConsole, LogFormat::kJson}) {
    RequestIds ids;
    CapturedLog captured(format);
    AccessLog(captured.logger())
        .begin("c", {.method = "GET", .target = evil, .headers = headers})
        ->end({.status = 404}, ids);
    REQUIRE(captured.lines.size() == 1);
    const std::string& line = captured.lines[0];
    CHECK(std::none_of(line.begin(), line.end(), [](char c) {
      return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f;
    }));
    const std::string escaped =
        format == LogFormat::kConsole
            ? R"(target="/\" status=200 x=\"\n{\"status\":200}\r\x1b[1A\u009bK\xff" protocol)"
            : R"("target":"/\" status=200 x=\"\u000a{\"status\":200}\u000d\u001b[1A\u009bK\ufffd",)";
    CHECK(line.find(escaped) != std::string::npos);
  }
}

TEST_CASE("long targets and agents are cut", "[server][log]") {
  RequestIds ids;
  CapturedLog captured;
  const std::string target = "/" + std::string(9000, 't');
  const std::vector<http::Header> headers = {{"User-Agent", target}};
  AccessLog(captured.logger())
      .begin("c", {.method = "GET", .target = target, .headers = headers})
      ->end({.status = 200}, ids);
  CHECK(captured.lines.at(0).size() <
        AccessLog::kTargetBytesMax + AccessLog::kUserAgentBytesMax + 300);
}

TEST_CASE("an access log says what its level lets it, and one that is off keeps nothing",
          "[server][log]") {
  RequestIds ids;
  CapturedLog captured(LogFormat::kConsole, LogLevel::kError);
  const AccessLog log(captured.logger());
  log.begin("c", kHead)->end({.status = 404}, ids);
  CHECK(captured.lines.empty());
  log.begin("c", kHead)->end({.status = 500}, ids);
  CHECK(captured.lines.size() == 1);
  CHECK(AccessLog().begin("c", kHead) == nullptr);
}

TEST_CASE("no two requests of a process have one id", "[server][log]") {
  std::set<std::string> seen;
  for (const int loop : {0, 1, 2, 65'535}) {
    RequestIds ids(0x0123456789abcdef, static_cast<std::uint16_t>(loop));
    for (int i = 0; i < 20'000; ++i) {
      const RequestId id = ids.next();
      const std::string_view text = id.text();
      REQUIRE(text.size() == 16);
      REQUIRE(text.find_first_not_of("0123456789abcdef") == std::string_view::npos);
      REQUIRE(seen.emplace(text).second);
    }
  }
  CHECK(RequestIds(1, 0).next().text() != RequestIds(2, 0).next().text());
}

}  // namespace
}  // namespace durable_streams::server

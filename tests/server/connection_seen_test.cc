// What metrics and access log get of the requests of a connection.
#include <chrono>
#include <string>
#include <string_view>

#include "tests/server/connection_fixture.h"
#include "tests/server/log/captured_log.h"
#include "tests/support/catch.h"

namespace durable_streams::server {
namespace {

using std::chrono::milliseconds;

struct SeenFixture : ConnectionFixture {
  SeenFixture() {
    measured_now = {};
    handler.access_log = AccessLog(captured.logger());
  }

  std::uint64_t count(MethodLabel method, int code) const {
    return metrics
        .requests[static_cast<std::size_t>(method)]
                 [static_cast<std::size_t>(code - LoopMetrics::kCodeMin)]
        .value();
  }

  std::uint64_t all_counts() const {
    std::uint64_t all = 0;
    for (const auto& codes : metrics.requests) {
      for (const Counter& count : codes) all += count.value();
    }
    return all;
  }

  // In any bucket.
  std::uint64_t measured(MethodLabel method) const {
    const auto& histogram = metrics.latency[static_cast<std::size_t>(method)];
    std::uint64_t all = 0;
    for (std::size_t i = 0; i < histogram.kBuckets; ++i) all += histogram.count(i);
    return all;
  }
  std::uint64_t nanoseconds(MethodLabel method) const {
    return metrics.latency[static_cast<std::size_t>(method)].nanoseconds();
  }
  std::uint64_t refused(RefusedBy limit) const {
    return metrics.refused[static_cast<std::size_t>(limit)].value();
  }

  // The lines without their times and ids.
  std::string line(std::size_t at) const {
    const std::string& text = captured.lines.at(at);
    const std::size_t id = text.find(" request_id=");
    return text.substr(25, id - 25) + text.substr(id + 12 + RequestId::kDigits);
  }

  CapturedLog captured;
};

TEST_CASE("a request is counted, measured and logged once", "[server][seen]") {
  SeenFixture f;
  FakeTransport& client = f.connect();
  const std::string request =
      "POST /a?b HTTP/1.1\r\nHost: h\r\nUser-Agent: u\r\nContent-Length: 2\r\n\r\nhi";
  client.receive(request);
  const std::string sent = client.taken();
  REQUIRE(f.captured.lines.size() == 1);
  CHECK(f.line(0) ==
        "INFO request client=192.0.2.1 method=POST target=/a?b protocol=HTTP/1.1 status=200 "
        "bytes=14 duration_ms=0 user_agent=u");
  CHECK(f.count(MethodLabel::kPost, 200) == 1);
  CHECK(f.all_counts() == 1);
  CHECK(f.measured(MethodLabel::kPost) == 1);
  CHECK(f.metrics.received_bytes.value() == request.size());
  CHECK(f.metrics.sent_bytes.value() == sent.size());
  CHECK(f.metrics.aborted.value() == 0);
  client.end();
  CHECK(f.captured.lines.size() == 1);
  CHECK(f.all_counts() == 1);
}

TEST_CASE("an answer of a logged request carries the id of its line", "[server][seen]") {
  SeenFixture f;
  FakeTransport& client = f.connect();
  client.receive("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
  client.receive("bad\r\n\r\n");
  const std::string sent = client.taken();
  REQUIRE(f.captured.lines.size() == 2);
  std::size_t at = 0;
  for (const std::string& line : f.captured.lines) {
    const std::string id = line.substr(line.find("request_id=") + 11, RequestId::kDigits);
    at = sent.find("\r\nX-Request-Id: " + id + "\r\n", at);
    CHECK(at != std::string::npos);
  }
}

TEST_CASE("a request that nobody logs carries no id, and is counted", "[server][seen]") {
  SeenFixture f;
  f.handler.access_log = AccessLog();
  FakeTransport& client = f.connect();
  client.receive("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(client.taken().find("X-Request-Id") == std::string::npos);
  CHECK(f.captured.lines.empty());
  CHECK(f.count(MethodLabel::kGet, 200) == 1);
}

TEST_CASE("an answer that comes later took until then", "[server][seen]") {
  SeenFixture f;
  FakeTransport& client = f.connect();
  client.receive("PUT /wait HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(f.captured.lines.empty());
  CHECK(f.all_counts() == 0);
  measured_now += milliseconds(7);
  f.last_held().respond(201, "made");
  REQUIRE(f.captured.lines.size() == 1);
  CHECK(f.line(0) ==
        "INFO request client=192.0.2.1 method=PUT target=/wait protocol=HTTP/1.1 status=201 "
        "bytes=4 duration_ms=7");
  CHECK(f.count(MethodLabel::kPut, 201) == 1);
  CHECK(f.nanoseconds(MethodLabel::kPut) == 7'000'000);
}

TEST_CASE("requests that come together are each counted and logged", "[server][seen]") {
  SeenFixture f;
  FakeTransport& client = f.connect();
  std::string requests;
  for (int i = 0; i < 5; ++i)
    requests += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: h\r\n\r\n";
  client.receive(requests);
  CHECK(f.captured.lines.size() == 5);
  CHECK(f.line(4).find("target=/4 ") != std::string::npos);
  CHECK(f.count(MethodLabel::kGet, 200) == 5);
  CHECK(f.measured(MethodLabel::kGet) == 5);
}

TEST_CASE("a request behind one that waits took from when it was taken up", "[server][seen]") {
  SeenFixture f;
  FakeTransport& client = f.connect();
  client.receive(
      "GET /wait HTTP/1.1\r\nHost: h\r\n\r\n"
      "HEAD /b HTTP/1.1\r\nHost: h\r\n\r\n");
  measured_now += milliseconds(30);
  f.last_held().respond(200, "a");
  f.loop.run_until_idle();
  CHECK(f.nanoseconds(MethodLabel::kGet) == 30'000'000);
  CHECK(f.measured(MethodLabel::kHead) == 1);
  CHECK(f.nanoseconds(MethodLabel::kHead) == 0);
}

TEST_CASE_METHOD(SeenFixture, "requests of a turn took from its first read to its last write",
                 "[server][seen]") {
  FakeTransport& a = connect();
  FakeTransport& b = connect();
  a.read("GET /1 HTTP/1.1\r\nHost: h\r\n\r\n");
  measured_now += milliseconds(1);
  b.read("GET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
  measured_now += milliseconds(1);
  a.end_turn();
  b.end_turn();
  CHECK(nanoseconds(MethodLabel::kGet) == 2 * 2'000'000);
  measured_now += milliseconds(5);
  a.read("GET /3 HTTP/1.1\r\nHost: h\r\n\r\n");
  measured_now += milliseconds(1);
  a.end_turn();
  CHECK(nanoseconds(MethodLabel::kGet) == 5'000'000);
}

TEST_CASE_METHOD(SeenFixture, "an answer that ends with nothing more to write stops no clock",
                 "[server][seen]") {
  limits.output_bytes_max = 1000;
  FakeTransport& a = connect();
  a.receive("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n");
  ScriptedHandler::Held& waiting = last_held();
  waiting.on_writable = [](ScriptedHandler::Held& held) { held.finish(); };
  waiting.start(200, 2000);
  waiting.write(std::string(2000, 'x'));  // full, and all that is left when it may go on is the end
  measured_now += std::chrono::hours(1);
  loop.run_until_idle();
  REQUIRE(handler.held.empty());
  const std::uint64_t before = nanoseconds(MethodLabel::kGet);
  measured_now += std::chrono::hours(1);
  a.receive("GET /1 HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(nanoseconds(MethodLabel::kGet) == before);
}

TEST_CASE("a live request is counted apart and not measured", "[server][seen]") {
  SeenFixture f;
  FakeTransport& client = f.connect();
  constexpr auto kPoll = static_cast<std::size_t>(LiveKind::kLongPoll);
  client.receive("GET /wait?live=long-poll HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(f.metrics.live_begun[kPoll].value() == 1);
  CHECK(f.metrics.live_ended[kPoll].value() == 0);
  measured_now += milliseconds(30'000);
  f.last_held().respond(200, "a");
  CHECK(f.metrics.live_ended[kPoll].value() == 1);
  CHECK(f.count(MethodLabel::kGet, 200) == 1);
  CHECK(f.measured(MethodLabel::kGet) == 0);
  // Not also what comes next.
  f.loop.run_until_idle();
  client.receive("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(f.measured(MethodLabel::kGet) == 1);
  CHECK(f.metrics.live_begun[kPoll].value() == 1);
}

TEST_CASE("a client that goes before its answer is 499 and aborted", "[server][seen]") {
  SeenFixture f;
  FakeTransport& client = f.connect();
  client.receive("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n");
  measured_now += milliseconds(3);
  client.break_off();
  REQUIRE(f.captured.lines.size() == 1);
  CHECK(f.line(0) ==
        "INFO request client=192.0.2.1 method=GET target=/wait protocol=HTTP/1.1 status=499 "
        "bytes=0 duration_ms=3 aborted=true");
  CHECK(f.count(MethodLabel::kGet, 499) == 1);
  CHECK(f.all_counts() == 1);
  CHECK(f.measured(MethodLabel::kGet) == 0);
  CHECK(f.metrics.aborted.value() == 0);
}

TEST_CASE("a client that goes within its answer is aborted with its status", "[server][seen]") {
  SeenFixture f;
  FakeTransport& client = f.connect();
  client.receive("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n");
  f.last_held().start(200, 100);
  f.last_held().write("some");
  client.break_off();
  REQUIRE(f.captured.lines.size() == 1);
  CHECK(f.line(0).find(" status=200 bytes=4 ") != std::string::npos);
  CHECK(f.line(0).ends_with(" aborted=true"));
  CHECK(f.count(MethodLabel::kGet, 200) == 1);
  CHECK(f.metrics.aborted.value() == 1);
}

TEST_CASE("a client that ends within its body is aborted", "[server][seen]") {
  SeenFixture f;
  FakeTransport& client = f.connect();
  client.receive("POST /a HTTP/1.0\r\nContent-Length: 10\r\n\r\nhalf");
  client.end();
  REQUIRE(f.captured.lines.size() == 1);
  CHECK(f.line(0) ==
        "INFO request client=192.0.2.1 method=POST target=/a protocol=HTTP/1.0 status=499 "
        "bytes=0 duration_ms=0 aborted=true");
  CHECK(f.count(MethodLabel::kPost, 499) == 1);
}

TEST_CASE("what the parser refuses is logged without what it did not read", "[server][seen]") {
  SeenFixture f;
  f.connect().receive("GET /forged\x01 HTTP/1.1\r\nHost: h\r\n\r\n");
  f.connect().receive("GET /" + std::string(f.limits.target_bytes_max + 1, 't'));
  f.connect().receive("GET / HTTP/1.1\r\na: " + std::string(f.limits.header_bytes_max, 'x'));
  REQUIRE(f.captured.lines.size() == 3);
  CHECK(f.line(0).starts_with("INFO request client=192.0.2.1 status=400 bytes="));
  CHECK(f.line(0).find("forged") == std::string::npos);
  CHECK(f.line(1).ends_with(" refused=\"The request target is too long.\""));
  CHECK(f.line(2).ends_with(" refused=\"The request's headers are too large.\""));
  CHECK(f.count(MethodLabel::kUnread, 400) == 1);
  CHECK(f.count(MethodLabel::kUnread, 414) == 1);
  CHECK(f.count(MethodLabel::kUnread, 431) == 1);
  CHECK(f.all_counts() == 3);
  CHECK(f.refused(RefusedBy::kTargetSize) == 1);
  CHECK(f.refused(RefusedBy::kHeaderSize) == 1);
}

TEST_CASE("a body that is refused belongs to its request", "[server][seen]") {
  SeenFixture f;
  f.connect().receive(
      "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nnot a chunk\r\n");
  REQUIRE(f.captured.lines.size() == 1);
  CHECK(f.line(0).find(" method=POST target=/a protocol=HTTP/1.1 status=400 ") !=
        std::string::npos);
  CHECK(f.line(0).find(" refused=\"") != std::string::npos);
  CHECK(f.line(0).find("aborted") == std::string::npos);
  CHECK(f.count(MethodLabel::kPost, 400) == 1);
  CHECK(f.all_counts() == 1);
}

TEST_CASE("what takes too long is counted by its limit", "[server][seen]") {
  SeenFixture f;
  f.connect().receive("GET /slow");
  f.advance(f.limits.header_timeout + 2 * milliseconds(5'000));
  CHECK(f.refused(RefusedBy::kHeaderTimeout) == 1);
  CHECK(f.count(MethodLabel::kUnread, 408) == 1);
  f.connect().receive("POST /slow HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf");
  f.advance(f.limits.body_timeout + 2 * milliseconds(5'000));
  CHECK(f.refused(RefusedBy::kBodyTimeout) == 1);
  CHECK(f.count(MethodLabel::kPost, 408) == 1);
  CHECK(f.all_counts() == 2);
  REQUIRE(f.captured.lines.size() == 2);
  CHECK(f.line(1).find(" target=/slow ") != std::string::npos);
  CHECK(f.line(1).find(" status=408 ") != std::string::npos);
}

TEST_CASE("a connection too many is counted and logged", "[server][seen]") {
  SeenFixture f;
  f.connect(Connection::Admission::kRefused);
  CHECK(f.refused(RefusedBy::kConnections) == 1);
  CHECK(f.count(MethodLabel::kUnread, 503) == 1);
  REQUIRE(f.captured.lines.size() == 1);
  CHECK(f.line(0).starts_with("ERROR request client=192.0.2.1 status=503 "));
}

TEST_CASE("connections are counted as they come and go", "[server][seen]") {
  SeenFixture f;
  f.connect();
  FakeTransport& client = f.connect();
  CHECK(f.metrics.connections_begun.value() == 2);
  client.end();
  f.loop.run_until_idle();
  f.clients.pop_back();
  CHECK(f.metrics.connections_ended.value() == 1);
}

TEST_CASE("bytes that a slow client takes late are counted when it does", "[server][seen]") {
  SeenFixture f;
  FakeTransport& client = f.connect();
  client.window = 10;
  client.receive("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(f.metrics.sent_bytes.value() == 10);
  client.accept(100'000);
  CHECK(f.metrics.sent_bytes.value() == client.sent.size());
}

}  // namespace
}  // namespace durable_streams::server

// An endpoint over a memory store, driven without sockets: time and the loop are in the test's
// hands, and what would go to the client is recorded.
#pragma once

#include <durable_streams/durable_streams.h>
#include <durable_streams/http/endpoint.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/ascii.h"
#include "tests/support/catch.h"

namespace durable_streams::http {

using namespace std::chrono_literals;  // NOLINT(google-build-using-namespace)

using Headers = std::vector<Header>;

struct Response {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> fields;
  std::optional<std::uint64_t> content_length;
  std::string body;
  std::vector<std::string> writes;
  bool started = false;
  bool finished = false;

  int count(std::string_view name) const {
    return static_cast<int>(std::count_if(fields.begin(), fields.end(), [&](const auto& field) {
      return protocol::equal_ignoring_case(field.first, name);
    }));
  }

  bool has(std::string_view name) const { return count(name) > 0; }

  // `<none>` when it is not there.
  std::string operator[](std::string_view name) const {
    for (const auto& [each, value] : fields) {
      if (protocol::equal_ignoring_case(each, name)) return value;
    }
    return "<none>";
  }

  friend bool operator==(const Response&, const Response&) = default;
};

// Checks the contract of ResponseSink as it records. Threads: loop only.
class RecordingSink final : public ResponseSink {
 public:
  void start(const ResponseHead& head) override {
    REQUIRE_FALSE(response.started);
    response.started = true;
    response.status = head.status;
    response.content_length = head.content_length;
    for_each_field(head.fields, [&](std::string_view name, std::string_view value) {
      response.fields.emplace_back(name, value);
    });
  }

  void write(std::span<const Slice> pieces) override {
    REQUIRE(response.started);
    REQUIRE_FALSE(response.finished);
    REQUIRE_FALSE(pieces.empty());
    std::string written;
    for (const Slice& piece : pieces) written += piece.view();
    response.body += written;
    response.writes.push_back(std::move(written));
    if (full_after_each_write) is_full = true;
  }

  void finish() override {
    REQUIRE(response.started);
    REQUIRE_FALSE(response.finished);
    response.finished = true;
    const bool has_body = response.status != 204 && response.status != 304;
    if (response.content_length && has_body && !head_request) {
      REQUIRE(*response.content_length == response.body.size());
    }
    if (!has_body) REQUIRE_FALSE(response.content_length.has_value());
    if (!has_body || head_request) REQUIRE(response.body.empty());
  }

  bool full() const override { return is_full; }

  Response response;
  bool is_full = false;
  bool full_after_each_write = false;
  bool head_request = false;
};

// A request that is being answered.
struct Call {
  RecordingSink sink;
  Exchange exchange;

  const Response& response() const { return sink.response; }
  // What was sent since the last call of this.
  std::string take() { return std::exchange(sink.response.body, {}); }
};

struct EndpointFixture {
  explicit EndpointFixture(EndpointOptions options = {}, EngineOptions engine_options = {})
      : engine(store, with_clock(engine_options)), streams(engine, loop) {
    if (options.random_seed == 0) options.random_seed = 1;
    endpoint.emplace(streams, std::move(options));
  }

  EngineOptions with_clock(EngineOptions options) const {
    options.clock = &clock;
    return options;
  }

  // Moves wall time and the loop's together, as they do in life.
  void advance(std::chrono::milliseconds by) {
    clock.advance(by);
    loop.advance(by);
    loop.run_until_idle();
  }

  std::unique_ptr<Call> open(const RequestHead& head) {
    auto call = std::make_unique<Call>();
    call->sink.head_request = head.method == "HEAD";
    call->exchange = endpoint->start(head, call->sink);
    return call;
  }

  std::unique_ptr<Call> open(std::string_view method, std::string_view target,
                             const Headers& headers = {}) {
    Headers with_host = headers;
    with_host.push_back({"Host", "example.com"});
    return open({.method = method, .target = target, .headers = with_host});
  }

  // Begins a GET that may wait.
  std::unique_ptr<Call> get(std::string_view target, const Headers& headers = {}) {
    auto call = open("GET", target, headers);
    call->exchange.body({}, true);
    loop.run_until_idle();
    return call;
  }

  // The whole answer to a request that does not wait.
  Response send(const RequestHead& head, std::string_view body = {}) {
    const std::unique_ptr<Call> call = open(head);
    if (call->exchange.wants_body()) call->exchange.body(body, true);
    loop.run_until_idle();
    REQUIRE(call->response().finished);
    REQUIRE_FALSE(call->exchange.live());
    return call->response();
  }

  Response send(std::string_view method, std::string_view target, const Headers& headers = {},
                std::string_view body = {}) {
    Headers with_host = headers;
    with_host.push_back({"Host", "example.com"});
    return send({.method = method, .target = target, .headers = with_host}, body);
  }

  Response put(std::string_view target, const Headers& headers = {}, std::string_view body = {}) {
    return send("PUT", target, headers, body);
  }

  Response post(std::string_view target, std::string_view body, const Headers& headers = {}) {
    Headers all = headers;
    if (!body.empty()) all.push_back({"Content-Type", content_type});
    return send("POST", target, all, body);
  }

  // Streams that tests make are text, and so are their appends, unless a test says otherwise.
  void make(std::string_view target, std::string_view body = {}, const Headers& headers = {}) {
    Headers all = headers;
    all.push_back({"Content-Type", content_type});
    REQUIRE(put(target, all, body).status == 201);
  }

  // Whether the TTL of a stream was slid by `action`, nine tenths into its ten seconds.
  template <class Action>
  bool slides(std::string_view path, Action action) {
    advance(9s);
    action();
    return streams.info_now(path).value().deadline == clock.now() + 10s;
  }

  std::string content_type = "text/plain";
  ManualClock clock{WallTime(std::chrono::sys_days(std::chrono::year{2025} / 1 / 1))};
  ManualLoop loop{ManualLoop::Time::kVirtual};
  MemoryStore store{{.first_stream_id = 42}};
  Engine engine;
  Streams streams;
  std::optional<Endpoint> endpoint;
};

inline std::string offset_text(std::uint64_t position) {
  return Offset{.read_sequence = 0, .position = position}.to_string();
}

}  // namespace durable_streams::http

// SSE responses: their life (protocol section 5.8). How text is framed is in sse_text_test.cc.
#include "tests/http/endpoint_fixture.h"

namespace durable_streams::http {

namespace {

constexpr const char* kPath = "/v1/stream/a";
constexpr const char* kSse = "/v1/stream/a?offset=-1&live=sse";
constexpr const char* kSseNow = "/v1/stream/a?offset=now&live=sse";

// 2025-01-01, in intervals since the cursors' epoch.
constexpr std::uint64_t kFirstCursor = 84 * 86'400 / 20;

std::string data(std::string_view content) {
  return "event: data\ndata:" + std::string(content) + "\n\n";
}

std::string control(std::uint64_t next, std::uint64_t cursor = kFirstCursor,
                    std::string_view end = R"(,"upToDate":true})") {
  return "event: control\ndata:{\"streamNextOffset\":\"" + offset_text(next) +
         "\",\"streamCursor\":\"" + std::to_string(cursor) + "\"" + std::string(end) + "\n\n";
}

std::string closed_control(std::uint64_t next) {
  return "event: control\ndata:{\"streamNextOffset\":\"" + offset_text(next) +
         "\",\"upToDate\":true,\"streamClosed\":true}\n\n";
}

}  // namespace

TEST_CASE("an SSE response brings what is there, then what comes", "[http][sse]") {
  EndpointFixture fixture;
  fixture.make(kPath, "hello");
  const auto call = fixture.get(kSse);
  const Response& response = call->response();
  CHECK(response.status == 200);
  CHECK(response["Content-Type"] == "text/event-stream");
  CHECK(response["Cache-Control"] == "no-cache");
  CHECK(response["X-Accel-Buffering"] == "no");
  CHECK_FALSE(response.has("Stream-SSE-Data-Encoding"));
  CHECK_FALSE(response.content_length.has_value());
  CHECK(call->exchange.live());
  CHECK(call->take() == data("hello") + control(5));
  fixture.post(kPath, "you");
  CHECK(call->take() == data("you") + control(8));
  CHECK_FALSE(response.finished);
}

TEST_CASE("a data event and its control event leave in one write", "[http][sse]") {
  EndpointFixture fixture;
  fixture.make(kPath, "hello");
  const auto call = fixture.get(kSse);
  fixture.post(kPath, "you");
  CHECK(call->response().writes ==
        std::vector<std::string>{data("hello") + control(5), data("you") + control(8)});
}

TEST_CASE("an SSE response at the tail begins with a control event", "[http][sse]") {
  EndpointFixture fixture;
  fixture.make(kPath, "hello");
  CHECK(fixture.get(kSseNow)->take() == control(5));
  CHECK(fixture.get("/v1/stream/a?offset=99_99&live=sse")->take() == control(5));
  fixture.make("/v1/stream/empty");
  CHECK(fixture.get("/v1/stream/empty?offset=-1&live=sse")->take() == control(0));
}

TEST_CASE("an SSE response from now brings only what comes", "[http][sse]") {
  EndpointFixture fixture;
  fixture.make(kPath, "hello");
  const auto call = fixture.get(kSseNow);
  call->take();
  fixture.post(kPath, "you");
  CHECK(call->take() == data("you") + control(8));
}

TEST_CASE("closure ends an SSE response", "[http][sse][close]") {
  EndpointFixture fixture;
  fixture.make(kPath, "hello");
  const auto with_data = fixture.get(kSseNow);
  with_data->take();
  fixture.post(kPath, "end", {{"Stream-Closed", "true"}});
  CHECK(with_data->take() == data("end") + closed_control(8));
  CHECK(with_data->response().finished);
  CHECK_FALSE(with_data->exchange.live());
  const auto at_end = fixture.get(kSseNow);
  CHECK(at_end->take() == closed_control(8));
  CHECK(at_end->response().finished);
  const auto whole = fixture.get(kSse);
  CHECK(whole->take() == data("helloend") + closed_control(8));
  CHECK(whole->response().finished);
}

TEST_CASE("an SSE response at a closed stream's end says so in its head, too",
          "[http][sse][close]") {
  EndpointFixture fixture;
  fixture.make(kPath, "hello", {{"Stream-Closed", "true"}});
  for (const std::string target : {kSseNow, "/v1/stream/a?offset=0_5&live=sse"}) {
    const auto call = fixture.get(target);
    CHECK(call->response()["Stream-Closed"] == "true");
    CHECK(call->response()["Stream-Up-To-Date"] == "true");
    CHECK(call->response()["Stream-Next-Offset"] == offset_text(5));
    CHECK(call->take() == closed_control(5));
  }
  // What is yet to be sent is not over.
  const auto whole = fixture.get(kSse);
  CHECK_FALSE(whole->response().has("Stream-Closed"));
  CHECK_FALSE(whole->response().has("Stream-Next-Offset"));
}

TEST_CASE("closure without bytes is a control event of its own", "[http][sse][close]") {
  EndpointFixture fixture;
  fixture.make(kPath, "hello");
  const auto call = fixture.get(kSse);
  call->take();
  fixture.post(kPath, "", {{"Stream-Closed", "true"}});
  CHECK(call->take() == closed_control(5));
  CHECK(call->response().finished);
}

TEST_CASE("deletion ends an SSE response", "[http][sse][delete]") {
  EndpointFixture fixture;
  fixture.make(kPath, "hello");
  const auto call = fixture.get(kSse);
  call->take();
  fixture.send("DELETE", kPath);
  CHECK(call->response().finished);
  CHECK(call->take().empty());
  CHECK(fixture.get(kSse)->response().status == 404);
}

TEST_CASE("binary content is base64, and says so", "[http][sse]") {
  EndpointFixture fixture;
  fixture.content_type = "application/x-protobuf";
  fixture.make(kPath, std::string_view("\x00\x01\xFF", 3));
  const auto call = fixture.get(kSse);
  CHECK(call->response()["Stream-SSE-Data-Encoding"] == "base64");
  CHECK(call->take() == data("AAH/") + control(3));
  fixture.post(kPath, "hi");
  CHECK(call->take() == data("aGk=") + control(5));
}

TEST_CASE("JSON is one array for each data event", "[http][sse][json]") {
  EndpointFixture fixture;
  fixture.content_type = "application/json";
  fixture.make(kPath, R"([{"a":1},2])");
  const auto call = fixture.get(kSse);
  CHECK_FALSE(call->response().has("Stream-SSE-Data-Encoding"));
  CHECK(call->take() == data("[\ndata:{\"a\":1},\ndata:2\ndata:]") + control(12));
  fixture.post(kPath, "3");
  CHECK(call->take() == data("[\ndata:3\ndata:]") + control(15));
}

TEST_CASE("a long stream comes in pages, one data event each", "[http][sse]") {
  EndpointFixture fixture({.chunk_bytes_max = 16});
  fixture.make(kPath, "0123456789");
  fixture.post(kPath, "abcdefgh");
  fixture.post(kPath, "xyz");
  const auto call = fixture.get(kSse);
  CHECK(call->response().writes ==
        std::vector<std::string>{data("0123456789") + control(10, kFirstCursor, "}"),
                                 data("abcdefghxyz") + control(21)});
}

TEST_CASE("an idle SSE response sends a comment at intervals", "[http][sse][heartbeat]") {
  EndpointFixture fixture;
  fixture.make(kPath, "hello");
  const auto call = fixture.get(kSse);
  call->take();
  fixture.advance(14'999ms);
  CHECK(call->take().empty());
  fixture.advance(1ms);
  CHECK(call->take() == ":\n\n");
  fixture.advance(10s);
  fixture.post(kPath, "x");
  CHECK_FALSE(call->take().empty());
  fixture.advance(14s);
  CHECK(call->take().empty());
  fixture.advance(1s);
  CHECK(call->take() == ":\n\n");
}

TEST_CASE("an SSE response that is probed sends a comment at once", "[http][sse][heartbeat]") {
  EndpointFixture fixture;
  fixture.make(kPath, "hello");
  const auto call = fixture.get(kSse);
  call->take();
  call->exchange.probe();
  CHECK(call->take() == ":\n\n");
  fixture.advance(14'999ms);
  CHECK(call->take().empty());
  fixture.advance(1ms);
  CHECK(call->take() == ":\n\n");
  call->sink.is_full = true;
  call->exchange.probe();
  CHECK(call->take().empty());
}

TEST_CASE("nothing but an SSE response has anything to say to a probe", "[http][sse][long-poll]") {
  EndpointFixture fixture;
  fixture.make(kPath, "hello");
  const auto poll = fixture.get("/v1/stream/a?offset=now&live=long-poll");
  poll->exchange.probe();
  CHECK_FALSE(poll->response().started);
  fixture.post(kPath, "x");
  CHECK(poll->take() == "x");
  poll->exchange.probe();
  const auto read = fixture.get("/v1/stream/a?offset=-1");
  read->exchange.probe();
  CHECK(read->take() == "hellox");
}

TEST_CASE("an SSE response lasts about its interval, not all the same", "[http][sse]") {
  EndpointFixture fixture({.sse_reconnect_interval = 60s});
  fixture.make(kPath, "hello");
  std::vector<std::unique_ptr<Call>> calls;
  for (int i = 0; i < 50; ++i) calls.push_back(fixture.get(kSse));
  const auto finished = [&] {
    return std::count_if(calls.begin(), calls.end(),
                         [](const auto& call) { return call->response().finished; });
  };
  for (int i = 0; i < 54; ++i) fixture.advance(1s);
  CHECK(finished() <= 1);
  for (int i = 0; i < 6; ++i) fixture.advance(1s);
  CHECK(finished() > 5);
  CHECK(finished() < 45);
  for (int i = 0; i < 7; ++i) fixture.advance(1s);
  CHECK(finished() == 50);
  CHECK(fixture.engine.stats().waiting_readers == 0);
}

TEST_CASE("an SSE response has one timer at most", "[http][sse]") {
  EndpointFixture fixture;
  fixture.make(kPath, "hello");
  auto call = fixture.get(kSse);
  CHECK(fixture.loop.next_timer().has_value());
  call.reset();
  CHECK_FALSE(fixture.loop.next_timer().has_value());
}

TEST_CASE("a slow client is paused, and resumes from the stream", "[http][sse][backpressure]") {
  EndpointFixture fixture({.chunk_bytes_max = 16});
  fixture.make(kPath, "0123456789");
  const auto call = fixture.get(kSse);
  call->take();
  call->sink.is_full = true;
  fixture.post(kPath, "abcdefgh");
  fixture.post(kPath, "ijklmnop");
  fixture.post(kPath, "qrs");
  CHECK(call->take().empty());
  fixture.advance(20s);
  CHECK(call->take().empty());  // not even a comment
  call->sink.is_full = false;
  call->exchange.writable();
  CHECK(call->take() == data("abcdefghijklmnop") + control(26, kFirstCursor + 1, "}") +
                            data("qrs") + control(29, kFirstCursor + 1));
}

TEST_CASE("a sink that is full after each write gets one page for each writable()",
          "[http][sse][backpressure]") {
  EndpointFixture fixture({.chunk_bytes_max = 16});
  fixture.make(kPath, "0123456789");
  fixture.post(kPath, "abcdefgh");
  fixture.post(kPath, "ijklmnop", {{"Stream-Closed", "true"}});
  Call call;
  call.sink.full_after_each_write = true;
  call.exchange = fixture.endpoint->start({.method = "GET", .target = kSse}, call.sink);
  std::vector<std::string> pages = {call.take()};
  while (!call.response().finished) {
    fixture.loop.run_until_idle();
    CHECK(call.take().empty());
    call.sink.is_full = false;
    call.exchange.writable();
    pages.push_back(call.take());
  }
  CHECK(pages == std::vector<std::string>{data("0123456789") + control(10, kFirstCursor, "}"),
                                          data("abcdefghijklmnop") + closed_control(26)});
}

TEST_CASE("a sink that is full from the beginning gets the head alone",
          "[http][sse][backpressure]") {
  EndpointFixture fixture;
  fixture.make(kPath, "hello");
  for (const char* target : {kSse, kSseNow}) {
    Call call;
    call.sink.is_full = true;
    call.exchange = fixture.endpoint->start({.method = "GET", .target = target}, call.sink);
    CHECK(call.response().status == 200);
    CHECK(call.take().empty());
    call.sink.is_full = false;
    call.exchange.writable();
    CHECK(call.take() == (target == kSse ? data("hello") : "") + control(5));
  }
}

TEST_CASE("a paused response ends when its stream is deleted, or its time comes",
          "[http][sse][backpressure]") {
  EndpointFixture fixture;
  fixture.make(kPath, "hello");
  const auto deleted = fixture.get(kSse);
  const auto timed = fixture.get(kSse);
  for (Call* call : {deleted.get(), timed.get()}) call->sink.is_full = true;
  fixture.post(kPath, "x");
  fixture.send("DELETE", kPath);
  deleted->sink.is_full = false;
  deleted->exchange.writable();
  CHECK(deleted->response().finished);
  fixture.advance(66s);
  CHECK(timed->response().finished);
}

TEST_CASE("subscribers at one place share one encoded frame", "[http][sse][fan-out]") {
  EndpointFixture fixture;
  fixture.make(kPath);

  // Remembers where the bytes lie that it was given.
  class AddressSink final : public ResponseSink {
   public:
    void start(const ResponseHead&) override {}
    void write(std::span<const Slice> pieces) override { last = pieces.front(); }
    void finish() override {}
    bool full() const override { return false; }
    Slice last;
  };

  std::array<AddressSink, 3> sinks;
  std::vector<Exchange> exchanges;
  for (AddressSink& sink : sinks) {
    exchanges.push_back(fixture.endpoint->start({.method = "GET", .target = kSse}, sink));
  }
  fixture.post(kPath, "hello");
  CHECK(sinks[0].last.view() == data("hello") + control(5));
  CHECK(sinks[1].last.data() == sinks[0].last.data());
  CHECK(sinks[2].last.data() == sinks[0].last.data());
  const std::string before(sinks[0].last.view());
  const Slice held = sinks[0].last;
  fixture.post(kPath, "you");
  CHECK(held.view() == before);
  CHECK(sinks[1].last.view() == data("you") + control(8));
}

TEST_CASE("subscribers of two streams do not get each other's events", "[http][sse][fan-out]") {
  EndpointFixture fixture;
  fixture.make(kPath);
  fixture.make("/v1/stream/b");
  const auto a = fixture.get(kSse);
  const auto b = fixture.get("/v1/stream/b?offset=-1&live=sse");
  a->take();
  b->take();
  fixture.streams.append_now("a", "for a").value();
  fixture.streams.append_now("b", "for b").value();
  fixture.loop.run_until_idle();
  CHECK(a->take() == data("for a") + control(5));
  CHECK(b->take() == data("for b") + control(5));
}

TEST_CASE("a subscriber that is behind catches up by itself", "[http][sse][fan-out]") {
  EndpointFixture fixture;
  fixture.make(kPath, "abc");
  const auto slow = fixture.get(kSse);
  const auto fast = fixture.get(kSse);
  slow->take();
  fast->take();
  slow->sink.is_full = true;
  fixture.post(kPath, "1");
  fixture.post(kPath, "2");
  CHECK(fast->take() == data("1") + control(4) + data("2") + control(5));
  slow->sink.is_full = false;
  slow->exchange.writable();
  CHECK(slow->take() == data("12") + control(5));
  fixture.post(kPath, "3");
  CHECK(slow->take() == data("3") + control(6));
  CHECK(fast->take() == data("3") + control(6));
}

TEST_CASE("a cursor in the query is exceeded, and never goes back", "[http][sse][cursor]") {
  EndpointFixture fixture;
  fixture.make(kPath);
  const std::string ahead = std::to_string(kFirstCursor + 100);
  const auto call = fixture.get(std::string(kSse) + "&cursor=" + ahead);
  const auto other = fixture.get(kSse);
  const auto cursor_of = [](const std::string& events) {
    const std::string name = "\"streamCursor\":\"";
    return std::stoull(events.substr(events.find(name) + name.size()));
  };
  const std::uint64_t first = cursor_of(call->take());
  CHECK(first > kFirstCursor + 100);
  CHECK(other->take() == control(0));
  fixture.post(kPath, "x");
  CHECK(call->take() == data("x") + control(1, first));
  CHECK(other->take() == data("x") + control(1));
}

TEST_CASE("draining ends SSE responses after their last event", "[http][sse][drain]") {
  EndpointFixture fixture;
  fixture.make(kPath, "hello");
  const auto waiting = fixture.get(kSse);
  const auto paused = fixture.get(kSse);
  paused->sink.is_full = true;
  fixture.post(kPath, "x");
  fixture.endpoint->drain();
  CHECK(waiting->response().finished);
  CHECK(paused->response().finished);
  const auto late = fixture.get(kSse);
  CHECK(late->take() == data("hellox") + control(6));
  CHECK(late->response().finished);
  CHECK_FALSE(fixture.loop.next_timer().has_value());
}

TEST_CASE("SSE on a fork brings inherited bytes, then its own", "[http][sse][fork]") {
  EndpointFixture fixture;
  fixture.make("/v1/stream/source", "abc");
  fixture.put(kPath, {{"Stream-Forked-From", "/v1/stream/source"}});
  const auto call = fixture.get(kSse);
  CHECK(call->take() == data("abc") + control(3));
  fixture.post("/v1/stream/source", "xxx");
  CHECK(call->take().empty());
  fixture.post(kPath, "def");
  CHECK(call->take() == data("def") + control(6));
}

}  // namespace durable_streams::http

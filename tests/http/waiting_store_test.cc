// Exchanges over a store that makes the engine wait, and clients that do not wait for it.
#include "tests/http/endpoint_fixture.h"
#include "tests/support/deferred_store.h"

namespace durable_streams::http {

namespace {

constexpr const char* kPath = "/v1/stream/a";

struct WaitingFixture {
  WaitingFixture()
      : engine(store, {.loaded_streams_max = 1, .clock = &clock}),
        streams(std::in_place, engine, loop) {
    endpoint.emplace(*streams, EndpointOptions{.random_seed = 1});
  }

  std::unique_ptr<Call> open(std::string_view method, std::string_view target,
                             std::string_view body = {}, Headers headers = {}) {
    headers.push_back({"Content-Type", "text/plain"});
    headers.push_back({"Host", "example.com"});
    auto call = std::make_unique<Call>();
    call->sink.head_request = method == "HEAD";
    call->exchange =
        endpoint->start({.method = method, .target = target, .headers = headers}, call->sink);
    if (call->exchange.wants_body()) call->exchange.body(body, true);
    loop.run_until_idle();
    return call;
  }

  // Lets the store do all that waits.
  void settle() {
    for (int i = 0; i < 20; ++i) {
      store.settle();
      loop.run_until_idle();
    }
  }

  Response send(std::string_view method, std::string_view target, std::string_view body = {},
                Headers headers = {}) {
    const auto call = open(method, target, body, std::move(headers));
    settle();
    REQUIRE(call->response().finished);
    return call->response();
  }

  ManualClock clock{WallTime(std::chrono::sys_days(std::chrono::year{2025} / 1 / 1))};
  ManualLoop loop{ManualLoop::Time::kVirtual};
  MemoryStore memory{{.first_stream_id = 42}};
  DeferredStore store{memory};
  Engine engine;
  std::optional<Streams> streams;
  std::optional<Endpoint> endpoint;
};

}  // namespace

TEST_CASE("writes are answered when they are durable", "[http][waiting]") {
  WaitingFixture fixture;
  const auto created = fixture.open("PUT", kPath, "hello");
  CHECK_FALSE(created->response().started);
  CHECK_FALSE(created->exchange.live());
  fixture.settle();
  CHECK(created->response().status == 201);
  CHECK(created->response()["Location"] == "http://example.com/v1/stream/a");
  const auto appended = fixture.open("POST", kPath, "you");
  CHECK_FALSE(appended->response().started);
  fixture.settle();
  CHECK(appended->response().status == 204);
  CHECK(appended->response()["Stream-Next-Offset"] == offset_text(8));
  const auto removed = fixture.open("DELETE", kPath);
  CHECK_FALSE(removed->response().started);
  fixture.settle();
  CHECK(removed->response().status == 204);
}

TEST_CASE("a producer's answer that had to wait is the same", "[http][waiting]") {
  WaitingFixture fixture;
  fixture.send("PUT", kPath);
  const Headers producer = {{"Producer-Id", "p"}, {"Producer-Epoch", "0"}, {"Producer-Seq", "0"}};
  CHECK(fixture.send("POST", kPath, "x", producer).status == 200);
  CHECK(fixture.send("POST", kPath, "x", producer).status == 204);
  Headers close = producer;
  close.back().value = "1";
  close.push_back({"Stream-Closed", "true"});
  CHECK(fixture.send("POST", kPath, "", close).status == 204);
}

TEST_CASE("a refused change is told, and an append that depended on it too", "[http][waiting]") {
  WaitingFixture fixture;
  fixture.send("PUT", kPath);
  fixture.store.refuse_commits(ErrorCode::kNoSpace);
  const auto first = fixture.open("POST", kPath, "x");
  const auto second = fixture.open("POST", kPath, "y");
  fixture.settle();
  CHECK(first->response().status == 507);
  CHECK(second->response().status == 503);
  CHECK(second->response().has("Retry-After"));
  CHECK(fixture.send("GET", kPath).body.empty());
}

TEST_CASE("reads, metadata and refusals wait for their stream to load", "[http][waiting]") {
  WaitingFixture fixture;
  fixture.send("PUT", kPath, "hello");
  fixture.send("PUT", "/v1/stream/b");
  fixture.store.set_waits({.changes = true, .loads = true, .reads = true, .expired = true});
  const auto read = fixture.open("GET", kPath);
  CHECK_FALSE(read->response().started);
  fixture.settle();
  CHECK(read->response().body == "hello");
  const std::string etag = read->response()["ETag"];
  fixture.send("HEAD", "/v1/stream/b");
  CHECK(fixture.send("GET", kPath, {}, {{"If-None-Match", etag}}).status == 304);
  fixture.send("HEAD", "/v1/stream/b");
  CHECK(fixture
            .send("GET", std::string(kPath) + "?offset=-1&live=long-poll", {},
                  {{"If-None-Match", etag}})
            .status == 304);
  fixture.send("HEAD", "/v1/stream/b");
  CHECK(fixture.send("HEAD", kPath)["Stream-Next-Offset"] == offset_text(5));
  fixture.send("HEAD", "/v1/stream/b");
  CHECK(fixture.send("POST", kPath, "x", {{"Producer-Id", "p"}}).status == 400);
  CHECK(fixture.send("POST", "/v1/stream/none", "x", {{"Producer-Id", "p"}}).status == 404);
  fixture.send("HEAD", "/v1/stream/b");
  CHECK(fixture.send("GET", std::string(kPath) + "?offset=-1&live=long-poll").body == "hello");
  fixture.send("HEAD", "/v1/stream/b");
  CHECK(fixture.send("DELETE", kPath).status == 204);
}

TEST_CASE("a client that goes before its write is durable harms nothing", "[http][waiting]") {
  WaitingFixture fixture;
  fixture.send("PUT", kPath);
  fixture.open("POST", kPath, "x").reset();
  fixture.open("PUT", "/v1/stream/b", "y").reset();
  fixture.open("DELETE", "/v1/stream/none").reset();
  fixture.settle();
  CHECK(fixture.send("GET", kPath).body == "x");
  CHECK(fixture.send("GET", "/v1/stream/b").body == "y");
}

TEST_CASE("a client that goes while its read is loading harms nothing", "[http][waiting]") {
  for (const char* query : {"", "?offset=-1&live=long-poll", "?offset=-1&live=sse"}) {
    for (const bool loads : {true, false}) {
      WaitingFixture fixture;
      fixture.send("PUT", kPath, "hello");
      fixture.send("PUT", "/v1/stream/b");
      fixture.store.set_waits({.changes = true, .loads = loads, .reads = true});
      fixture.open("GET", std::string(kPath) + query, {}, {{"If-None-Match", "\"x\""}}).reset();
      fixture.settle();
      CHECK(fixture.engine.stats().waiting_readers == 0);
      CHECK(fixture.send("GET", kPath).body == "hello");
    }
  }
}

TEST_CASE("an endpoint may end before what its clients had begun", "[http][waiting]") {
  WaitingFixture fixture;
  fixture.send("PUT", kPath, "hello");
  fixture.store.set_waits({.changes = true, .loads = false, .reads = true});
  for (const char* query : {"", "?offset=-1&live=long-poll", "?offset=-1&live=sse"}) {
    fixture.open("GET", std::string(kPath) + query).reset();
  }
  fixture.open("POST", kPath, "x").reset();
  fixture.open("PUT", "/v1/stream/b", "y").reset();
  SECTION("and the handle goes on") {
    fixture.endpoint.reset();
    fixture.settle();
  }
  SECTION("and the handle ends too") {
    fixture.endpoint.reset();
    fixture.streams.reset();
    fixture.settle();
  }
}

TEST_CASE("a live response that joins its stream after its client has gone harms nothing",
          "[http][waiting]") {
  WaitingFixture fixture;
  fixture.send("PUT", kPath, "hello");
  fixture.send("PUT", "/v1/stream/b");
  fixture.store.set_waits({.changes = true, .loads = true, .reads = true});
  fixture.open("GET", std::string(kPath) + "?offset=-1&live=sse").reset();
  fixture.store.complete_loads(1);
  fixture.loop.run_until_idle();
  fixture.endpoint.reset();
  fixture.streams.reset();
  fixture.settle();
}

TEST_CASE("a live response reads on from a store that waits", "[http][waiting][sse]") {
  WaitingFixture fixture;
  fixture.send("PUT", kPath, "hello");
  fixture.store.set_waits({.changes = true, .loads = true, .reads = true});
  const auto sse = fixture.open("GET", std::string(kPath) + "?offset=-1&live=sse");
  const auto poll = fixture.open("GET", std::string(kPath) + "?offset=now&live=long-poll");
  fixture.settle();
  CHECK(sse->take().starts_with("event: data\ndata:hello\n\n"));
  CHECK_FALSE(poll->response().started);
  fixture.send("POST", kPath, "you");
  CHECK(sse->take().starts_with("event: data\ndata:you\n\n"));
  CHECK(poll->response().body == "you");
}

TEST_CASE("draining ends a live response that is still being opened", "[http][waiting][drain]") {
  WaitingFixture fixture;
  fixture.send("PUT", kPath, "hello");
  fixture.store.set_waits({.changes = true, .loads = false, .reads = true});
  const auto sse = fixture.open("GET", std::string(kPath) + "?offset=-1&live=sse");
  const auto poll = fixture.open("GET", std::string(kPath) + "?offset=-1&live=long-poll");
  fixture.endpoint->drain();
  CHECK_FALSE(sse->response().started);
  fixture.settle();
  CHECK(sse->take().starts_with("event: data\ndata:hello\n\n"));
  CHECK(sse->response().finished);
  CHECK(poll->response().body == "hello");
}

TEST_CASE("a long-poll whose time comes while it reads is answered by the read",
          "[http][waiting][long-poll]") {
  WaitingFixture fixture;
  fixture.send("PUT", kPath, "hello");
  const auto poll = fixture.open("GET", std::string(kPath) + "?offset=now&live=long-poll");
  fixture.store.set_waits({.changes = false, .loads = false, .reads = true});
  fixture.open("POST", kPath, "x");
  fixture.loop.advance(60s);
  fixture.loop.run_until_idle();
  CHECK_FALSE(poll->response().started);
  fixture.settle();
  CHECK(poll->response().status == 200);
  CHECK(poll->response().body == "x");
}

TEST_CASE("a read that fails during an SSE response ends it", "[http][waiting][sse]") {
  WaitingFixture fixture;
  fixture.send("PUT", kPath, "hello");
  const auto sse = fixture.open("GET", std::string(kPath) + "?offset=-1&live=sse");
  sse->take();
  fixture.store.fail_loads(ErrorCode::kIo, 2);
  fixture.send("POST", kPath, "x");
  CHECK(sse->response().finished);
  CHECK(sse->take().empty());
}

}  // namespace durable_streams::http

// What the engine refuses because there is enough of it already (docs/limits.md).
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "engine/live_reader.h"
#include "engine/streams_impl.h"
#include "tests/engine/engine_fixture.h"
#include "tests/support/deferred_store.h"

namespace durable_streams {

namespace {

// Engine and handle over changes that commit when the test says so.
struct DeferredFixture {
  explicit DeferredFixture(const EngineOptions& options)
      : engine(store, options), streams(engine, loop) {}

  // Where the answer goes when it has come: kCanceled while it has not, nullopt when it was ok.
  using Outcome = std::shared_ptr<std::optional<ErrorCode>>;

  Outcome create(std::string_view path, const CreateOptions& options = {}) {
    auto outcome = std::make_shared<std::optional<ErrorCode>>(ErrorCode::kCanceled);
    streams.create(path, options, [outcome](const Result<Created>& answer) {
      *outcome = answer.ok() ? std::nullopt : std::optional(answer.error().code);
    });
    loop.run_until_idle();
    return outcome;
  }
  Outcome remove(std::string_view path) {
    auto outcome = std::make_shared<std::optional<ErrorCode>>(ErrorCode::kCanceled);
    streams.remove(path, [outcome](const Status& answer) {
      *outcome = answer.ok() ? std::nullopt : std::optional(answer.error().code);
    });
    loop.run_until_idle();
    return outcome;
  }
  void commit(std::size_t count = 1) {
    store.commit(count);
    loop.run_until_idle();
  }

  ManualLoop loop{ManualLoop::Time::kVirtual};
  MemoryStore memory;
  DeferredStore store{memory};
  Engine engine;
  Streams streams;
};

struct Waiter final : LiveReader {
  Waiter(Streams& handle, std::string_view path, LiveKind kind, Offset from)
      : LiveReader(kind), streams(handle), asked({.path = path, .from = from}) {}
  ~Waiter() override { detach(); }

  std::optional<ErrorCode> open() {
    ReadAnswer answer;
    const Status status =
        *streams.impl().open_live(asked, *this, answer, [](const Result<ReadAnswer>&) {});
    if (!status.ok()) return status.error().code;
    if (answer.page.slices.empty()) wait();
    return std::nullopt;
  }
  void on_ready() override {}

  Streams& streams;
  ReadRequest asked;
};

}  // namespace

TEST_CASE("past streams_max a creation is too many, forks and soft-deleted streams included",
          "[engine][limits]") {
  EngineFixture fixture({.streams_max = 3});
  fixture.create("a");
  fixture.create("b");
  fixture.create("f", {.fork = ForkFrom{"a", {}, {}}});
  CHECK(fixture.create_error("c", {}) == ErrorCode::kTooMany);
  CHECK(fixture.create_error("g", {.fork = ForkFrom{"a", {}, {}}}) == ErrorCode::kTooMany);
  CHECK(fixture.streams.create_now("a", {.content_type = "text/plain"}).value().existed);

  fixture.streams.remove_now("a").value();  // softly: its fork keeps it
  CHECK(fixture.create_error("c", {}) == ErrorCode::kTooMany);
  fixture.streams.remove_now("f").value();  // both go
  fixture.create("c");
  fixture.create("d");
  CHECK(fixture.create_error("e", {}) == ErrorCode::kTooMany);
  CHECK(fixture.store.stats().streams == 3);
}

TEST_CASE("a stream that expires makes room for another", "[engine][limits]") {
  EngineFixture fixture({.streams_max = 1});
  fixture.create("a", {.expiry = {.ttl = 10s, .at = {}}});
  CHECK(fixture.create_error("b", {}) == ErrorCode::kTooMany);
  fixture.advance(11s);
  fixture.create("b");
}

TEST_CASE("streams that the store holds already count against streams_max", "[engine][limits]") {
  MemoryStore store;
  ManualLoop loop{ManualLoop::Time::kVirtual};
  for (const char* path : {"a", "b"}) {
    Engine engine(store, {.shards = 1, .loaded_streams_max = 1, .streams_max = 2});
    Streams streams(engine, loop);
    CHECK(streams.create_now(path).ok());
  }
  Engine engine(store, {.streams_max = 2});
  Streams streams(engine, loop);
  CHECK(streams.create_now("c").error().code == ErrorCode::kTooMany);
  CHECK(streams.remove_now("a").ok());
  CHECK(streams.create_now("c").ok());
}

TEST_CASE("creations in flight count against streams_max, and make room when they are refused",
          "[engine][limits][waiting]") {
  DeferredFixture fixture({.streams_max = 1});
  const auto first = fixture.create("a");
  CHECK(*fixture.create("b") == ErrorCode::kTooMany);
  fixture.store.refuse_commits(ErrorCode::kIo);
  fixture.commit();
  CHECK(*first == ErrorCode::kIo);
  const auto second = fixture.create("b");
  fixture.commit();
  CHECK_FALSE(second->has_value());
  fixture.store.refuse_submits(ErrorCode::kNoSpace);
  CHECK(*fixture.create("c") == ErrorCode::kTooMany);
}

TEST_CASE("a deletion makes room when it is durable, and for its own path at once",
          "[engine][limits][waiting]") {
  DeferredFixture fixture({.streams_max = 1});
  fixture.create("a");
  fixture.commit();
  const auto removed = fixture.remove("a");
  CHECK(*fixture.create("b") == ErrorCode::kTooMany);
  const auto again = fixture.create("a");
  fixture.commit(2);
  CHECK_FALSE(removed->has_value());
  CHECK_FALSE(again->has_value());
  CHECK(*fixture.create("b") == ErrorCode::kTooMany);

  fixture.store.refuse_commits(ErrorCode::kIo);
  CHECK(*fixture.remove("a") == ErrorCode::kCanceled);
  fixture.commit();
  CHECK(*fixture.create("b") == ErrorCode::kTooMany);
  fixture.remove("a");
  fixture.commit();
  const auto other = fixture.create("b");
  fixture.commit();
  CHECK_FALSE(other->has_value());
}

TEST_CASE("threads that create at once never pass streams_max", "[engine][limits][threads]") {
  constexpr std::uint64_t kMost = 100;
  MemoryStore store;
  Engine engine(store, {.streams_max = kMost});
  std::atomic<std::uint64_t> created{0};
  std::vector<std::thread> threads;
  for (int number = 0; number < 4; ++number) {
    threads.emplace_back([&, number] {
      ManualLoop loop{ManualLoop::Time::kVirtual};
      Streams streams(engine, loop);
      for (int i = 0; i < 60; ++i) {
        const std::string path = std::to_string(number) + "/" + std::to_string(i);
        if (streams.create_now(path).ok()) ++created;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(created == kMost);
  CHECK(store.stats().streams == kMost);
}

TEST_CASE("what would take a stream past stream_bytes_max is too large, whole",
          "[engine][limits]") {
  EngineFixture fixture({.stream_bytes_max = 10});
  CHECK(fixture.create_error("big", {.body = "12345678901"}) == ErrorCode::kTooLarge);
  fixture.create("a", {.content_type = "text/plain", .body = "12345"});
  fixture.append("a", "678", {.producer = {"p", 0, 0}});
  CHECK(fixture.append_error("a", "90x", {.close = true}) == ErrorCode::kTooLarge);
  CHECK(fixture.streams.append_now("a", "90x").error().message.find("10") != std::string::npos);
  CHECK(fixture.read("a") == "12345678");
  fixture.append("a", "90");
  CHECK(fixture.append_error("a", "x") == ErrorCode::kTooLarge);
  CHECK(fixture.streams.append_now("a", "678", {.producer = {"p", 0, 0}}).value().duplicate);
  CHECK(fixture.append_error("a", "x", {.producer = {"p", 0, 1}}) == ErrorCode::kTooLarge);
  CHECK(fixture.streams.append_now("a", "", {.close = true}).value().closed);
  CHECK(fixture.read("a") == "1234567890");
}

TEST_CASE("what a fork inherits does not count against stream_bytes_max", "[engine][limits]") {
  EngineFixture fixture({.stream_bytes_max = 4});
  fixture.create("a", {.content_type = "text/plain", .body = "1234"});
  fixture.create("f", {.fork = ForkFrom{"a", {}, {}}});
  fixture.append("f", "5678");
  CHECK(fixture.append_error("f", "9") == ErrorCode::kTooLarge);
  CHECK(fixture.read("f") == "12345678");
}

TEST_CASE("past waiters_per_stream_max a reader that would wait is too many, whatever its kind",
          "[engine][limits][live]") {
  EngineFixture fixture({.waiters_per_stream_max = 2});
  fixture.create("a", {.content_type = "text/plain", .body = "abc"});
  const Offset tail = fixture.streams.info_now("a").value().tail;
  auto first = std::make_unique<Waiter>(fixture.streams, "a", LiveKind::kLongPoll, tail);
  Waiter second(fixture.streams, "a", LiveKind::kSse, Offset::start());
  CHECK_FALSE(first->open());
  CHECK_FALSE(second.open());
  for (const LiveKind kind : {LiveKind::kLongPoll, LiveKind::kSse, LiveKind::kFollower}) {
    CHECK(Waiter(fixture.streams, "a", kind, tail).open() == ErrorCode::kTooMany);
  }
  std::optional<ErrorCode> followed;
  Follower follower = fixture.streams.follow("a", tail);
  follower.next([&](const Result<Page>& page) { followed = page.error().code; });
  fixture.loop.run_until_idle();
  CHECK(followed == ErrorCode::kTooMany);
  // One that finds bytes need not wait.
  CHECK_FALSE(Waiter(fixture.streams, "a", LiveKind::kLongPoll, Offset::start()).open());
  CHECK(first->waiting());

  fixture.create("b");  // each stream has its own
  CHECK_FALSE(Waiter(fixture.streams, "b", LiveKind::kSse, Offset::start()).open());
  first = nullptr;
  CHECK_FALSE(Waiter(fixture.streams, "a", LiveKind::kFollower, tail).open());
}

TEST_CASE("waiting readers are counted by kind", "[engine][limits][live]") {
  EngineFixture fixture;
  fixture.create("a");
  Waiter poll(fixture.streams, "a", LiveKind::kLongPoll, Offset::start());
  auto sse = std::make_unique<Waiter>(fixture.streams, "a", LiveKind::kSse, Offset::start());
  Waiter other(fixture.streams, "a", LiveKind::kSse, Offset::start());
  Waiter follower(fixture.streams, "a", LiveKind::kFollower, Offset::start());
  for (Waiter* each : {&poll, sse.get(), &other, &follower}) CHECK_FALSE(each->open());
  EngineStats stats = fixture.engine.stats();
  CHECK(stats.waiting_readers == 4);
  CHECK(stats.waiting_long_polls == 1);
  CHECK(stats.waiting_sse == 2);
  CHECK(stats.waiting_followers == 1);
  sse = nullptr;
  CHECK(fixture.engine.stats().waiting_sse == 1);
  fixture.append("a", "x");
  fixture.loop.run_until_idle();
  stats = fixture.engine.stats();
  CHECK(stats.waiting_readers == 0);
  CHECK(stats.waiting_sse + stats.waiting_long_polls + stats.waiting_followers == 0);
}

}  // namespace durable_streams

// The rules of a stream's lifetime (protocol section 5.1): what slides a TTL, what holds it, and
// what happens at the end.
#include <optional>

#include "tests/engine/engine_fixture.h"

namespace durable_streams {

namespace {

CreateOptions with_ttl(std::chrono::seconds ttl) {
  return {.content_type = "text/plain", .expiry = {.ttl = ttl, .at = {}}};
}

}  // namespace

TEST_CASE("a TTL slides on every read and write, and not on looking", "[engine][expiry]") {
  EngineFixture fixture;
  fixture.create("a", with_ttl(10s));
  const auto slides = [&](auto action) {
    fixture.advance(9s);
    action();
    return fixture.streams.info_now("a").value().deadline == fixture.clock.now() + 10s;
  };
  CHECK(slides([&] { fixture.append("a", "x", {.producer = {"p", 0, 0}}); }));
  CHECK(slides([&] { fixture.append("a", "x", {.producer = {"p", 0, 0}}); }));
  CHECK(slides([&] { fixture.read("a"); }));
  CHECK(slides([&] { fixture.read("a", {.read_sequence = 0, .position = 99}); }));
  CHECK(slides([&] { fixture.streams.create_now("a", with_ttl(10s)).value(); }));
  CHECK(slides([&] { fixture.append("a", "", {.producer = {"p", 0, 1}, .close = true}); }));
  CHECK(slides([&] { fixture.append("a", "", {.producer = {"p", 0, 1}, .close = true}); }));
  CHECK(slides([&] { fixture.append("a", "", {.close = true}); }));
  CHECK_FALSE(slides([&] { fixture.streams.info_now("a").value(); }));
  fixture.advance(1s);
  CHECK_FALSE(fixture.exists("a"));
}

TEST_CASE("a slid deadline is in the store when the engine has gone", "[engine][expiry]") {
  ManualClock clock{WallTime(std::chrono::hours(24 * 365 * 50))};
  ManualLoop loop{ManualLoop::Time::kVirtual};
  MemoryStore store;
  const WallTime begin = clock.now();
  {
    Engine engine(store, {.clock = &clock});
    Streams streams(engine, loop);
    streams.create_now("a", with_ttl(10s)).value();
    streams.create_now("b", with_ttl(10s)).value();
    clock.advance(9s);
    loop.advance(9s);
    streams.read_now("a", Offset::start()).value();
  }
  StreamRecord record;
  REQUIRE(store.load_now("a", record)->value());
  CHECK(record.deadline == begin + 19s);
  REQUIRE(store.load_now("b", record)->value());
  CHECK(record.deadline == begin + 10s);
}

TEST_CASE("a refused read or write does not slide a TTL", "[engine][expiry]") {
  EngineFixture fixture;
  fixture.create(
      "a",
      {.content_type = "application/json", .expiry = {.ttl = 10s, .at = {}}, .body = "[11,22]"});
  const WallTime deadline = fixture.streams.info_now("a").value().deadline;
  fixture.advance(5s);
  CHECK(fixture.streams.read_now("a", {.read_sequence = 0, .position = 2}).error().code ==
        ErrorCode::kInvalidArgument);
  CHECK(fixture.append_error("a", "nope") == ErrorCode::kInvalidJson);
  CHECK(fixture.create_error("a", with_ttl(10s)) == ErrorCode::kConflict);
  CHECK(fixture.streams.info_now("a").value().deadline == deadline);
}

TEST_CASE("a refused live read does not slide a TTL", "[engine][expiry][live]") {
  EngineFixture fixture;
  fixture.create(
      "a",
      {.content_type = "application/json", .expiry = {.ttl = 10s, .at = {}}, .body = "[11,22]"});
  const WallTime deadline = fixture.streams.info_now("a").value().deadline;
  fixture.advance(5s);
  Follower follower = fixture.streams.follow("a", {.read_sequence = 0, .position = 2});
  std::optional<ErrorCode> refused;
  follower.next([&](Result<Page> page) { refused = page.error().code; });
  fixture.loop.run_until_idle();
  CHECK(refused == ErrorCode::kInvalidArgument);
  CHECK(fixture.streams.info_now("a").value().deadline == deadline);
}

TEST_CASE("an expired stream is gone for every operation at once", "[engine][expiry]") {
  EngineFixture fixture;
  fixture.create("a", with_ttl(10s));
  fixture.clock.advance(10s);  // and no timer has run
  CHECK_FALSE(fixture.exists("a"));
  CHECK(fixture.streams.read_now("a", Offset::start()).error().code == ErrorCode::kNotFound);
  CHECK(fixture.append_error("a", "x") == ErrorCode::kNotFound);
  CHECK(fixture.streams.remove_now("a").error().code == ErrorCode::kNotFound);
  CHECK_FALSE(fixture.streams.create_now("a", with_ttl(5s)).value().existed);
}

TEST_CASE("a stream created with TTL 0 or a past deadline has expired at once",
          "[engine][expiry]") {
  EngineFixture fixture;
  CHECK_FALSE(fixture.streams.create_now("ttl", with_ttl(0s)).value().existed);
  CHECK_FALSE(fixture.exists("ttl"));
  const Expiry past{.ttl = {}, .at = fixture.clock.now() - 1s};
  CHECK_FALSE(fixture.streams.create_now("at", {.expiry = past}).value().existed);
  CHECK_FALSE(fixture.exists("at"));
}

TEST_CASE("an absolute deadline does not move", "[engine][expiry]") {
  EngineFixture fixture;
  fixture.create(
      "a", {.content_type = "text/plain", .expiry = {.ttl = {}, .at = fixture.clock.now() + 10s}});
  fixture.advance(9s);
  fixture.append("a", "x");
  fixture.advance(1s);
  CHECK_FALSE(fixture.exists("a"));
}

TEST_CASE("the memory of expired streams is given back unasked", "[engine][expiry]") {
  EngineFixture fixture;
  for (int i = 0; i < 1'000; ++i) {
    CreateOptions options = with_ttl(std::chrono::seconds(10 + i % 3));
    options.body = "some bytes";
    fixture.create("s/" + std::to_string(i), options);
  }
  fixture.create("stays");
  CHECK(fixture.store.stats().streams == 1'001);
  for (int i = 0; i < 20; ++i) fixture.advance(1s);
  CHECK(fixture.store.stats().streams == 1);
  CHECK(fixture.engine.stats().expired_streams == 1'000);
}

TEST_CASE(
    "a stream that is used lives past its first deadline, and expires unasked after its last use",
    "[engine][expiry]") {
  EngineFixture fixture;
  fixture.create("a", with_ttl(10s));
  for (int i = 0; i < 5; ++i) {
    fixture.advance(7s);
    fixture.append("a", "x");
  }
  CHECK(fixture.store.stats().streams == 1);
  for (int i = 0; i < 12; ++i) fixture.advance(1s);
  CHECK(fixture.store.stats().streams == 0);
}

TEST_CASE("a held live read suspends the TTL, and its end starts it anew",
          "[engine][expiry][live]") {
  EngineFixture fixture;
  fixture.create("a", with_ttl(10s));
  std::optional<Follower> follower = fixture.streams.follow("a", Offset::start());
  std::string got;
  follower->next([&](Result<Page> page) { got = page.value().text(); });
  fixture.advance(600s);
  CHECK(fixture.exists("a"));
  fixture.append("a", "still here");
  fixture.loop.run_until_idle();
  CHECK(got == "still here");
  fixture.advance(600s);
  CHECK(fixture.exists("a"));
  follower.reset();
  fixture.advance(9s);
  CHECK(fixture.exists("a"));
  fixture.advance(1s);
  CHECK_FALSE(fixture.exists("a"));
}

TEST_CASE("a stream that a live reader held is given back on time, and so is its deleted source",
          "[engine][expiry][live][fork]") {
  EngineFixture fixture;
  fixture.create("source", {.content_type = "text/plain", .body = "abc"});
  fixture.create("fork", {.expiry = {.ttl = 10s, .at = {}},
                          .fork = ForkFrom{.path = "source", .offset = {}, .sub_offset = {}}});
  fixture.streams.remove_now("source").value();
  std::optional<Follower> follower = fixture.streams.follow("fork", Offset::start());
  follower->next([](const Result<Page>&) {});
  for (int i = 0; i < 15; ++i) fixture.advance(1s);  // its first deadline is looked at, and put off
  follower.reset();
  fixture.advance(9s);
  CHECK(fixture.store.stats().streams == 2);
  fixture.advance(1s);
  fixture.advance(20ms);
  CHECK(fixture.store.stats().streams == 0);
}

TEST_CASE("a waiting reader learns of its stream's deadline", "[engine][expiry][live]") {
  EngineFixture fixture;
  fixture.create(
      "a", {.content_type = "text/plain", .expiry = {.ttl = {}, .at = fixture.clock.now() + 10s}});
  Follower follower = fixture.streams.follow("a", Offset::start());
  std::optional<ErrorCode> ended;
  follower.next([&](Result<Page> page) { ended = page.error().code; });
  fixture.advance(9s);
  CHECK_FALSE(ended);
  fixture.advance(1s);
  fixture.advance(20ms);
  CHECK(ended == ErrorCode::kNotFound);
}

TEST_CASE("a source that expires while it has forks is soft-deleted until the last of them goes",
          "[engine][expiry][fork]") {
  EngineFixture fixture;
  fixture.create("source",
                 {.content_type = "text/plain", .expiry = {.ttl = 10s, .at = {}}, .body = "abc"});
  fixture.create("fork", {.expiry = {.ttl = 100s, .at = {}},
                          .fork = ForkFrom{.path = "source", .offset = {}, .sub_offset = {}}});
  fixture.advance(11s);
  CHECK(fixture.streams.info_now("source").error().code == ErrorCode::kGone);
  CHECK(fixture.create_error("source", {.content_type = "text/plain"}) == ErrorCode::kConflict);
  CHECK(fixture.read("fork") == "abc");
  CHECK(fixture.streams.remove_now("fork").ok());
  CHECK(fixture.store.stats().streams == 0);
  CHECK_FALSE(fixture.streams.create_now("source", {.content_type = "text/plain"}).value().existed);
}

TEST_CASE("reading a fork never slides its source", "[engine][expiry][fork]") {
  EngineFixture fixture;
  fixture.create("source",
                 {.content_type = "text/plain", .expiry = {.ttl = 10s, .at = {}}, .body = "abc"});
  fixture.create("fork", {.fork = ForkFrom{.path = "source", .offset = {}, .sub_offset = {}}});
  fixture.advance(6s);
  CHECK(fixture.read("fork") == "abc");
  fixture.advance(4s);
  CHECK(fixture.streams.info_now("source").error().code == ErrorCode::kGone);
  CHECK(fixture.exists("fork"));
}

}  // namespace durable_streams

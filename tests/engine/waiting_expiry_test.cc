// TTLs that slide, or do not, over a store that makes the engine wait.
#include "tests/engine/waiting_fixture.h"

namespace durable_streams {

TEST_CASE(
    "a stream whose creation was in flight when expired ones were looked for expires unasked too",
    "[engine][waiting][expiry]") {
  WaitingFixture fixture;
  const auto expiring = [](std::chrono::seconds ttl) {
    return CreateOptions{.content_type = "text/plain", .expiry = {.ttl = ttl, .at = {}}};
  };
  const auto pass = [&](std::chrono::seconds time) {
    fixture.clock.advance(time);
    fixture.loop.advance(time);
    fixture.loop.run_until_idle();
  };
  fixture.create("first", expiring(1s));
  fixture.settle();
  fixture.remove("first");
  fixture.settle();
  fixture.create("second", expiring(5s));
  for (int i = 0; i < 2; ++i) pass(1s);
  fixture.settle();
  CHECK(fixture.exists("second"));
  CHECK(fixture.memory.stats().streams == 1);
  for (int i = 0; i < 5; ++i) pass(1s);
  fixture.settle();
  CHECK(fixture.memory.stats().streams == 0);
}

TEST_CASE("a stream is held in memory until its slid deadline is saved",
          "[engine][waiting][expiry]") {
  WaitingFixture fixture({.shards = 1, .loaded_streams_max = 1});
  fixture.create("a", {.content_type = "text/plain", .expiry = {.ttl = 10s, .at = {}}});
  fixture.settle();
  fixture.clock.advance(8s);
  fixture.read("a");
  for (const char* path : {"b", "c", "d"}) fixture.create(path);  // leave no room for the first
  fixture.clock.advance(8s);
  CHECK(fixture.exists("a"));
}

TEST_CASE("a read that waited and was refused slides no TTL, however many there were",
          "[engine][waiting][expiry]") {
  WaitingFixture fixture;
  fixture.create(
      "a",
      {.content_type = "application/json", .expiry = {.ttl = 10s, .at = {}}, .body = "[11,22]"});
  fixture.settle();
  const WallTime deadline = fixture.streams.info_now("a").value().deadline;
  fixture.store.set_waits(
      {.changes = true, .loads = false, .reads = true, .expired = false, .random = false});
  std::deque<Answer<Page>> pages;
  const auto read = [&](std::uint64_t position) -> const Answer<Page>& {
    Answer<Page>& page = pages.emplace_back();
    fixture.streams.read("a", {.read_sequence = 0, .position = position}, 0, fixture.into(page));
    return page;
  };
  for (int i = 0; i < 3; ++i) {
    fixture.clock.advance(1s);
    read(2);
  }
  fixture.clock.advance(1s);
  fixture.settle();
  for (const Answer<Page>& page : pages) CHECK(page.code() == ErrorCode::kInvalidArgument);
  CHECK(fixture.streams.info_now("a").value().deadline == deadline);

  read(2);
  const auto& accepted = read(4);
  read(2);
  fixture.settle();
  CHECK((*accepted).text() == "[22]");
  CHECK(fixture.streams.info_now("a").value().deadline == fixture.clock.now() + 10s);
}

TEST_CASE(
    "a stream lives on while an accepted read waits for the store, and not after a refused one",
    "[engine][waiting][expiry]") {
  WaitingFixture fixture;
  fixture.create(
      "a",
      {.content_type = "application/json", .expiry = {.ttl = 10s, .at = {}}, .body = "[11,22]"});
  fixture.settle();
  fixture.store.set_waits(
      {.changes = true, .loads = false, .reads = true, .expired = false, .random = false});
  Answer<Page> accepted;
  fixture.streams.read("a", Offset::start(), 0, fixture.into(accepted));
  fixture.clock.advance(15s);
  CHECK(fixture.exists("a"));
  fixture.settle();
  CHECK(accepted.ok());
  CHECK(fixture.streams.info_now("a").value().deadline == fixture.clock.now() + 10s);

  Answer<Page> refused;
  fixture.streams.read("a", {.read_sequence = 0, .position = 2}, 0, fixture.into(refused));
  fixture.clock.advance(15s);
  fixture.settle();
  CHECK(refused.code() == ErrorCode::kInvalidArgument);
  CHECK_FALSE(fixture.exists("a"));
}

TEST_CASE("what is refused when it would commit slides no TTL, nor does what depended on it",
          "[engine][waiting][expiry]") {
  WaitingFixture fixture;
  const CreateOptions options{.content_type = "text/plain", .expiry = {.ttl = 10s, .at = {}}};
  fixture.create("a", options);
  fixture.settle();
  const WallTime deadline = fixture.streams.info_now("a").value().deadline;
  fixture.clock.advance(5s);
  fixture.store.refuse_commits(ErrorCode::kNoSpace);
  const auto& refused = fixture.append("a", "x", {.producer = {"p", 0, 0}});
  const auto& duplicate = fixture.append("a", "x", {.producer = {"p", 0, 0}});
  const auto& created = fixture.create("a", options);
  fixture.clock.advance(1s);
  fixture.settle();
  CHECK(refused.code() == ErrorCode::kNoSpace);
  CHECK(duplicate.code() == ErrorCode::kUnavailable);
  CHECK(created.code() == ErrorCode::kUnavailable);
  CHECK(fixture.streams.info_now("a").value().deadline == deadline);

  const auto& kept = fixture.append("a", "x", {.producer = {"p", 0, 0}});
  fixture.clock.advance(15s);
  CHECK(fixture.exists("a"));
  fixture.settle();
  CHECK(kept.ok());
  CHECK(fixture.streams.info_now("a").value().deadline == fixture.clock.now() + 10s);
}

TEST_CASE(
    "a stream that was held past its deadline is given back as soon as what held it is refused",
    "[engine][waiting][expiry]") {
  WaitingFixture fixture;
  const auto pass = [&](std::chrono::milliseconds time) {
    fixture.clock.advance(time);
    fixture.loop.advance(time);
    fixture.loop.run_until_idle();
  };
  fixture.create(
      "a",
      {.content_type = "application/json", .expiry = {.ttl = 10s, .at = {}}, .body = "[11,22]"});
  fixture.settle();
  fixture.store.set_waits(
      {.changes = true, .loads = false, .reads = true, .expired = false, .random = false});
  Answer<Page> refused;
  fixture.streams.read("a", {.read_sequence = 0, .position = 2}, 0, fixture.into(refused));
  for (int i = 0; i < 12; ++i) pass(1s);
  fixture.commit();
  CHECK(fixture.memory.earliest_deadline() > fixture.clock.now() + 10s);  // put off

  fixture.settle();
  CHECK(refused.code() == ErrorCode::kInvalidArgument);
  for (int i = 0; i < 2; ++i) {
    pass(20ms);
    fixture.settle();
  }
  CHECK(fixture.memory.stats().streams == 0);
}

TEST_CASE(
    "the deadline that a read saves when it lets go of its stream is asked to be committed, though "
    "the reader has gone",
    "[engine][waiting][expiry]") {
  WaitingFixture fixture;
  fixture.create("a", {.content_type = "text/plain", .expiry = {.ttl = 10s, .at = {}}});
  fixture.settle();
  fixture.store.set_waits(
      {.changes = true, .loads = false, .reads = true, .expired = false, .random = false});
  fixture.append("a", "x");
  fixture.commit();
  Answer<Page> page;
  std::optional<Streams> reader(std::in_place, fixture.engine, fixture.loop);
  reader->read("a", Offset::start(), 0, fixture.into(page));
  for (int i = 0; i < 12; ++i) {
    fixture.clock.advance(1s);
    fixture.loop.advance(1s);
    fixture.loop.run_until_idle();
  }
  fixture.store.commit_all();
  CHECK(fixture.memory.earliest_deadline() > fixture.clock.now() + 10s);  // put off
  reader.reset();
  CHECK(page.code() == ErrorCode::kCanceled);

  const std::size_t flushes = fixture.store.flushes();
  CHECK(fixture.store.complete_loads() == 1);
  CHECK(fixture.store.waiting_changes() == 1);
  CHECK(fixture.store.flushes() == flushes + 1);
}

}  // namespace durable_streams

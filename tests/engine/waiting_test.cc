// The engine over a store that makes it wait: what is in flight is not visible, what depends on it
// waits for it, and what is refused takes with it all that was checked against it.
#include <optional>
#include <utility>

#include "tests/engine/waiting_fixture.h"
#include "tests/support/deferred_store.h"
#include "tests/support/recovered_store.h"

namespace durable_streams {

TEST_CASE("what is in flight is not visible, and its answer waits for the commit",
          "[engine][waiting]") {
  WaitingFixture fixture;
  const auto& created = fixture.create("a");
  CHECK_FALSE(fixture.exists("a"));
  fixture.loop.run_until_idle();
  CHECK(created.waiting());
  fixture.commit();
  CHECK(created.ok());
  CHECK(fixture.exists("a"));

  const auto& first = fixture.append("a", "one");
  const auto& second = fixture.append("a", "two", {.close = true});
  CHECK(fixture.read("a").empty());
  fixture.commit();
  CHECK(first.ok());
  CHECK(second.waiting());
  CHECK(fixture.read("a") == "one");
  CHECK_FALSE(fixture.streams.info_now("a").value().closed);
  fixture.commit();
  CHECK((*second).closed);
  CHECK(fixture.read("a") == "onetwo");
}

TEST_CASE("operations that would wait say so in their `_now` form, and change nothing",
          "[engine][waiting]") {
  WaitingFixture fixture;
  CHECK(fixture.streams.create_now("a").error().code == ErrorCode::kWouldWait);
  CHECK(fixture.store.waiting_changes() == 0);
}

TEST_CASE("readers see the first stream while its path is deleted and created again in flight",
          "[engine][waiting]") {
  WaitingFixture fixture;
  fixture.create("a");
  fixture.append("a", "first");
  fixture.settle();
  const auto& removed = fixture.remove("a");
  const auto& second = fixture.create("a", {.content_type = "text/html", .body = "second"});
  const auto& removed_again = fixture.remove("a");
  const auto& third = fixture.create("a", {.content_type = "text/css", .body = "third"});
  CHECK(fixture.read("a") == "first");
  fixture.commit();
  CHECK(removed.ok());
  CHECK_FALSE(fixture.exists("a"));
  fixture.commit();
  CHECK(second.ok());
  CHECK(fixture.read("a") == "second");
  fixture.commit(2);
  CHECK(removed_again.ok());
  CHECK_FALSE((*third).existed);
  CHECK(fixture.read("a") == "third");
}

TEST_CASE("an answer that depends on a change in flight waits for it",
          "[engine][waiting][producer]") {
  WaitingFixture fixture;
  fixture.create("a");
  fixture.settle();
  const auto& first = fixture.append("a", "x", {.producer = {"p", 0, 0}, .close = true});
  const auto& duplicate = fixture.append("a", "x", {.producer = {"p", 0, 0}, .close = true});
  const auto& conflict = fixture.append("a", "y");
  fixture.loop.run_until_idle();
  CHECK(fixture.store.waiting_changes() == 1);
  CHECK(first.waiting());
  CHECK(duplicate.waiting());
  CHECK(conflict.waiting());
  fixture.commit();
  CHECK_FALSE((*first).duplicate);
  CHECK((*duplicate).duplicate);
  CHECK(conflict.code() == ErrorCode::kClosed);
}

TEST_CASE("a refused change takes with it what was checked against it, and leaves no trace",
          "[engine][waiting]") {
  WaitingFixture fixture;
  fixture.create("a");
  fixture.append("a", "kept ", {.producer = {"p", 0, 0}, .stream_seq = "1"});
  fixture.settle();
  fixture.store.refuse_commits(ErrorCode::kNoSpace);
  const auto& refused = fixture.append("a", "lost", {.producer = {"p", 0, 1}, .stream_seq = "2"});
  const auto& after =
      fixture.append("a", "lost too", {.producer = {"p", 0, 2}, .stream_seq = "3", .close = true});
  const auto& duplicate = fixture.append("a", "lost", {.producer = {"p", 0, 1}});
  const auto& create = fixture.create("a", {.content_type = "text/plain", .closed = true});
  fixture.settle();
  CHECK(refused.code() == ErrorCode::kNoSpace);
  CHECK(after.code() == ErrorCode::kUnavailable);
  CHECK(duplicate.code() == ErrorCode::kUnavailable);
  CHECK(create.code() == ErrorCode::kUnavailable);
  CHECK(fixture.read("a") == "kept ");

  const auto& retried = fixture.append("a", "lost", {.producer = {"p", 0, 1}, .stream_seq = "2"});
  fixture.settle();
  CHECK_FALSE((*retried).duplicate);
  CHECK(fixture.read("a") == "kept lost");
}

TEST_CASE("a change submitted after a refusal, but before those behind it were refused, stands",
          "[engine][waiting]") {
  WaitingFixture fixture;
  fixture.create("a");
  fixture.settle();
  fixture.store.refuse_commits(ErrorCode::kNoSpace);
  const auto& refused = fixture.append("a", "1");
  const auto& doomed = fixture.append("a", "2");
  fixture.commit();
  CHECK(refused.code() == ErrorCode::kNoSpace);
  CHECK(doomed.code() == ErrorCode::kUnavailable);
  const auto& fresh = fixture.append("a", "3");
  fixture.settle();
  CHECK(fresh.ok());
  CHECK(fixture.read("a") == "3");
}

TEST_CASE("a refused creation leaves its path free", "[engine][waiting]") {
  WaitingFixture fixture;
  fixture.store.refuse_commits(ErrorCode::kNoSpace);
  const auto& created = fixture.create("a");
  const auto& appended = fixture.append("a", "x");
  fixture.settle();
  CHECK(created.code() == ErrorCode::kNoSpace);
  CHECK(appended.code() == ErrorCode::kUnavailable);
  CHECK_FALSE(fixture.exists("a"));
  const auto& again = fixture.create("a", {.content_type = "text/html"});
  fixture.settle();
  CHECK_FALSE((*again).existed);
}

TEST_CASE("a refused creation does not take with it the next one of its path",
          "[engine][waiting]") {
  WaitingFixture fixture;
  fixture.store.refuse_commits(ErrorCode::kNoSpace);
  const auto& refused = fixture.create("a");
  const auto& lost = fixture.append("a", "lost");
  const auto& removed = fixture.remove("a");
  const auto& created = fixture.create("a", {.content_type = "text/html"});
  const auto& kept = fixture.append("a", "kept");
  fixture.settle();
  CHECK(refused.code() == ErrorCode::kNoSpace);
  CHECK(lost.code() == ErrorCode::kUnavailable);
  CHECK(removed.code() == ErrorCode::kUnavailable);
  CHECK_FALSE((*created).existed);
  CHECK(kept.ok());
  CHECK(fixture.read("a") == "kept");
}

TEST_CASE("a refused append takes the read sequence that it raised back with it",
          "[engine][waiting][read-sequence]") {
  MemoryStore memory;
  ManualLoop loop{ManualLoop::Time::kVirtual};
  {
    Engine before(memory);
    Streams(before, loop).create_now("a", {.content_type = "text/plain", .body = "ab"}).value();
  }
  RecoveredStore recovered(memory, 1);
  DeferredStore store(recovered);
  Engine engine(store);
  Streams streams(engine, loop);
  const auto append = [&] {
    std::optional<Result<Appended>> answer;
    streams.append("a", "c", {}, [&](Result<Appended> result) { answer = std::move(result); });
    // Not yet visible: readers are at the old tail.
    CHECK(streams.info_now("a").value().tail == Offset{.read_sequence = 0, .position = 2});
    CHECK(streams.read_now("a", {.read_sequence = 0, .position = 3}).error().code ==
          ErrorCode::kGone);
    CHECK(streams.read_now("a", {}).value().next_offset ==
          Offset{.read_sequence = 0, .position = 2});
    store.commit();
    loop.run_until_idle();
    return *answer;
  };
  store.refuse_commits(ErrorCode::kNoSpace);
  CHECK_FALSE(append().ok());
  const Offset raised{.read_sequence = 1, .position = 3};
  CHECK(append().value().next_offset == raised);
  CHECK(streams.read_now("a", {.read_sequence = 0, .position = 2}).value().next_offset == raised);
  StreamRecord record;
  REQUIRE(memory.load_now("a", record)->value());
  CHECK(record.sequences == SequenceStarts{{.sequence = 1, .position = 2}});
}

}  // namespace durable_streams

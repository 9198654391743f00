// Forks over a store that makes the engine wait: in flight, refused, and let go.
#include "tests/engine/waiting_fixture.h"

namespace durable_streams {

TEST_CASE("a fork in flight keeps its source, and a refused one lets it go",
          "[engine][waiting][fork]") {
  WaitingFixture fixture;
  fixture.create("source", {.content_type = "text/plain", .body = "abc"});
  fixture.settle();
  const CreateOptions fork{.fork = ForkFrom{.path = "source", .offset = {}, .sub_offset = {}}};
  fixture.store.refuse_commits(ErrorCode::kNoSpace);
  const auto& refused = fixture.create("fork", fork);
  const auto& removed = fixture.remove("source");
  fixture.settle();
  CHECK(refused.code() == ErrorCode::kNoSpace);
  CHECK(removed.code() == ErrorCode::kUnavailable);
  CHECK(fixture.read("source") == "abc");

  const auto& forked = fixture.create("fork", fork);
  const auto& softly = fixture.remove("source");
  fixture.settle();
  CHECK(forked.ok());
  CHECK(softly.ok());
  CHECK(fixture.streams.info_now("source").error().code == ErrorCode::kGone);
  CHECK(fixture.read("fork") == "abc");
  fixture.remove("fork");
  fixture.settle();
  CHECK(fixture.store.stats().streams == 0);
}

TEST_CASE("a fork's place is found over a store that waits, and not looked for where it cannot be",
          "[engine][waiting][fork][json]") {
  WaitingFixture fixture;
  fixture.create("source", {.content_type = "application/json", .body = "[1,22,333]"});
  fixture.settle();
  fixture.store.set_waits(
      {.changes = false, .loads = false, .reads = true, .expired = false, .random = false});
  const auto fork_at = [&](std::uint64_t position,
                           std::uint64_t sub_offset) -> const Answer<Created>& {
    const Offset offset{.read_sequence = 0, .position = position};
    const auto& forked = fixture.create(
        "fork", {.fork = ForkFrom{.path = "source", .offset = offset, .sub_offset = sub_offset}});
    fixture.loop.run_until_idle();
    return forked;
  };
  CHECK(fork_at(0, 5).code() == ErrorCode::kInvalidArgument);
  CHECK(fork_at(0, UINT64_MAX).code() == ErrorCode::kInvalidArgument);
  const auto& too_many = fork_at(0, 4);
  CHECK(too_many.waiting());
  fixture.settle();
  CHECK(too_many.code() == ErrorCode::kInvalidArgument);

  const auto& inside = fork_at(4, 1);
  fixture.settle();
  CHECK(inside.code() == ErrorCode::kInvalidArgument);
  const auto& forked = fork_at(3, 1);
  CHECK(forked.waiting());
  fixture.settle();
  CHECK((*forked).stream.tail.position == 7);
}

TEST_CASE("a release that the store refuses is tried again until the source is given back",
          "[engine][waiting][fork]") {
  WaitingFixture fixture({.shards = 1, .loaded_streams_max = 1});
  const auto fork_of = [](std::string_view source) {
    return CreateOptions{.fork = ForkFrom{.path = source, .offset = {}, .sub_offset = {}}};
  };
  fixture.create("source", {.content_type = "text/plain", .body = "abc"});
  fixture.settle();
  fixture.create("middle", fork_of("source"));
  fixture.settle();
  fixture.create("fork", fork_of("middle"));
  fixture.settle();
  fixture.remove("source");
  fixture.remove("middle");
  fixture.settle();

  SECTION("when it would commit") {
    fixture.remove("fork");
    fixture.commit();
    fixture.store.refuse_commits(ErrorCode::kUnavailable, 3);
  }
  SECTION("when it is submitted") {
    fixture.remove("fork");
    fixture.store.refuse_submits(ErrorCode::kUnavailable, 3);
  }
  SECTION("because of the change before it") {
    fixture.create("another", fork_of("fork"));
    fixture.settle();
    fixture.remove("another");
    fixture.append("fork", "x");
    fixture.commit();  // "fork" is owed a release, which is checked against the append
    fixture.store.refuse_commits(ErrorCode::kUnavailable);
    fixture.settle();
    fixture.remove("fork");
  }
  SECTION("when its source cannot be loaded") {
    fixture.create("elsewhere");  // leaves no room for the source
    fixture.settle();
    fixture.remove("fork");
    fixture.store.fail_loads(ErrorCode::kIo, 3);
  }
  SECTION("when its source cannot be loaded later") {
    fixture.create("elsewhere");
    fixture.settle();
    fixture.remove("fork");
    fixture.store.set_waits(
        {.changes = true, .loads = true, .reads = false, .expired = false, .random = false});
    fixture.commit();
    fixture.store.fail_loads(ErrorCode::kIo, 3);
  }
  fixture.settle();
  for (int i = 0; i < 10; ++i) {
    fixture.clock.advance(1s);
    fixture.loop.advance(1s);
    fixture.settle();
  }
  fixture.remove("elsewhere");
  fixture.settle();
  CHECK(fixture.memory.stats().streams == 0);
}

}  // namespace durable_streams

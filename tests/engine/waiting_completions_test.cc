// Who is told of what a store that makes the engine wait did: readers, those who joined a load, and
// nobody whose handle has gone.
#include <atomic>
#include <thread>

#include "tests/engine/waiting_fixture.h"

namespace durable_streams {

TEST_CASE("readers are woken by the commit, not by the append", "[engine][waiting][live]") {
  WaitingFixture fixture;
  fixture.create("a");
  fixture.settle();
  Follower follower = fixture.streams.follow("a", Offset::start());
  std::string got;
  follower.next([&](Result<Page> page) { got = page.value().text(); });
  fixture.append("a", "x");
  fixture.loop.run_until_idle();
  CHECK(got.empty());
  fixture.commit();
  CHECK(got == "x");
}

TEST_CASE("operations on a path that is being loaded join, and are answered when it is there",
          "[engine][waiting][loading]") {
  MemoryStore memory;
  {
    ManualLoop loop;
    Engine engine(memory);
    Streams streams(engine, loop);
    streams.create_now("a", {.content_type = "text/plain", .body = "abc"}).value();
    streams.append_now("a", "d", {.producer = {"p", 0, 0}}).value();
  }
  DeferredStore store(memory);
  store.set_waits(
      {.changes = true, .loads = true, .reads = true, .expired = true, .random = false});
  ManualLoop loop;
  Engine engine(store);
  Streams streams(engine, loop);
  Answer<StreamInfo> info;
  Answer<Page> page;
  Answer<Appended> duplicate;
  Answer<StreamInfo> absent;
  CHECK(streams.info_now("a").error().code == ErrorCode::kWouldWait);
  streams.info("a", [&](Result<StreamInfo> result) { info.result = std::move(result); });
  streams.read("a", Offset::start(), 0,
               [&](Result<Page> result) { page.result = std::move(result); });
  streams.append("a", "d", {.producer = {"p", 0, 0}},
                 [&](Result<Appended> result) { duplicate.result = std::move(result); });
  streams.info("b", [&](Result<StreamInfo> result) { absent.result = std::move(result); });
  CHECK(store.waiting_loads() == 2);
  for (int i = 0; i < 5; ++i) {
    store.complete_loads();
    loop.run_until_idle();
  }
  CHECK(info.ok());
  CHECK((*page).text() == "abcd");
  CHECK((*duplicate).duplicate);
  CHECK(absent.code() == ErrorCode::kNotFound);
}

TEST_CASE("a load that fails fails the operations that joined it, and is tried again later",
          "[engine][waiting][loading]") {
  WaitingFixture fixture;
  fixture.store.set_waits(
      {.changes = false, .loads = true, .reads = false, .expired = false, .random = false});
  fixture.store.fail_loads(ErrorCode::kIo);
  const auto& failed = fixture.append("a", "x");
  fixture.settle();
  CHECK(failed.code() == ErrorCode::kIo);
  const auto& retried = fixture.append("a", "x");
  fixture.settle();
  CHECK(retried.code() == ErrorCode::kNotFound);
}

TEST_CASE("a handle that goes while its operations are in flight cancels them",
          "[engine][waiting]") {
  WaitingFixture fixture;
  std::optional<ErrorCode> told;
  {
    Streams handle(fixture.engine, fixture.loop);
    handle.create("a", {}, [&](const Result<Created>& result) { told = result.error().code; });
  }
  CHECK(told == ErrorCode::kCanceled);
  fixture.settle();
  CHECK(fixture.exists("a"));
}

TEST_CASE("a handle may go after a follower whose read is in flight", "[engine][waiting][live]") {
  WaitingFixture fixture;
  fixture.create("a");
  fixture.settle();
  int told = 0;
  {
    Streams handle(fixture.engine, fixture.loop);
    std::optional<Follower> follower = handle.follow("a", Offset::start());
    const auto ask = [&] { follower->next([&](const Result<Page>&) { ++told; }); };
    ask();
    fixture.append("a", "x");
    fixture.settle();
    CHECK(told == 1);
    fixture.append("a", "y");
    fixture.settle();
    fixture.store.set_waits(
        {.changes = true, .loads = false, .reads = true, .expired = false, .random = false});
    ask();
    CHECK(fixture.store.waiting_loads() == 1);
    follower.reset();
  }
  fixture.settle();
  CHECK(told == 1);
}

TEST_CASE("a store that gathers is told once when a turn of the loop is over",
          "[engine][waiting]") {
  WaitingFixture fixture;
  fixture.create("a");
  fixture.create("b");
  fixture.loop.run_until_idle();
  CHECK(fixture.store.flushes() == 1);
}

TEST_CASE("a change may commit on another thread before the call that submitted it has returned",
          "[engine][waiting][threads]") {
  WaitingFixture fixture;
  std::atomic<bool> stop{false};
  std::thread committer([&] {
    while (!stop.load()) {
      if (fixture.store.commit() == 0) std::this_thread::yield();
    }
  });
  constexpr int kRounds = 2'000;
  int told = 0;
  for (int i = 0; i < kRounds; ++i) {
    fixture.streams.create("a", {.content_type = "text/plain"}, [&](const auto&) { ++told; });
    fixture.streams.create("f", {.fork = ForkFrom{.path = "a", .offset = {}, .sub_offset = {}}},
                           [&](const auto&) { ++told; });
    fixture.streams.append("a", "x", {}, [&](const auto&) { ++told; });
    fixture.streams.remove("f", [&](const auto&) { ++told; });
    fixture.loop.run_once();
  }
  while (told < 4 * kRounds) {
    if (fixture.loop.run_once() == 0) std::this_thread::yield();
  }
  stop.store(true);
  committer.join();
  fixture.settle();
}

TEST_CASE("a page that waited for the store is told as one that did not",
          "[engine][waiting][json]") {
  WaitingFixture fixture;
  fixture.create("a", {.content_type = "application/json", .body = "[11,22]"});
  fixture.settle();
  const Page at_once = fixture.streams.read_now("a", {.read_sequence = 0, .position = 4}).value();
  fixture.store.set_waits(
      {.changes = true, .loads = false, .reads = true, .expired = false, .random = false});
  Answer<Page> waited;
  fixture.streams.read("a", {.read_sequence = 0, .position = 4}, 0, fixture.into(waited));
  fixture.settle();
  CHECK(at_once.text() == "[22]");
  CHECK((*waited).text() == at_once.text());
  CHECK((*waited).start == at_once.start);
  CHECK((*waited).next_offset == at_once.next_offset);
  CHECK((*waited).up_to_date);
}

}  // namespace durable_streams

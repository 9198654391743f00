// Listing the streams that readers find.
#include <string>
#include <vector>

#include "tests/engine/engine_fixture.h"
#include "tests/support/deferred_store.h"

namespace durable_streams {

namespace {

std::vector<std::string> paths_of(const Listing& listing) {
  std::vector<std::string> paths;
  for (const ListedStream& stream : listing.streams) paths.push_back(stream.path);
  return paths;
}

using Paths = std::vector<std::string>;

}  // namespace

TEST_CASE("a listing tells of each stream what an operator asks", "[engine][list]") {
  EngineFixture fixture;
  fixture.create("a/1", {.content_type = "text/plain", .body = "abc", .closed = true});
  fixture.create("a/2", {.content_type = "application/json", .expiry = {.ttl = 60s, .at = {}}});
  fixture.append("a/2", "1", {.producer = {"p", 0, 0}});
  fixture.create("a/3", {.fork = ForkFrom{"a/1", {}, {}}});
  const Listing listing = fixture.streams.list_now({.prefix = "a/"}).value();
  REQUIRE(paths_of(listing) == Paths{"a/1", "a/2", "a/3"});
  CHECK_FALSE(listing.next);
  CHECK(listing.streams[0].info.closed);
  CHECK(listing.streams[0].forks == 1);
  CHECK(listing.streams[1].producers == 1);
  for (const ListedStream& listed : listing.streams) {
    const StreamInfo info = fixture.streams.info_now(listed.path).value();
    CHECK(listed.info.id == info.id);
    CHECK(listed.info.content_type == info.content_type);
    CHECK(listed.info.tail == info.tail);
    CHECK(listed.info.expiry == info.expiry);
    CHECK(listed.info.deadline == info.deadline);
  }
}

TEST_CASE("a listing comes in pages", "[engine][list]") {
  EngineFixture fixture;
  for (const char* path : {"c", "a", "e", "b", "d"}) fixture.create(path);
  Paths all;
  std::string after;
  int pages = 0;
  for (std::optional<std::string> next = ""; next; ++pages) {
    after = *next;
    const Listing page = fixture.streams.list_now({.after = after, .count_max = 2}).value();
    for (const ListedStream& stream : page.streams) all.push_back(stream.path);
    next = page.next;
  }
  CHECK(all == Paths{"a", "b", "c", "d", "e"});
  CHECK(pages == 3);
  CHECK(fixture.streams.list_now({.count_max = 0}).value().streams.size() == 1);
}

TEST_CASE("what has expired or was deleted is not listed, and what was read since is",
          "[engine][list]") {
  EngineFixture fixture({.shards = 1, .loaded_streams_max = 2});
  fixture.create("gone");
  fixture.create("soft");
  fixture.create("fork", {.fork = ForkFrom{"soft", {}, {}}});
  fixture.streams.remove_now("gone").value();
  fixture.streams.remove_now("soft").value();
  for (const char* path : {"idle", "read"}) {
    fixture.create(path, {.expiry = {.ttl = 10s, .at = {}}});
  }
  fixture.clock.advance(9s);
  fixture.read("read");
  fixture.clock.advance(2s);  // the reaper, who goes by the loop's time, has not come yet
  CHECK(paths_of(fixture.streams.list_now().value()) == Paths{"fork", "read"});
  fixture.create("idle");
  CHECK(paths_of(fixture.streams.list_now().value()) == Paths{"fork", "idle", "read"});
}

TEST_CASE("a listing of a store that waits comes by its completion, and shows nothing in flight",
          "[engine][list][waiting]") {
  ManualLoop loop{ManualLoop::Time::kVirtual};
  MemoryStore memory;
  DeferredStore store{memory};
  Engine engine(store);
  Streams streams(engine, loop);
  const auto settle = [&] {
    do {
      store.settle();
      loop.run_until_idle();
    } while (store.waiting_changes() + store.waiting_loads() > 0);
  };
  for (const char* path : {"a", "b"}) streams.create(path, {}, [](const Result<Created>&) {});
  settle();
  streams.remove("a", [](const Status&) {});
  streams.create("c", {}, [](const Result<Created>&) {});
  store.set_waits({.changes = true, .loads = true});
  CHECK(streams.list_now().error().code == ErrorCode::kWouldWait);
  std::optional<Result<Listing>> listed;
  const auto list = [&] {
    listed.reset();
    streams.list({}, [&](Result<Listing> listing) { listed = std::move(listing); });
    CHECK_FALSE(listed);
    while (!listed && store.complete_loads() > 0) loop.run_until_idle();
    REQUIRE(listed);
  };
  list();
  CHECK(paths_of(listed->value()) == Paths{"a", "b"});
  store.fail_loads(ErrorCode::kIo);
  list();
  CHECK(listed->error().code == ErrorCode::kIo);
  settle();
  list();
  CHECK(paths_of(listed->value()) == Paths{"b", "c"});
}

TEST_CASE("a listing that its handle does not outlive is canceled", "[engine][list]") {
  ManualLoop loop{ManualLoop::Time::kVirtual};
  MemoryStore store;
  Engine engine(store);
  std::optional<ErrorCode> code;
  {
    Streams streams(engine, loop);
    streams.list({}, [&](const Result<Listing>& listing) { code = listing.error().code; });
    CHECK_FALSE(code);
  }
  CHECK(code == ErrorCode::kCanceled);
}

}  // namespace durable_streams

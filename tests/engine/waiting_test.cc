// The engine over a store that makes it wait: what is in flight is not visible, what depends on it
// waits for it, and what is refused takes with it all that was checked against it.
#include <atomic>
#include <deque>
#include <thread>
#include <vector>

#include "tests/engine/engine_fixture.h"
#include "tests/support/deferred_store.h"
#include "tests/support/recovered_store.h"
#include "tests/support/seed.h"

namespace durable_streams {

namespace {

// One operation's answer, when it has come.
template <class T>
struct Answer {
  std::optional<Result<T>> result;

  bool waiting() const { return !result; }
  bool ok() const { return result && result->ok(); }
  ErrorCode code() const { return result->error().code; }
  const auto& operator*() const { return **result; }
};

struct WaitingFixture {
  explicit WaitingFixture(EngineOptions options = {})
      : engine(store, with_clock(options)), streams(engine, loop) {}

  EngineOptions with_clock(EngineOptions options) const {
    options.clock = &clock;
    return options;
  }

  template <class T>
  Completion<T> into(Answer<T>& answer) {
    return [&answer](Result<T> result) { answer.result = std::move(result); };
  }

  Answer<Created>& create(std::string_view path,
                          const CreateOptions& options = {.content_type = "text/plain"}) {
    Answer<Created>& answer = created.emplace_back();
    streams.create(path, options, into(answer));
    return answer;
  }
  Answer<Appended>& append(std::string_view path, std::string_view body,
                           const AppendOptions& options = {}) {
    Answer<Appended>& answer = appended.emplace_back();
    streams.append(path, body, options, into(answer));
    return answer;
  }
  Answer<void>& remove(std::string_view path) {
    Answer<void>& answer = removed.emplace_back();
    streams.remove(path, into(answer));
    return answer;
  }

  void commit(std::size_t count = 1) {
    store.commit(count);
    loop.run_until_idle();
  }
  void settle() {
    store.settle();
    loop.run_until_idle();
    while (store.waiting_changes() + store.waiting_loads() > 0) {
      store.settle();
      loop.run_until_idle();
    }
  }

  std::string read(std::string_view path) {
    return streams.read_now(path, Offset::start()).value().text();
  }
  bool exists(std::string_view path) { return streams.info_now(path).ok(); }

  ManualClock clock{WallTime(std::chrono::hours(24 * 365 * 50))};
  ManualLoop loop{ManualLoop::Time::kVirtual};
  MemoryStore memory;
  DeferredStore store{memory};
  std::deque<Answer<Created>> created;
  std::deque<Answer<Appended>> appended;
  std::deque<Answer<void>> removed;
  Engine engine;
  Streams streams;
};

}  // namespace

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

TEST_CASE("whatever waits, commits or is refused, the engine and its store agree in the end",
          "[engine][waiting][model]") {
  const std::uint64_t base = random_seed();
  for (std::uint64_t run = 0; run < 40; ++run) {
    const std::uint64_t seed = base + run;
    INFO("replay with DURABLE_STREAMS_SEED=" << seed);
    Random random(seed);
    MemoryStore memory;
    DeferredStore store(memory, seed);
    store.set_waits(
        {.changes = true, .loads = true, .reads = true, .expired = true, .random = true});
    store.refuse_randomly(ErrorCode::kNoSpace, 10);
    ManualClock clock(WallTime(std::chrono::hours(24 * 365 * 50)));
    ManualLoop loop(ManualLoop::Time::kVirtual);
    Engine engine(store, {.shards = 2, .loaded_streams_max = 4, .clock = &clock});
    Streams streams(engine, loop);
    int asked = 0;
    int told = 0;
    const auto count = [&](const auto&) { ++told; };
    const auto path = [&] { return "s/" + std::to_string(random.below(6)); };
    for (int i = 0; i < 400; ++i) {
      const std::string target = path();
      const std::string source = path();
      const std::string body(1 + random.below(20), static_cast<char>('a' + random.below(26)));
      ++asked;
      switch (random.below(8)) {
        case 0:
          streams.create(target, {.content_type = "text/plain", .body = body}, count);
          break;
        case 1:
          streams.create(target, {.fork = ForkFrom{.path = source, .offset = {}, .sub_offset = {}}},
                         count);
          break;
        case 2:
          streams.remove(target, count);
          break;
        case 3:
          streams.read(target, Offset::start(), 0, count);
          break;
        case 4:
          streams.append(target, body, {.producer = {"p", 0, random.below(4)}}, count);
          break;
        case 5:
          streams.append(target, body, {.close = random.below(10) == 0}, count);
          break;
        case 6:
          streams.create(target, {.content_type = "text/plain", .expiry = {.ttl = 5s, .at = {}}},
                         count);
          break;
        default:
          --asked;
          clock.advance(1s);
          loop.advance(1s);
      }
      for (std::uint64_t turns = random.below(4); turns > 0; --turns) {
        store.step();
        loop.run_once();
      }
    }
    for (int i = 0; i < 50; ++i) {
      store.settle();
      clock.advance(1s);
      loop.advance(1s);
      loop.run_until_idle();
    }
    CHECK(told == asked);

    Engine fresh(memory, {.clock = &clock});
    Streams fresh_streams(fresh, loop);
    store.set_waits(
        {.changes = false, .loads = false, .reads = false, .expired = false, .random = false});
    for (int i = 0; i < 6; ++i) {
      const std::string name = "s/" + std::to_string(i);
      const Result<Page> cached = streams.read_now(name, Offset::start());
      const Result<Page> kept = fresh_streams.read_now(name, Offset::start());
      REQUIRE((cached.ok() ? "ok" : to_string(cached.error().code)) ==
              (kept.ok() ? "ok" : to_string(kept.error().code)));
      if (!cached.ok()) continue;
      CHECK(cached->text() == kept->text());
      CHECK(cached->closed == kept->closed);
    }

    store.refuse_randomly(ErrorCode::kNoSpace, 0);
    for (int i = 0; i < 6; ++i) streams.remove("s/" + std::to_string(i), count);
    for (int i = 0; i < 3; ++i) {
      clock.advance(1s);
      loop.advance(1s);
      loop.run_until_idle();
    }
    CHECK(memory.stats().streams == 0);
  }
}

TEST_CASE("new producers in flight count, and give their places back when they are refused",
          "[engine][waiting][producer]") {
  WaitingFixture fixture(EngineOptions{.producers_per_stream_max = 2});
  fixture.create("a");
  fixture.settle();
  const auto send = [&](std::string_view id) -> Answer<Appended>& {
    return fixture.append("a", "x", {.producer = {id, 0, 0}});
  };
  const auto& first = send("p");
  const auto& second = send("q");
  const auto& third = send("r");
  fixture.loop.run_until_idle();
  CHECK(third.waiting());  // the others may be refused yet
  fixture.settle();
  CHECK(first.ok());
  CHECK(second.ok());
  CHECK(third.code() == ErrorCode::kTooMany);

  fixture.create("b");
  fixture.settle();
  fixture.store.refuse_commits(ErrorCode::kNoSpace);
  const auto& refused = fixture.append("b", "x", {.producer = {"p", 0, 0}});
  fixture.settle();
  CHECK(refused.code() == ErrorCode::kNoSpace);
  for (const char* id : {"q", "r"}) {
    const auto& sent = fixture.append("b", "x", {.producer = {id, 0, 0}});
    fixture.settle();
    CHECK(sent.ok());
  }
}

TEST_CASE("producers in flight take different places of those that may go",
          "[engine][waiting][producer]") {
  for (const bool loads_wait : {false, true}) {
    WaitingFixture fixture(
        EngineOptions{.producers_per_stream_max = 100, .producer_ttl = std::chrono::seconds(10)});
    fixture.store.set_waits({.changes = true, .loads = loads_wait});
    fixture.create("a");
    fixture.settle();
    const auto send_all = [&](const std::string& prefix, int count) {
      const std::size_t before = fixture.appended.size();
      std::vector<std::string> ids;
      for (int i = 0; i < count; ++i) ids.push_back(prefix + std::to_string(i));
      for (const std::string& id : ids) fixture.append("a", "x", {.producer = {id, 0, 0}});
      fixture.settle();
      int accepted = 0;
      for (std::size_t i = before; i < fixture.appended.size(); ++i) {
        if (fixture.appended[i].ok()) {
          ++accepted;
        } else {
          CHECK(fixture.appended[i].code() == ErrorCode::kTooMany);
        }
      }
      return accepted;
    };
    CHECK(send_all("p", 120) == 100);
    fixture.clock.advance(std::chrono::seconds(11));
    CHECK(send_all("q", 120) == 100);
    StreamRecord record;
    REQUIRE(fixture.memory.load_now("a", record)->value());
    CHECK(record.producers == 100);
    CHECK(fixture.memory.oldest_producers_now(record.id, 1000)->value().size() == 100);
  }
}

TEST_CASE("of many producers in flight none is lost sight of", "[engine][waiting][producer]") {
  WaitingFixture fixture;
  fixture.create("a");
  fixture.settle();
  constexpr int kProducers = 1500;
  std::vector<std::string> ids;
  for (int i = 0; i < kProducers; ++i) ids.push_back("p" + std::to_string(i));
  const auto send_all = [&](std::uint64_t seq) {
    for (const std::string& id : ids) fixture.append("a", "x", {.producer = {id, 0, seq}});
  };
  const std::size_t before = fixture.appended.size();
  send_all(0);
  fixture.store.commit(kProducers / 2);
  send_all(1);
  send_all(1);  // retries, while the first is in flight
  fixture.settle();
  int duplicates = 0;
  for (std::size_t i = before; i < fixture.appended.size(); ++i) {
    REQUIRE(fixture.appended[i].ok());
    if ((*fixture.appended[i]).duplicate) ++duplicates;
  }
  CHECK(duplicates == kProducers);
  CHECK(fixture.read("a").size() == 2 * kProducers);
  StreamRecord record;
  REQUIRE(fixture.memory.load_now("a", record)->value());
  CHECK(record.producers == kProducers);
}

TEST_CASE("a producer whose place was taken by a refused change is known as before",
          "[engine][waiting][producer]") {
  WaitingFixture fixture(
      EngineOptions{.producers_per_stream_max = 1, .producer_ttl = std::chrono::seconds(10)});
  fixture.create("a");
  fixture.append("a", "x", {.producer = {"p", 3, 0}});
  fixture.settle();
  fixture.clock.advance(std::chrono::seconds(11));
  fixture.store.refuse_commits(ErrorCode::kNoSpace);
  fixture.append("a", "x", {.producer = {"q", 0, 0}});
  const auto& meanwhile = fixture.append("a", "x", {.producer = {"p", 3, 0}});
  fixture.settle();
  CHECK_FALSE(meanwhile.ok());
  const auto& later = fixture.append("a", "x", {.producer = {"p", 3, 0}});
  fixture.settle();
  CHECK(later.ok());
  StreamRecord record;
  REQUIRE(fixture.memory.load_now("a", record)->value());
  CHECK(record.producers == 1);
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

// Reading, and following a stream live (protocol sections 5.6 to 5.8, below HTTP).
#include <algorithm>
#include <future>
#include <memory>
#include <thread>
#include <vector>

#include "engine/live_reader.h"
#include "engine/streams_impl.h"
#include "tests/engine/engine_fixture.h"

namespace durable_streams {

namespace {

Offset at(std::uint64_t position) { return {.read_sequence = 0, .position = position}; }

// Collects what a follower brings, asking for the next page at once.
struct Collector {
  explicit Collector(Follower f) : follower(std::move(f)) { ask(); }

  void ask() {
    follower.next([this](Result<Page> page) {
      if (!page) {
        error = page.error().code;
        return;
      }
      text += page->text();
      ++pages;
      if (page->closed) {
        closed = true;
      } else {
        ask();
      }
    });
  }

  Follower follower;
  std::string text;
  int pages = 0;
  bool closed = false;
  std::optional<ErrorCode> error;
};

// Waits once at a stream's tail, and counts how often it is told that there is more.
struct CountingReader final : LiveReader {
  CountingReader(Streams& streams, std::string_view path) : LiveReader(LiveKind::kSse) {
    ReadAnswer answer;
    streams.impl()
        .open_live({.path = path, .from = {}, .from_now = true}, *this, answer,
                   [](const Result<ReadAnswer>&) {})
        ->value();
    CHECK(wait());
  }
  ~CountingReader() override { detach(); }

  void on_ready() override { ++ready; }

  int ready = 0;
};

}  // namespace

TEST_CASE("pages end at the end of an append, and tell whether there is more", "[engine][read]") {
  EngineFixture fixture;
  fixture.create("a");
  for (const char* part : {"aaaa", "bbbb", "cccc"}) fixture.append("a", part);
  const Page first = fixture.streams.read_now("a", Offset::start(), 10).value();
  CHECK(first.text() == "aaaabbbb");
  CHECK(first.next_offset == at(8));
  CHECK_FALSE(first.up_to_date);
  const Page last = fixture.streams.read_now("a", first.next_offset, 10).value();
  CHECK(last.text() == "cccc");
  CHECK(last.up_to_date);
}

TEST_CASE("an append larger than a page is continued, never lost", "[engine][read]") {
  EngineFixture fixture;
  fixture.create("a");
  fixture.append("a", std::string(10, 'x') + std::string(10, 'y'));
  std::string all;
  Offset next;
  for (Page page; !page.up_to_date; next = page.next_offset) {
    page = fixture.streams.read_now("a", next, 7).value();
    CHECK(page.size() <= 7);
    all += page.text();
  }
  CHECK(all == std::string(10, 'x') + std::string(10, 'y'));
}

TEST_CASE("JSON pages end between messages, and a large message comes whole",
          "[engine][read][json]") {
  EngineFixture fixture;
  fixture.create("a", {.content_type = "application/json"});
  fixture.append("a", R"([1,"a message that is larger than a page",2,3])");
  std::vector<std::string> pages;
  Offset next;
  for (Page page; !page.up_to_date; next = page.next_offset) {
    page = fixture.streams.read_now("a", next, 6).value();
    pages.push_back(page.text());
  }
  CHECK(pages ==
        std::vector<std::string>{"[1]", R"(["a message that is larger than a page"])", "[2,\n3]"});
}

TEST_CASE("an offset inside a JSON message is invalid", "[engine][read][json]") {
  EngineFixture fixture;
  fixture.create("a", {.content_type = "application/json", .body = R"([1,[2,3],"x,y"])"});
  const Offset tail = fixture.streams.info_now("a").value().tail;
  std::size_t valid = 0;
  for (std::uint64_t position = 0; position <= tail.position; ++position) {
    const Result<Page> page = fixture.streams.read_now("a", at(position));
    if (page.ok()) {
      ++valid;
    } else {
      CHECK(page.error().code == ErrorCode::kInvalidArgument);
    }
  }
  CHECK(valid == 4);
}

TEST_CASE("beyond the tail is an empty page at the tail", "[engine][read]") {
  EngineFixture fixture;
  fixture.create("a", {.content_type = "text/plain", .body = "abc"});
  for (const Offset beyond : {at(4), Offset{.read_sequence = 9, .position = 0}}) {
    const Page page = fixture.streams.read_now("a", beyond).value();
    CHECK(page.text().empty());
    CHECK(page.next_offset == at(3));
    CHECK(page.up_to_date);
  }
}

TEST_CASE("slices of a page stay as they are while the stream grows and after it is deleted",
          "[engine][read]") {
  EngineFixture fixture;
  fixture.create("a", {.content_type = "text/plain", .body = "abc"});
  const Page page = fixture.streams.read_now("a", Offset::start()).value();
  for (int i = 0; i < 1'000; ++i) fixture.append("a", "more and more");
  fixture.streams.remove_now("a").value();
  CHECK(page.text() == "abc");
}

TEST_CASE("a follower gets what is there, then what comes, then the end", "[engine][live]") {
  EngineFixture fixture;
  fixture.create("a", {.content_type = "text/plain", .body = "one "});
  Collector collector(fixture.streams.follow("a", Offset::start()));
  fixture.loop.run_until_idle();
  CHECK(collector.text == "one ");
  fixture.append("a", "two ");
  fixture.append("a", "three");
  fixture.loop.run_until_idle();
  CHECK(collector.text == "one two three");
  CHECK(collector.pages == 2);
  fixture.append("a", "", {.close = true});
  fixture.loop.run_until_idle();
  CHECK(collector.closed);
  CHECK(fixture.engine.stats().waiting_readers == 0);
}

TEST_CASE("a waiting follower is told of the end of its own incarnation, whatever came after it",
          "[engine][live][remove]") {
  EngineFixture fixture;
  fixture.create("a");
  Collector collector(fixture.streams.follow("a", Offset::start()));
  fixture.loop.run_until_idle();
  fixture.streams.remove_now("a").value();
  fixture.create("a", {.content_type = "text/plain", .body = "another"});
  fixture.loop.run_until_idle();
  CHECK(collector.text.empty());
  CHECK(collector.error == ErrorCode::kNotFound);
}

TEST_CASE("a waiting follower of a stream with forks is told that it is gone",
          "[engine][live][fork]") {
  EngineFixture fixture;
  fixture.create("a");
  fixture.create("fork", {.fork = ForkFrom{.path = "a", .offset = {}, .sub_offset = {}}});
  Collector collector(fixture.streams.follow("a", Offset::start()));
  fixture.loop.run_until_idle();
  fixture.streams.remove_now("a").value();
  fixture.loop.run_until_idle();
  CHECK(collector.error == ErrorCode::kGone);
}

TEST_CASE("appends to a source wake no reader of its forks", "[engine][live][fork]") {
  EngineFixture fixture;
  fixture.create("source", {.content_type = "text/plain", .body = "abc"});
  fixture.create("fork", {.fork = ForkFrom{.path = "source", .offset = {}, .sub_offset = {}}});
  Collector collector(fixture.streams.follow("fork", Offset::start()));
  fixture.loop.run_until_idle();
  fixture.append("source", "not for the fork");
  fixture.loop.run_until_idle();
  CHECK(collector.text == "abc");
  CHECK(collector.pages == 1);
  fixture.append("fork", "d");
  fixture.loop.run_until_idle();
  CHECK(collector.text == "abcd");
}

TEST_CASE("a follower that goes away while others wait leaves them waiting", "[engine][live]") {
  EngineFixture fixture;
  fixture.create("a");
  std::vector<std::unique_ptr<Collector>> collectors;
  for (int i = 0; i < 10; ++i) {
    collectors.push_back(std::make_unique<Collector>(fixture.streams.follow("a", Offset::start())));
  }
  fixture.loop.run_until_idle();
  CHECK(fixture.engine.stats().waiting_readers == 10);
  collectors.erase(collectors.begin() + 4);
  collectors.erase(collectors.begin());
  collectors.pop_back();
  fixture.append("a", "x");
  collectors.erase(collectors.begin() + 2);  // after the wake-up was sent, before it arrives
  fixture.loop.run_until_idle();
  for (const auto& collector : collectors) CHECK(collector->text == "x");
  CHECK(fixture.engine.stats().waiting_readers == 6);
}

TEST_CASE("a second next() while one waits is refused and leaves the first waiting",
          "[engine][live]") {
  EngineFixture fixture;
  fixture.create("a");
  Follower follower = fixture.streams.follow("a", Offset::start());
  std::string got;
  std::optional<ErrorCode> refused;
  follower.next([&](Result<Page> page) { got = page.value().text(); });
  follower.next([&](Result<Page> page) { refused = page.error().code; });
  fixture.append("a", "x");
  fixture.loop.run_until_idle();
  CHECK(refused == ErrorCode::kInvalidArgument);
  CHECK(got == "x");
}

TEST_CASE("a reader that comes to a tail while others are being woken is not woken with them",
          "[engine][live]") {
  EngineFixture fixture;
  fixture.create("a");
  CountingReader before(fixture.streams, "a");
  auto gone = std::make_unique<CountingReader>(fixture.streams, "a");
  fixture.append("a", "x");
  gone = nullptr;
  CountingReader after(fixture.streams, "a");
  fixture.loop.run_until_idle();
  CHECK(before.ready == 1);
  CHECK(after.ready == 0);
  CHECK(fixture.engine.stats().waiting_readers == 1);
  fixture.append("a", "y");
  fixture.loop.run_until_idle();
  CHECK(before.ready == 1);
  CHECK(after.ready == 1);
  CHECK(fixture.engine.stats().waiting_readers == 0);
}

TEST_CASE("two changes that each found readers waiting wake all of them", "[engine][live]") {
  EngineFixture fixture;
  fixture.create("a");
  CountingReader first(fixture.streams, "a");
  fixture.append("a", "x");
  CountingReader second(fixture.streams, "a");
  fixture.append("a", "y");
  CountingReader third(fixture.streams, "a");
  fixture.loop.run_until_idle();
  CHECK(first.ready == 1);
  CHECK(second.ready == 1);
  CHECK(third.ready == 0);
}

TEST_CASE("a handle that went before its readers could be woken leaves nothing behind for the next",
          "[engine][live]") {
  EngineFixture fixture;
  fixture.create("a");
  for (int i = 0; i < 20; ++i) {
    {
      Streams handle(fixture.engine, fixture.loop);
      fixture.loop.run_until_idle();
      const CountingReader reader(handle, "a");
      fixture.append("a", "x");
    }
    fixture.loop.run_until_idle();
    Streams handle(fixture.engine, fixture.loop);  // likely at the same place in memory
    const CountingReader reader(handle, "a");
    fixture.append("a", "x");
    fixture.loop.run_until_idle();
    CHECK(reader.ready == 1);
  }
}

TEST_CASE("a refused next() is not told of once its follower has gone", "[engine][live]") {
  EngineFixture fixture;
  fixture.create("a");
  int told = 0;
  {
    Follower follower = fixture.streams.follow("a", Offset::start());
    for (int i = 0; i < 2; ++i) follower.next([&](const Result<Page>&) { ++told; });
  }
  fixture.loop.run_until_idle();
  CHECK(told == 0);
}

TEST_CASE("a follower may be destroyed by its own completion", "[engine][live]") {
  EngineFixture fixture;
  fixture.create("a");
  for (const bool at_once : {true, false}) {
    if (at_once) fixture.append("a", "x");
    auto follower = std::make_unique<Follower>(fixture.streams.follow("a", Offset::start()));
    bool told = false;
    follower->next([&](const Result<Page>&) {
      follower = nullptr;
      told = true;
    });
    if (!at_once) fixture.append("a", "x");
    fixture.loop.run_until_idle();
    CHECK(told);
    fixture.streams.remove_now("a").value();
    fixture.create("a");
  }
}

TEST_CASE("completions run later, once, on the loop", "[engine][async]") {
  EngineFixture fixture;
  int created = 0;
  fixture.streams.create("a", {.content_type = "text/plain"}, [&](const Result<Created>& result) {
    CHECK_FALSE(result.value().existed);
    ++created;
  });
  CHECK(created == 0);
  CHECK(fixture.exists("a"));
  fixture.loop.run_until_idle();
  CHECK(created == 1);
}

TEST_CASE("who gives no completion is told nothing, and has it done all the same",
          "[engine][async]") {
  EngineFixture fixture;
  fixture.streams.create("a", {.content_type = "text/plain"}, {});
  fixture.streams.append("a", "hello", {}, nullptr);
  fixture.streams.append("nowhere", "hello", {}, {});
  fixture.streams.read("a", Offset::start(), 0, {});
  fixture.streams.info("a", {});
  fixture.streams.list({}, {});
  Follower follower = fixture.streams.follow("a", Offset::start());
  follower.next({});
  fixture.loop.run_until_idle();
  CHECK(fixture.read("a") == "hello");
  std::string page;
  follower.next([&](const Result<Page>& next) { page = next.value().text(); });
  fixture.loop.run_until_idle();
  CHECK(page == "hello");
  fixture.streams.remove("a", {});
  fixture.loop.run_until_idle();
  CHECK_FALSE(fixture.exists("a"));
}

TEST_CASE("a handle that goes cancels what its loop has not delivered", "[engine][async]") {
  EngineFixture fixture;
  std::optional<ErrorCode> told;
  {
    Streams handle(fixture.engine, fixture.loop);
    handle.info("nowhere", [&](const Result<StreamInfo>& result) { told = result.error().code; });
  }
  CHECK(told == ErrorCode::kCanceled);
  fixture.loop.run_until_idle();
}

// Appends as one producer to some streams, from a thread of its own; returns how many appends
// failed.
int write_all(Engine& engine, int writer, int appends) {
  ManualLoop loop;
  Streams streams(engine, loop);
  const std::string id = "w" + std::to_string(writer);
  const std::string body(1, static_cast<char>('0' + writer));
  int failed = 0;
  for (int i = 0; i < appends; ++i) {
    const Producer producer{.id = id, .epoch = 0, .seq = static_cast<std::uint64_t>(i)};
    for (const char* path : {"a", "b"}) {
      failed += streams.append_now(path, body, {.producer = producer}).ok() ? 0 : 1;
    }
  }
  return failed;
}

// Follows a stream to its end on a loop of its own; returns all that it held.
std::string follow_to_the_end(Engine& engine, std::string_view path) {
  ManualLoop loop;
  Streams streams(engine, loop);
  Collector collector(streams.follow(path, Offset::start()));
  while (!collector.closed) {
    if (loop.run_once() == 0) std::this_thread::yield();
  }
  return collector.text;
}

TEST_CASE("many threads append to and follow the same streams, and nothing is lost or doubled",
          "[engine][threads]") {
  constexpr int kAppends = 2'000;
  MemoryStore store;
  Engine engine(store);
  ManualLoop loop;
  Streams streams(engine, loop);
  for (const char* path : {"a", "b"}) {
    streams.create_now(path, {.content_type = "text/plain"}).value();
  }

  std::vector<std::future<std::string>> readers;
  for (const char* path : {"a", "b", "a"}) {
    readers.push_back(std::async(std::launch::async,
                                 [&engine, path] { return follow_to_the_end(engine, path); }));
  }
  std::vector<std::future<int>> writers;
  for (int writer = 0; writer < 3; ++writer) {
    writers.push_back(std::async(
        std::launch::async, [&engine, writer] { return write_all(engine, writer, kAppends); }));
  }
  for (std::future<int>& writer : writers) CHECK(writer.get() == 0);
  for (const char* path : {"a", "b"}) streams.append_now(path, "", {.close = true}).value();
  for (std::future<std::string>& reader : readers) {
    const std::string text = reader.get();
    CHECK(text.size() == 3 * kAppends);
    for (const char digit : {'0', '1', '2'}) {
      CHECK(std::count(text.begin(), text.end(), digit) == kAppends);
    }
  }
}

}  // namespace durable_streams

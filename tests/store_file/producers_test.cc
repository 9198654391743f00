// The limit on a stream's producers over the file store on a real disk, with all its threads.
#include <durable_streams/durable_streams.h>
#include <durable_streams/file_store.h>

#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

namespace durable_streams {
namespace {

// Answers of one thread's appends. Threads: one at a time.
struct Tally {
  int accepted = 0;
  int refused = 0;
  int other = 0;
  int answers() const { return accepted + refused + other; }

  void add(const Result<Appended>& answer) {
    if (answer.ok()) {
      ++accepted;
    } else if (answer.error().code == ErrorCode::kTooMany) {
      ++refused;
    } else {
      ++other;
    }
  }
};

// Appends of as many new producers, all in flight at once, from a handle of its own.
Tally send_new_producers(Engine& engine, const std::string& prefix, int count) {
  ManualLoop loop(ManualLoop::Time::kReal);
  Streams streams(engine, loop);
  Tally tally;
  std::vector<std::string> ids;
  for (int i = 0; i < count; ++i) ids.push_back(prefix + std::to_string(i));
  for (const std::string& id : ids) {
    streams.append("a", "x", {.producer = {id, 0, 0}},
                   [&tally](const Result<Appended>& answer) { tally.add(answer); });
  }
  while (tally.answers() < count) {
    if (loop.run_once() == 0) std::this_thread::yield();
  }
  return tally;
}

std::unique_ptr<FileStore> open_in(const TemporaryDirectory& directory) {
  FileStoreOptions options;
  options.directory = directory.path() + "/store";
  options.catalog_bytes_max = std::uint64_t{64} << 20;
  options.settle_interval = std::chrono::milliseconds(5);
  return FileStore::open(options).value();
}

Tally send_from_threads(Engine& engine, const std::string& prefix) {
  constexpr int kThreads = 4;
  constexpr int kEach = 40;
  std::vector<Tally> tallies(kThreads);
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      tallies[static_cast<std::size_t>(i)] =
          send_new_producers(engine, prefix + std::to_string(i) + "-", kEach);
    });
  }
  for (std::thread& thread : threads) thread.join();
  Tally all;
  for (const Tally& each : tallies) {
    all.accepted += each.accepted;
    all.refused += each.refused;
    all.other += each.other;
  }
  return all;
}

std::uint32_t producers_of(Store& store) {
  std::promise<std::uint32_t> count;
  store.load("a", [&count](Result<std::optional<StreamRecord>> found) {
    const bool there = found.ok() && found->has_value();
    count.set_value(there ? (*found)->producers : 0);
  });
  return count.get_future().get();
}

TEST_CASE("however many new producers come at once, a stream takes no more than its limit",
          "[store_file][producer]") {
  const TemporaryDirectory directory;
  ManualClock clock(WallTime(std::chrono::hours(24 * 365 * 50)));
  EngineOptions options{.producers_per_stream_max = 100, .clock = &clock};
  for (int life = 0; life < 2; ++life) {
    const std::unique_ptr<FileStore> store = open_in(directory);
    {
      Engine engine(*store, options);
      if (life == 0) {
        ManualLoop loop(ManualLoop::Time::kReal);
        Streams streams(engine, loop);
        bool created = false;
        streams.create("a", {}, [&](const Result<Created>& answer) { created = answer.ok(); });
        while (!created) loop.run_once();
      }
      const Tally tally = send_from_threads(engine, "life " + std::to_string(life) + " ");
      CHECK(tally.accepted == (life == 0 ? 100 : 0));
      CHECK(tally.refused == (life == 0 ? 60 : 160));
    }
    CHECK(producers_of(*store) == 100);
  }
  clock.advance(std::chrono::hours(2));
  options.producer_ttl = std::chrono::hours(1);
  const std::unique_ptr<FileStore> store = open_in(directory);
  {
    Engine engine(*store, options);
    const Tally tally = send_from_threads(engine, "after an hour ");
    CHECK(tally.accepted == 100);
    CHECK(tally.refused == 60);
  }
  CHECK(producers_of(*store) == 100);
}

}  // namespace
}  // namespace durable_streams

// Handles on several threads that create, append, fork, follow, expire and remove the same few
// streams, while an engine with hardly any room loads and drops them all the time. What comes of it
// is checked where it can be known; most of the work is the sanitizers'.
#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/engine/engine_fixture.h"
#include "tests/support/deferred_store.h"
#include "tests/support/seed.h"

namespace durable_streams {

namespace {

constexpr std::uint64_t kPaths = 8;

std::string path_of(std::uint64_t number) { return "s/" + std::to_string(number); }

// One thread's handle, and what it does to streams that others use too.
class Worker {
 public:
  Worker(Engine& engine, std::uint64_t seed) : random_(seed), streams_(engine, loop_) {}
  ~Worker() { followers_.clear(); }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void step() {
    const std::string path = path_of(random_.below(kPaths));
    const auto count = [this](const auto&) { ++told_; };
    ++asked_;
    switch (random_.below(10)) {
      case 0:
        streams_.create(path, {.content_type = "text/plain", .body = "created"}, count);
        break;
      case 1:
        streams_.create(path,
                        {.content_type = "text/plain",
                         .expiry = {.ttl = std::chrono::seconds(random_.below(4)), .at = {}}},
                        count);
        break;
      case 2: {
        const std::string source = path_of(random_.below(kPaths));
        streams_.create(path, {.fork = ForkFrom{.path = source, .offset = {}, .sub_offset = {}}},
                        count);
        break;
      }
      case 3:
        streams_.remove(path, count);
        break;
      case 4:
        streams_.read(path, Offset::start(), 0, count);
        break;
      case 5:
        streams_.info(path, count);
        break;
      case 6:
        --asked_;
        follow(path);
        break;
      case 7:
        --asked_;
        if (!followers_.empty()) {
          followers_.erase(followers_.begin() +
                           static_cast<std::ptrdiff_t>(random_.below(followers_.size())));
        }
        break;
      default:
        streams_.append(path, "appended",
                        {.producer = {"p" + std::to_string(random_.below(3)), 0, random_.below(3)}},
                        count);
    }
    if (random_.one_in(3)) loop_.run_once();
  }

  // Waits for all that was asked.
  void finish() {
    while (told_ < asked_) {
      if (loop_.run_once() == 0) std::this_thread::yield();
    }
  }

 private:
  void follow(const std::string& path) {
    if (followers_.size() == 8) followers_.erase(followers_.begin());
    followers_.push_back(std::make_unique<Follower>(streams_.follow(path, Offset::start())));
    read_on(*followers_.back());
  }

  void read_on(Follower& follower) {
    follower.next([this, &follower](const Result<Page>& page) {
      if (page.ok() && !page->closed) read_on(follower);
    });
  }

  Random random_;
  ManualLoop loop_;
  Streams streams_;
  std::vector<std::unique_ptr<Follower>> followers_;
  int asked_ = 0;
  int told_ = 0;
};

// `between` is called by one more thread until the workers have ended.
template <class Between>
void work_together(Engine& engine, std::uint64_t seed, int steps, Between between) {
  std::atomic<int> working{3};
  std::vector<std::thread> threads;
  for (std::uint64_t number = 0; number < 3; ++number) {
    threads.emplace_back([&, number] {
      for (int life = 0; life < 4; ++life) {  // handles come and go
        Worker worker(engine, seed + number + 10 * static_cast<std::uint64_t>(life));
        for (int i = 0; i < steps; ++i) worker.step();
        if (life % 2 == 0) worker.finish();
      }
      --working;
    });
  }
  while (working.load() > 0) between();
  for (std::thread& thread : threads) thread.join();
}

// Sends all of one producer's appends, whoever else does so, too; returns how many it was that
// brought them, or -1 if one was refused.
int race_as_one_producer(Engine& engine, std::uint64_t appends) {
  ManualLoop loop;
  Streams streams(engine, loop);
  int brought = 0;
  for (std::uint64_t seq = 0; seq < appends; ++seq) {
    const Result<Appended> answer =
        streams.append_now("a", std::to_string(seq) + " ", {.producer = {"p", 0, seq}});
    if (!answer.ok()) return -1;
    brought += answer->duplicate ? 0 : 1;
  }
  return brought;
}

// Removes all that is left, forks and what they hold included; then nothing may be owed to anybody.
void remove_all(Engine& engine, ManualLoop& loop) {
  Streams streams(engine, loop);
  for (std::uint64_t i = 0; i < kPaths; ++i) {
    ignore(streams.remove_now(path_of(i)), "there may be none");
  }
}

}  // namespace

TEST_CASE("of threads that race as one producer, each sequence number is accepted once, in order",
          "[engine][threads][producer]") {
  constexpr std::uint64_t kAppends = 2'000;
  MemoryStore store;
  Engine engine(store);
  ManualLoop loop;
  Streams streams(engine, loop);
  streams.create_now("a", {.content_type = "text/plain"}).value();
  std::vector<std::future<int>> racers;
  for (int i = 0; i < 3; ++i) {
    racers.push_back(
        std::async(std::launch::async, [&] { return race_as_one_producer(engine, kAppends); }));
  }
  int brought = 0;
  for (std::future<int>& racer : racers) {
    const int own = racer.get();
    CHECK(own >= 0);
    brought += own;
  }
  CHECK(brought == static_cast<int>(kAppends));
  std::string expected;
  for (std::uint64_t seq = 0; seq < kAppends; ++seq) expected += std::to_string(seq) + " ";
  CHECK(streams.read_now("a", Offset::start()).value().text() == expected);
}

TEST_CASE("threads share streams that come and go, in an engine with room for few",
          "[engine][threads]") {
  const std::uint64_t seed = random_seed();
  INFO("replay with DURABLE_STREAMS_SEED=" << seed);
  MemoryStore store;
  ManualLoop loop;
  {
    Engine engine(store, {.shards = 4, .loaded_streams_max = 4});
    work_together(engine, seed, 2'000, [&] {
      engine.stats();
      std::this_thread::yield();
    });
    CHECK(engine.stats().waiting_readers == 0);
  }
  Engine engine(store);
  remove_all(engine, loop);
  CHECK(store.stats().streams == 0);
  CHECK(store.stats().stored_bytes == 0);
  CHECK(store.stats().memory_bytes == 0);
}

TEST_CASE(
    "threads share streams over a store that commits, loads and refuses on a thread of its own",
    "[engine][threads][waiting]") {
  const std::uint64_t seed = random_seed();
  INFO("replay with DURABLE_STREAMS_SEED=" << seed);
  MemoryStore memory;
  ManualLoop loop;
  {
    DeferredStore store(memory, seed);
    store.set_waits(
        {.changes = true, .loads = true, .reads = true, .expired = true, .random = true});
    store.refuse_randomly(ErrorCode::kNoSpace, 20);
    Engine engine(store, {.shards = 4, .loaded_streams_max = 4});
    work_together(engine, seed, 500, [&] {
      if (!store.step()) std::this_thread::yield();
    });
    store.settle();
    CHECK(engine.stats().waiting_readers == 0);
  }
}

}  // namespace durable_streams

// The store that waits, waits as it says: in order, refusing what relied on a refused change, the
// same for each seed.
#include "tests/support/deferred_store.h"

#include <durable_streams/memory_store.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/support/catch.h"

namespace durable_streams {

namespace {

class Listener final : public CommitListener {
 public:
  void on_commits(std::span<CommitOutcome> outcomes) override {
    ++calls;
    for (const CommitOutcome& outcome : outcomes) {
      heard += std::to_string(outcome.ticket);
      heard += outcome.status.ok() ? " " : "! ";
      if (!outcome.status.ok()) last_error = outcome.status.error().code;
    }
    if (also) also();
  }

  int calls = 0;
  std::string heard;
  ErrorCode last_error = ErrorCode::kInvalidArgument;
  Function<void()> also;
};

// A store that waits, and short ways to change it. Tickets count from 1.
struct Fixture {
  explicit Fixture(std::uint64_t seed = 1) : store(memory, seed) { store.set_listener(&listener); }
  ~Fixture() { store.set_listener(nullptr); }

  StreamId create(std::string_view path) {
    StreamRecord record;
    record.id = store.next_stream_id();
    record.path = path;
    record.version = 1;
    submitted = store.submit(CreateChange{.record = record, .bytes = {}}, ++ticket);
    return record.id;
  }

  void append(StreamId id, std::uint64_t version) {
    AppendChange change;
    change.id = id;
    change.version = version;
    const std::string bytes = "x";
    change.bytes = bytes;
    change.tail.position = version;
    submitted = store.submit(change, ++ticket);
  }

  bool exists(std::string_view path) {
    StreamRecord record;
    return memory.load_now(path, record)->value();
  }

  std::uint64_t version(std::string_view path) {
    StreamRecord record;
    ignore(*memory.load_now(path, record), "a missing stream has version 0");
    return record.version;
  }

  MemoryStore memory;
  DeferredStore store;
  Listener listener;
  Ticket ticket = 0;
  Result<Submitted> submitted = Submitted::kCommitted;
};

std::string random_story(std::uint64_t seed) {
  Fixture fixture(seed);
  fixture.store.refuse_randomly(ErrorCode::kUnavailable, 5);
  for (int round = 0; round < 20; ++round) {
    const StreamId id = fixture.create(std::to_string(round));
    fixture.append(id, 1);
    fixture.append(id, 2);
    if (round % 3 == 0) fixture.store.step();
  }
  fixture.store.settle();
  return fixture.listener.heard;
}

}  // namespace

TEST_CASE("a waiting change is not seen before it commits", "[deferred_store]") {
  Fixture fixture;
  fixture.create("a");
  CHECK(fixture.submitted.value() == Submitted::kPending);
  CHECK_FALSE(fixture.exists("a"));
  CHECK(fixture.store.waiting_changes() == 1);
  CHECK(fixture.store.commit() == 1);
  CHECK(fixture.exists("a"));
  CHECK(fixture.listener.heard == "1 ");
  CHECK(fixture.store.commit() == 0);
}

TEST_CASE("changes commit in order, in batches as told", "[deferred_store]") {
  Fixture fixture;
  const StreamId id = fixture.create("a");
  for (std::uint64_t version = 1; version <= 4; ++version) fixture.append(id, version);
  CHECK(fixture.store.commit(2) == 2);
  CHECK(fixture.listener.heard == "1 2 ");
  CHECK(fixture.listener.calls == 1);
  CHECK(fixture.version("a") == 2);
  CHECK(fixture.store.commit_all(2) == 3);
  CHECK(fixture.listener.heard == "1 2 3 4 5 ");
  CHECK(fixture.listener.calls == 3);
  CHECK(fixture.version("a") == 5);
}

TEST_CASE("what relied on a refused change is refused after it", "[deferred_store]") {
  Fixture fixture;
  const StreamId a = fixture.create("a");
  const StreamId b = fixture.create("b");
  fixture.store.commit_all();
  fixture.listener.heard.clear();
  fixture.append(a, 1);
  fixture.append(b, 1);
  fixture.append(a, 2);
  fixture.append(b, 2);
  fixture.store.refuse_commits(ErrorCode::kNoSpace);
  fixture.store.commit_all();
  CHECK(fixture.listener.heard == "3! 4 5! 6 ");
  CHECK(fixture.listener.last_error == ErrorCode::kConflict);
  CHECK(fixture.version("a") == 1);
  CHECK(fixture.version("b") == 3);
}

TEST_CASE("a change can be refused inside submit", "[deferred_store]") {
  Fixture fixture;
  fixture.store.refuse_submits(ErrorCode::kUnavailable);
  fixture.create("a");
  CHECK(fixture.submitted.error().code == ErrorCode::kUnavailable);
  CHECK(fixture.store.waiting_changes() == 0);
  fixture.create("a");
  CHECK(fixture.submitted.ok());
}

TEST_CASE("changes that need not wait still follow those that do", "[deferred_store]") {
  Fixture fixture;
  fixture.create("a");
  fixture.store.set_waits({.changes = false});
  fixture.create("b");
  CHECK(fixture.submitted.value() == Submitted::kPending);
  fixture.store.commit_all();
  fixture.create("c");
  CHECK(fixture.submitted.value() == Submitted::kCommitted);
  CHECK(fixture.exists("c"));
}

TEST_CASE("a listener may submit, and is heard in the next batch", "[deferred_store]") {
  Fixture fixture;
  fixture.listener.also = [&] {
    fixture.listener.also = nullptr;
    fixture.create("b");
  };
  fixture.create("a");
  CHECK(fixture.store.commit_all() == 2);
  CHECK(fixture.listener.heard == "1 2 ");
  CHECK(fixture.listener.calls == 2);
}

TEST_CASE("loads and reads wait when told to, and answer when told to", "[deferred_store]") {
  Fixture fixture;
  const StreamId id = fixture.create("a");
  fixture.append(id, 1);
  fixture.store.commit_all();
  fixture.store.set_waits({.loads = true, .reads = true, .expired = true});
  StreamRecord record;
  ProducerState producer;
  StoredBytes page;
  CHECK_FALSE(fixture.store.load_now("a", record));
  CHECK_FALSE(fixture.store.load_producer_now(id, "p", producer));
  CHECK_FALSE(fixture.store.read_now({.id = id, .from = 0, .to = 1, .bytes_max = 1}, page));
  CHECK_FALSE(fixture.store.append_end_now(id, 0));
  CHECK_FALSE(fixture.store.expired_now(kNever, 1));

  std::string heard;
  fixture.store.load("a", [&](auto found) { heard += found.value() ? "record " : "none "; });
  fixture.store.append_end(id, 0, [&](auto end) { heard += std::to_string(end.value()) + " "; });
  fixture.store.load("b", [&](auto found) { heard += found.value() ? "record " : "none "; });
  CHECK(fixture.store.waiting_loads() == 3);
  CHECK(heard.empty());
  CHECK(fixture.store.complete_loads(2) == 2);
  CHECK(heard == "record 1 ");
  CHECK(fixture.store.complete_loads() == 1);
  CHECK(heard == "record 1 none ");
}

TEST_CASE("loads and reads fail as told, whether they wait or not", "[deferred_store]") {
  Fixture fixture;
  StreamRecord record;
  fixture.store.fail_loads(ErrorCode::kIo, 2);
  CHECK(fixture.store.load_now("a", record)->error().code == ErrorCode::kIo);
  std::optional<ErrorCode> failed;
  fixture.store.load("a", [&](auto found) { failed = found.error().code; });
  fixture.store.complete_loads();
  CHECK(failed == ErrorCode::kIo);
  CHECK(fixture.store.load_now("a", record)->ok());
}

TEST_CASE("a waiting load tells what is committed when it answers", "[deferred_store]") {
  Fixture fixture;
  fixture.create("a");
  std::string heard;
  fixture.store.load("a", [&](auto found) { heard = found.value() ? "record" : "none"; });
  fixture.store.commit_all();
  fixture.store.complete_loads();
  CHECK(heard == "record");
}

TEST_CASE("steps keep the order of each stream", "[deferred_store]") {
  Fixture fixture(42);
  std::vector<StreamId> ids;
  for (int i = 0; i < 10; ++i) ids.push_back(fixture.create(std::to_string(i)));
  for (std::uint64_t version = 1; version <= 10; ++version) {
    for (const StreamId id : ids) fixture.append(id, version);
  }
  fixture.store.settle();
  CHECK(fixture.store.waiting_changes() == 0);
  CHECK(fixture.listener.heard.find('!') == std::string::npos);
  std::string submitted;
  for (Ticket ticket = 1; ticket <= fixture.ticket; ++ticket) {
    submitted += std::to_string(ticket) + " ";
  }
  CHECK(fixture.listener.heard.size() == submitted.size());
  CHECK(fixture.listener.heard != submitted);
  for (int i = 0; i < 10; ++i) CHECK(fixture.version(std::to_string(i)) == 11);
}

TEST_CASE("steps are the same for the same seed", "[deferred_store]") {
  CHECK(random_story(7) == random_story(7));
  CHECK(random_story(7) != random_story(8));
  CHECK(random_story(7).find('!') != std::string::npos);
}

}  // namespace durable_streams

// The contract of threads: any number of them at once. What they do is checked here, and how by
// ThreadSanitizer.
#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/store/store_contract.h"
#include "tests/support/seed.h"

namespace durable_streams {

namespace {

constexpr int kThreads = 4;
constexpr std::uint64_t kRounds = 500;

// What the byte at `position` of every stream is, so that readers know without asking.
char byte_at(std::uint64_t position) { return static_cast<char>('a' + position % 23); }

std::string bytes_at(std::uint64_t position, std::size_t count) {
  std::string bytes(count, '\0');
  for (std::size_t i = 0; i < count; ++i) bytes[i] = byte_at(position + i);
  return bytes;
}

void run_threads(int count, const std::function<void(int)>& body) {
  std::vector<std::thread> threads;
  threads.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) threads.emplace_back(body, i);
  for (std::thread& thread : threads) thread.join();
}

// Appends to whatever version the stream has now; false when another change came first.
bool try_append(StoreContract& contract, const std::string& path, std::size_t count) {
  const std::optional<StreamRecord> record = contract.load(path);
  if (!record) return false;
  const std::string bytes = bytes_at(record->tail.position, count);
  AppendChange change;
  change.id = record->id;
  change.version = record->version;
  change.bytes = bytes;
  change.owned = Slice::copy_of(bytes);
  change.tail = record->tail;
  change.tail.position += bytes.size();
  return contract.commit(change).ok();
}

// Reads one page and compares every byte; an error is right only for a stream that went meanwhile.
bool page_is_right(StoreContract& contract, const StreamRecord& record, std::uint64_t from) {
  const ReadRange range{
      .id = record.id, .from = from, .to = record.tail.position, .bytes_max = 10'000};
  const Result<StoredBytes> page = contract.read(range);
  if (!page) {
    const std::optional<StreamRecord> now = contract.load(record.path);
    return !now || now->id != record.id;
  }
  return text_of(*page) == bytes_at(from, page->end - from);
}

// One thread's share of streams that come and go under a few paths. Threads: one at a time.
class Wanderer {
 public:
  Wanderer(StoreContract& contract, std::uint64_t seed) : contract_(contract), random_(seed) {}

  // False when the store did what it must not.
  bool step(std::int64_t second) {
    const std::string path = some_path();
    const std::optional<StreamRecord> found = contract_.load(path);
    if (!found) {
      create(path, second);
      return true;
    }
    switch (random_.below(6)) {
      case 0:
        return remove(*found);
      case 1:
        return save_deadline(*found, second);
      case 2:
      case 3:
        return page_is_right(contract_, *found, random_.below(found->tail.position + 1));
      default:
        static_cast<void>(try_append(contract_, path, 1 + random_.below(500)));
    }
    return true;
  }

 private:
  std::string some_path() { return "path/" + std::to_string(random_.below(6)); }

  // A fork of whatever there is, or a stream of its own; others may be faster.
  void create(const std::string& path, std::int64_t second) {
    StreamRecord record = contract_.new_record(path);
    if (random_.one_in(2)) record.deadline = at_second(second);
    std::uint64_t version = 0;
    const std::optional<StreamRecord> source = contract_.load(some_path());
    if (source && random_.one_in(2)) {
      record.tail.position = random_.below(source->tail.position + 1);
      record.fork = ForkPoint{.source = source->id,
                              .source_path = source->path,
                              .position = record.tail.position,
                              .anchor = {},
                              .sub_offset = 0};
      version = source->version;
    }
    static_cast<void>(
        contract_.commit(CreateChange{.record = record, .bytes = {}, .source_version = version}));
  }

  bool remove(const StreamRecord& stream) {
    const auto mode = stream.forks > 0 ? RemoveChange::Mode::kSoft : RemoveChange::Mode::kFull;
    const RemoveChange change{.id = stream.id, .version = stream.version, .mode = mode};
    const bool gone = contract_.commit(change).ok() && mode == RemoveChange::Mode::kFull;
    return !gone || !stream.fork || release(*stream.fork);
  }

  // Pays the source of a fork that is gone, however often others change it meanwhile. It must be
  // there.
  bool release(const ForkPoint& fork) {
    while (true) {
      const std::optional<StreamRecord> source = contract_.load(fork.source_path);
      if (!source || source->id != fork.source) return false;
      const ReleaseChange change{.source = source->id, .version = source->version, .remove = false};
      if (contract_.commit(change).ok()) return true;
    }
  }

  bool save_deadline(const StreamRecord& stream, std::int64_t second) {
    static_cast<void>(contract_.expired(at_second(second), 3));
    static_cast<void>(contract_.store().stats());
    return contract_.commit(DeadlineChange{.id = stream.id, .deadline = at_second(second)}).ok();
  }

  StoreContract& contract_;
  Random random_;
};

}  // namespace

TEST_CASE("threads that append to one stream take turns by its version", "[store][threads]") {
  StoreContract contract;
  contract.create("a");
  std::atomic<std::uint64_t> taken{0};
  run_threads(kThreads, [&](int) {
    for (std::uint64_t i = 0; i < kRounds; ++i) {
      if (try_append(contract, "a", 1 + i % 50)) ++taken;
    }
  });
  const StreamRecord record = contract.at("a");
  CHECK(record.version == 1 + taken);
  CHECK(contract.text("a") == bytes_at(0, record.tail.position));
}

TEST_CASE("readers see whole appends while others append", "[store][threads]") {
  StoreContract contract;
  contract.create("a");
  contract.create("b");
  std::atomic<int> appending{2};
  std::atomic<std::uint64_t> wrong{0};
  run_threads(kThreads, [&](int thread) {
    const std::string path = thread % 2 == 0 ? "a" : "b";
    if (thread < 2) {
      for (std::uint64_t i = 0; i < kRounds; ++i) {
        if (!try_append(contract, path, i % 40 == 0 ? 40'000 : 1 + i % 200)) ++wrong;
      }
      --appending;
      return;
    }
    for (std::uint64_t from = 0; appending > 0;) {
      const StreamRecord record = *contract.load(path);
      if (from >= record.tail.position) from = 0;
      if (!page_is_right(contract, record, from)) ++wrong;
      from += 997;
    }
  });
  CHECK(wrong == 0);
}

TEST_CASE("streams come, fork, end and go in many threads at once", "[store][threads]") {
  StoreContract contract;
  const std::uint64_t seed = random_seed();
  INFO("DURABLE_STREAMS_SEED=" << seed);
  std::atomic<std::uint64_t> wrong{0};
  run_threads(kThreads, [&](int thread) {
    Wanderer wanderer(contract, seed + static_cast<std::uint64_t>(thread));
    for (std::uint64_t i = 0; i < kRounds; ++i) {
      if (!wanderer.step(static_cast<std::int64_t>(i))) ++wrong;
    }
  });
  CHECK(wrong == 0);
}

}  // namespace durable_streams

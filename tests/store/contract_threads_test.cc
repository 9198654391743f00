// The contract of threads: any number of them at once. What they do is checked here, and how by
// ThreadSanitizer.
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "tests/store/store_contract.h"
#include "tests/support/seed.h"

namespace durable_streams {

namespace {

constexpr int kThreads = 4;
constexpr std::uint64_t kRounds = 300;

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
    Random random(seed + static_cast<std::uint64_t>(thread));
    for (std::uint64_t i = 0; i < kRounds; ++i) {
      const std::string path = "path/" + std::to_string(random.below(6));
      const std::optional<StreamRecord> found = contract.load(path);
      if (!found) {
        StreamRecord record = contract.new_record(path);
        if (random.one_in(2)) record.deadline = at_second(static_cast<std::int64_t>(i));
        const std::optional<StreamRecord> source =
            contract.load("path/" + std::to_string(random.below(6)));
        std::uint64_t version = 0;
        if (source && random.one_in(2)) {
          const std::uint64_t position = random.below(source->tail.position + 1);
          record.tail.position = position;
          record.fork = ForkPoint{.source = source->id,
                                  .source_path = source->path,
                                  .position = position,
                                  .anchor = {},
                                  .sub_offset = 0};
          version = source->version;
        }
        static_cast<void>(contract.commit(
            CreateChange{.record = record, .bytes = {}, .source_version = version}));
        continue;
      }
      switch (random.below(6)) {
        case 0: {
          const auto mode =
              found->forks > 0 ? RemoveChange::Mode::kSoft : RemoveChange::Mode::kFull;
          const bool gone =
              contract
                  .commit(RemoveChange{.id = found->id, .version = found->version, .mode = mode})
                  .ok();
          if (!gone || mode == RemoveChange::Mode::kSoft || !found->fork) break;
          // Pays the source until it is paid, as the engine does.
          while (true) {
            const std::optional<StreamRecord> source = contract.load(found->fork->source_path);
            if (!source || source->id != found->fork->source) {
              ++wrong;
              break;
            }
            const ReleaseChange release{
                .source = source->id, .version = source->version, .remove = false};
            if (contract.commit(release).ok()) break;
          }
          break;
        }
        case 1: {
          const DeadlineChange change{.id = found->id,
                                      .deadline = at_second(static_cast<std::int64_t>(i))};
          if (!contract.commit(change).ok()) ++wrong;
          static_cast<void>(contract.expired(at_second(static_cast<std::int64_t>(i)), 3));
          static_cast<void>(contract.store().stats());
          break;
        }
        case 2:
        case 3: {
          const std::uint64_t from = random.below(found->tail.position + 1);
          if (!page_is_right(contract, *found, from)) ++wrong;
          break;
        }
        default:
          static_cast<void>(try_append(contract, path, 1 + random.below(500)));
      }
    }
  });
  CHECK(wrong == 0);
}

}  // namespace durable_streams

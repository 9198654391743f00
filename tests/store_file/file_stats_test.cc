// What the store tells of its own work.
#include <durable_streams/file_store.h>

#include <chrono>
#include <numeric>
#include <string>
#include <thread>

#include "store/file/distribution.h"
#include "tests/store_file/filled_store.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

namespace durable_streams {

namespace {

template <class Counts>
std::uint64_t sum_of(const Counts& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

TEST_CASE("A distribution counts each value at the first bound that it does not pass",
          "[file_stats]") {
  static constexpr std::array<std::uint64_t, 3> kBounds = {1, 2, 4};
  Distribution<std::uint64_t, kBounds.size()> distribution(kBounds);
  for (const std::uint64_t value : {0, 1, 2, 3, 4, 5, 100}) distribution.add(value);
  CHECK(distribution.counts() == std::array<std::uint64_t, 4>{2, 1, 2, 2});
}

TEST_CASE("Commits and syncs are counted by size and time", "[file_stats]") {
  const TemporaryDirectory directory;
  FilledStore store({.directory = directory.path() + "/data"});
  StreamRecord record = store.create("a");
  store.wait();
  for (int i = 0; i < 20; ++i) store.append(record, "0123456789");
  const FileStoreStats stats = store.store().file_stats();
  CHECK(stats.committed_changes == 21);
  CHECK(sum_of(stats.commit_sizes) == stats.commits);
  CHECK(stats.commit_sizes[0] == stats.commits);  // one by one
  CHECK(stats.syncs == stats.commits);
  CHECK(sum_of(stats.sync_times) == stats.syncs);
  CHECK(stats.sync_time.count() > 0);
  CHECK(stats.journal_written_bytes >= 200);
  CHECK(stats.journal_written_bytes >= stats.journal_bytes);
  CHECK(stats.in_flight_changes == 0);
}

TEST_CASE("Changes that gather are counted as one commit", "[file_stats]") {
  const TemporaryDirectory directory;
  FilledStore store({.directory = directory.path() + "/data"});
  StreamRecord record = store.create("a");
  for (int i = 0; i < 200; ++i) store.submit_append(record, "x");
  store.wait();
  const FileStoreStats stats = store.store().file_stats();
  CHECK(stats.committed_changes == 201);
  CHECK(sum_of(stats.commit_sizes) == stats.commits);
}

TEST_CASE("What is not settled has an age, and what was settled was written once more",
          "[file_stats]") {
  const TemporaryDirectory directory;
  {
    FilledStore idle({.directory = directory.path() + "/data"});
    CHECK(idle.store().file_stats().unsettled_age.count() == 0);
    StreamRecord record = idle.create("a");
    idle.append(record, std::string(100'000, 'x'));
    CHECK(idle.store().file_stats().unsettled_age.count() > 0);
    CHECK(idle.store().file_stats().pack_written_bytes == 0);
    REQUIRE(idle.backup(directory.path() + "/copy").ok());  // settles
    const FileStoreStats stats = idle.store().file_stats();
    CHECK(stats.unsettled_age.count() == 0);
    CHECK(stats.pack_written_bytes >= 100'000);
    CHECK(stats.pack_written_bytes == stats.pack_bytes);
  }
  FilledStore again({.directory = directory.path() + "/data"});
  CHECK(again.store().file_stats().pack_written_bytes == 0);
  CHECK(again.store().file_stats().journal_written_bytes == 0);
}

TEST_CASE("Settled bytes that are read again come from memory, unless that is turned off",
          "[file_stats]") {
  const TemporaryDirectory directory;
  FileStoreOptions options{.directory = directory.path() + "/data"};
  const std::string bytes(100'000, 'x');  // two blocks
  StreamRecord record;
  {
    FilledStore store(options);
    record = store.create("a");
    store.append(record, bytes);
  }
  for (const std::uint64_t cache : {options.read_cache_bytes_max, std::uint64_t{0}}) {
    options.read_cache_bytes_max = cache;
    FilledStore store(options);
    for (int i = 0; i < 5; ++i) REQUIRE(store.read(record.id, bytes.size()).value() == bytes);
    const FileStoreStats stats = store.store().file_stats();
    CHECK(stats.read_cache_misses == (cache > 0 ? 4 : 0));
    CHECK(stats.read_cache_hits == (cache > 0 ? 6 : 0));
    CHECK((stats.read_cache_bytes >= bytes.size()) == (cache > 0));
  }
}

}  // namespace
}  // namespace durable_streams

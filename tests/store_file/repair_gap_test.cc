// With the catalog it is lost where the journal begins: what neither packs nor journal tell of has
// left no trace, or is lost, and what comes after it is kept if it follows.
#include <durable_streams/file_store_tools.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/store_file/filled_store.h"
#include "tests/store_file/killed_store.h"
#include "tests/support/catch.h"

namespace durable_streams {

namespace {

namespace fs = std::filesystem;

// So that each batch has a segment of its own.
constexpr std::uint64_t kBatchSegment = 4097;

// Killed with the changes of two segments: the first appends to "old", the others make "new".
struct KilledInTwo {
  KilledInTwo() {
    const FileStoreOptions options{.directory = directory.path() + "/live",
                                   .segment_bytes = kBatchSegment};
    StreamRecord old;
    {
      FilledStore store(options);
      old = store.create("old");
      store.append(old, "old");
    }
    FilledStore store(options);
    store.append(old, "lost");
    StreamRecord added = store.create("new");
    store.append(added, "a");
    copy_as_if_killed(options.directory, path);
  }

  std::string first_segment() const { return segments_in(path).front(); }

  void expect_what_follows() const {
    const Outcome outcome = fsck(path, true);
    INFO(outcome.text);
    CHECK(outcome.check.damages == 0);
    CHECK(outcome.text.find("what comes after them is kept") != std::string::npos);
    CHECK(says_nothing_new(fsck(path, true).text));
    FilledStore store({.directory = path});
    CHECK(KilledStore::bytes_of(store, "old") == "old");
    CHECK(KilledStore::bytes_of(store, "new") == "a");
  }

  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/killed";
};

}  // namespace

TEST_CASE(
    "without its catalog and the journal's beginning a store opens with what the packs know, "
    "and what does not follow is put aside",
    "[file][tools][repair]") {
  const KilledStore store(kBatchSegment);
  const std::vector<std::string> segments = store.segments();
  REQUIRE(segments.size() >= 4);
  fs::resize_file(segments.front(), 100);
  std::vector<std::string> kept;
  for (const std::string& segment : segments) kept.push_back(contents(segment));
  if (GENERATE(false, true))  // as an earlier repair would have left it
    fs::rename(segments.front(), segments.front() + ".damaged");
  fs::remove(store.catalog());

  const Outcome outcome = repaired(store);
  INFO(outcome.text);
  CHECK(outcome.check.damages == 0);
  CHECK(outcome.text.find("neither packs nor journal tell of") != std::string::npos);
  CHECK(says_nothing_new(repaired(store).text));
  check_put_aside(store.path() + "/journal", kept);

  const KilledStore::Seen seen = store.open_and_read();
  CHECK(seen.old == "old");
  CHECK(seen.both == "12");
  CHECK(seen.added == "none");
  CHECK(seen.read_sequence > 1'700'000'000);
}

TEST_CASE("without its catalog and the journal's beginning a store keeps what follows all the same",
          "[file][tools][repair]") {
  const KilledInTwo killed;
  fs::resize_file(killed.first_segment(), 100);
  fs::remove(killed.path + "/catalog/data.mdb");
  killed.expect_what_follows();
}

TEST_CASE("a segment that cannot be followed is put aside before its changes are passed over",
          "[file][tools][repair]") {
  const KilledInTwo killed;
  const std::string first = killed.first_segment();
  overwrite(first, 4096, "xxxx");
  const std::string damaged = contents(first);
  fs::remove(killed.path + "/catalog/data.mdb");
  killed.expect_what_follows();
  REQUIRE(fs::exists(first + ".damaged"));
  CHECK(contents(first + ".damaged") == damaged);
}

TEST_CASE("behind a gap a store keeps what follows up to the first change that does not",
          "[file][tools][repair]") {
  const TemporaryDirectory directory;
  const FileStoreOptions options{.directory = directory.path() + "/live",
                                 .segment_bytes = kBatchSegment};
  const std::string killed = directory.path() + "/killed";
  {
    FilledStore store(options);
    StreamRecord old = store.create("old");
    store.append(old, "old");
    store.close();
    FilledStore again(options);
    again.append(old, "lost");
    StreamRecord added = again.create("new");
    again.append(added, "a");
    again.append(old, "builds on what is lost");
    again.append(added, "b");
    copy_as_if_killed(options.directory, killed);
  }
  fs::resize_file(segments_in(killed).front(), 100);
  fs::remove(killed + "/catalog/data.mdb");

  const Outcome outcome = fsck(killed, true);
  INFO(outcome.text);
  CHECK(outcome.check.damages == 0);
  CHECK(outcome.text.find("the journal ends with change") != std::string::npos);
  CHECK(says_nothing_new(fsck(killed, true).text));
  CHECK_FALSE(all_contents(killed + "/journal", ".damaged").empty());
  FilledStore store({.directory = killed});
  CHECK(KilledStore::bytes_of(store, "old") == "old");
  CHECK(KilledStore::bytes_of(store, "new") == "a");
}

TEST_CASE("what came and went between two settlings is no gap in a journal",
          "[file][tools][repair]") {
  const TemporaryDirectory directory;
  const FileStoreOptions options{.directory = directory.path() + "/live"};
  const std::string killed = directory.path() + "/killed";
  StreamRecord old;
  {
    FilledStore store(options);
    old = store.create("old");
    store.append(old, "old");
  }
  {
    FilledStore store(options);
    store.remove(store.create("brief"));
    store.wait();
  }
  {
    FilledStore store(options);
    store.append(old, "er");
    copy_as_if_killed(options.directory, killed);
  }
  fs::remove(killed + "/catalog/data.mdb");
  const Outcome outcome = fsck(killed, true);
  INFO(outcome.text);
  CHECK(outcome.check.damages == 0);
  FilledStore store({.directory = killed});
  CHECK(KilledStore::bytes_of(store, "old") == "older");
}

}  // namespace durable_streams

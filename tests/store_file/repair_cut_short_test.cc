// A repair that is cut short anywhere is done again, and loses no more.
#include <durable_streams/file_store.h>
#include <durable_streams/file_store_tools.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "store/file/posix_file_system.h"
#include "store/file/store_check.h"
#include "tests/store_file/cut_short_files.h"
#include "tests/store_file/filled_store.h"
#include "tests/store_file/killed_store.h"
#include "tests/support/catch.h"

namespace durable_streams {

namespace {

namespace fs = std::filesystem;

// Cuts a repair short at each of its steps. A start either refuses what is there then, or finds
// what it would after the whole repair, and whatever `kept` lists is there in files of
// `kept_in` that nobody reads; and a repair of that does the rest.
struct CutShort {
  const KilledStore& store;
  std::string kept_in = "journal";
  std::vector<std::string> kept;
  std::string added = "a";

  void check() const {
    PosixFileSystem disk;
    for (std::size_t steps = 0, go_on = 1; go_on != 0; ++steps) {
      CAPTURE(steps);
      REQUIRE(steps < 100);
      const std::string directory = store.copy("cut" + std::to_string(steps));
      CutShortFiles files(disk, steps);
      StoreCheck::Tell tell = [](const FileStoreFinding&) {};
      const FileStoreCheckOptions options{.directory = directory, .repair = true};
      const bool done = StoreCheck(files, options, tell).run().ok();
      CHECK(done != files.was_cut());
      if (!files.was_cut()) go_on = 0;
      check_start(store.copy_of(directory, "started" + std::to_string(steps)), go_on == 0);
      CHECK(fsck(directory, true).check.damages == 0);
      check_start(directory, true);
      fs::remove_all(directory);
    }
  }

 private:
  void check_start(const std::string& directory, bool must_open) const {
    if (durable_streams::check_start(directory, added, must_open))
      check_put_aside(directory + "/" + kept_in, kept);
  }
};

}  // namespace

TEST_CASE("a repair of the journal that is cut short anywhere is done again, and loses no more",
          "[file][tools][repair]") {
  const KilledStore store(GENERATE(std::uint64_t{4400}, std::uint64_t{4097}));
  const std::vector<std::string> kept = damage_journal(store);
  CutShort{.store = store, .kept = kept}.check();
}

TEST_CASE("the loss is noted before a segment without a header is put aside",
          "[file][tools][repair]") {
  const KilledStore store(kSmallSegment);
  fs::resize_file(store.segment(), 100);
  CutShort{.store = store, .kept = {contents(store.segment())}, .added = "none"}.check();
}

TEST_CASE("the loss is noted before a missing journal is made again", "[file][tools][repair]") {
  const KilledStore store(kSmallSegment);
  fs::remove_all(store.path() + "/journal");
  CutShort{.store = store, .kept = {}, .added = "none"}.check();
}

TEST_CASE(
    "a catalog and the journal's beginning are lost, and making good may be cut short anywhere",
    "[file][tools][repair]") {
  const KilledStore store(4097);
  const std::vector<std::string> segments = store.segments();
  fs::resize_file(segments.front(), 100);
  fs::remove(store.catalog());
  std::vector<std::string> kept;
  for (const std::string& segment : segments) kept.push_back(contents(segment));
  CutShort{.store = store, .kept = kept, .added = "none"}.check();
}

TEST_CASE("making a catalog anew may be cut short anywhere, and the old one stays",
          "[file][tools][repair]") {
  const KilledStore store(kSmallSegment);
  overwrite(store.catalog(), 0, std::string(8192, '\x55'));
  const std::string old = contents(store.catalog());
  CutShort{.store = store, .kept_in = "catalog", .kept = {old}, .added = "a_b_c"}.check();
}

}  // namespace durable_streams

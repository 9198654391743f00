// A repair of the journal keeps all that comes before the damage, takes nothing away that can still
// be read, and leaves a directory that a store opens.
#include <durable_streams/file_store.h>
#include <durable_streams/file_store_tools.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "store/file/catalog.h"
#include "store/file/lmdb_catalog.h"
#include "tests/store_file/filled_store.h"
#include "tests/store_file/killed_store.h"
#include "tests/support/catch.h"

namespace durable_streams {

namespace {

namespace fs = std::filesystem;

// As a settling does before it changes any stream.
void note_settling(const KilledStore& store, Lsn changes) {
  Result<std::unique_ptr<Catalog>> catalog =
      open_lmdb_catalog({.directory = store.path() + "/catalog", .map_bytes = 64 << 20});
  REQUIRE(catalog.ok());
  CatalogMeta meta = (*catalog)->meta().value();
  meta.settling = meta.settled + changes;
  Result<std::unique_ptr<Catalog::Update>> update = (*catalog)->begin();
  REQUIRE(update.ok());
  REQUIRE((*update)->put_meta(meta).ok());
  REQUIRE((*update)->commit().ok());
}

// As one that a bug or a person has changed: whole, and not what the journal goes on from.
void change_version(const KilledStore& store, const std::string& path) {
  const Result<std::unique_ptr<Catalog>> catalog =
      open_lmdb_catalog({.directory = store.path() + "/catalog", .map_bytes = 64 << 20});
  REQUIRE(catalog.ok());
  const StreamId id = (*catalog)->find_path(path).value().value();
  SettledStream stream = (*catalog)->find(id).value().value();
  stream.record.version += 5;
  Result<std::unique_ptr<Catalog::Update>> update = (*catalog)->begin();
  REQUIRE(update.ok());
  REQUIRE((*update)->put(stream).ok());
  REQUIRE((*update)->commit().ok());
}

}  // namespace

TEST_CASE("a journal that is damaged where it was durable can be ended before that",
          "[file][tools][repair]") {
  const KilledStore store;
  const std::string segment = store.segment();
  overwrite(segment, place_of(segment, "_b_"), "x");
  REQUIRE(!store.try_open().ok());
  const Outcome looked = fsck(store.path(), false);
  CHECK(looked.check.damages == 1);
  CHECK(looked.text.find("can be kept") != std::string::npos);

  const Outcome outcome = repaired(store);
  INFO(outcome.text);
  CHECK(outcome.check.damages == 0);
  CHECK(outcome.check.journal_changes == 2);
  CHECK(fs::exists(segment + ".damaged"));
  CHECK(says_nothing_new(repaired(store).text));

  const KilledStore::Seen seen = store.open_and_read();
  CHECK(seen.old == "old");
  CHECK(seen.both == "12");
  CHECK(seen.added == "a");
  // Readers have seen the offset of what is lost.
  CHECK(seen.read_sequence == 1);
}

TEST_CASE("a journal that is damaged in its first batch is ended where it begins",
          "[file][tools][repair]") {
  const KilledStore store;
  overwrite(store.segment(), 4096, "xxxx");
  CHECK(repaired(store).check.damages == 0);
  const KilledStore::Seen seen = store.open_and_read();
  CHECK(seen.both == "12");
  CHECK(seen.added == "none");
}

TEST_CASE("a segment gets a lost header back, with all that is in it", "[file][tools][repair]") {
  const KilledStore store;
  const std::streamoff at = GENERATE(0, 12, 16, 24, 4092);
  spoil(store.segment(), at);
  REQUIRE(!store.try_open().ok());
  const bool without_catalog = GENERATE(false, true);
  if (without_catalog) fs::remove(store.catalog());
  check_repaired_whole(store);
}

TEST_CASE(
    "a segment in which nothing can be read is put aside, and its offsets are not given again",
    "[file][tools][repair]") {
  const KilledStore store;
  const std::string segment = store.segment();
  fs::resize_file(segment, GENERATE(0, 100, 4095));
  const Outcome outcome = repaired(store);
  INFO(outcome.text);
  CHECK(outcome.check.damages == 0);
  CHECK(fs::exists(segment + ".damaged"));
  const KilledStore::Seen seen = store.open_and_read();
  CHECK(seen.both == "12");
  CHECK(seen.read_sequence == 1);
}

TEST_CASE("a segment under another's name gets its own back, with all that is in it",
          "[file][tools][repair]") {
  const KilledStore store;
  const std::string segment = store.segment();
  fs::rename(segment, store.path() + "/journal/0000000000009999.log");
  REQUIRE(!store.try_open().ok());
  if (GENERATE(false, true)) fs::remove(store.catalog());
  const Outcome outcome = repaired(store);
  INFO(outcome.text);
  CHECK(outcome.check.damages == 0);
  CHECK(store.segment() == segment);
  const KilledStore::Seen seen = store.open_and_read();
  CHECK(seen.both == "123");
  CHECK(seen.added == "a_b_c");
}

TEST_CASE("segments with each other's names are told of, and not touched",
          "[file][tools][repair]") {
  const KilledStore store(4097);
  const std::vector<std::string> segments = store.segments();
  REQUIRE(segments.size() >= 2);
  const std::string between = store.path() + "/between";
  fs::rename(segments[0], between);
  fs::rename(segments[1], segments[0]);
  fs::rename(between, segments[1]);
  const std::map<std::string, std::string> before = tree(store.path());
  const Outcome outcome = repaired(store);
  INFO(outcome.text);
  CHECK(outcome.check.damages > 0);
  CHECK(outcome.text.find("give each its own name") != std::string::npos);
  CHECK(tree(store.path()) == before);
}

TEST_CASE("of two files that call themselves the same segment neither is touched",
          "[file][tools][repair]") {
  const KilledStore store(4097);
  const std::string journal = store.path() + "/journal/";
  const std::string segment = store.segments().front();
  fs::copy_file(segment, journal + "0000000000009998.log");
  fs::rename(segment, journal + "0000000000009999.log");
  if (GENERATE(false, true)) overwrite(journal + "0000000000009998.log", 5000, "other");
  const std::map<std::string, std::string> before = tree(store.path());
  const Outcome outcome = repaired(store);
  INFO(outcome.text);
  CHECK(outcome.check.damages > 0);
  CHECK(outcome.text.find("0000000000009998.log and ") != std::string::npos);
  CHECK(outcome.text.find("0000000000009999.log both call themselves") != std::string::npos);
  CHECK(tree(store.path()) == before);
}

TEST_CASE("a copy of a segment under another number is put aside, and nothing is lost",
          "[file][tools][repair]") {
  const KilledStore store;
  fs::copy_file(store.segment(), store.path() + "/journal/0000000000009999.log");
  CHECK(repaired(store).check.damages == 0);
  CHECK(store.open_and_read().added == "a_b_c");
}

TEST_CASE(
    "a killed store whose journal's directory is missing does not start, however often it is tried",
    "[file][tools][repair]") {
  const KilledStore store;
  fs::remove_all(store.path() + "/journal");
  for (int times = 0; times < 2; ++times) {
    const auto opened = store.try_open();
    REQUIRE_FALSE(opened.ok());
    CHECK(opened.error().code == ErrorCode::kCorruption);
    CHECK(opened.error().message.find("fsck") != std::string::npos);
    CHECK_FALSE(fs::exists(store.path() + "/journal"));
  }
}

TEST_CASE("a journal's directory that is missing is made again, and its offsets not given again",
          "[file][tools][repair]") {
  const KilledStore store;
  fs::remove_all(store.path() + "/journal");
  CHECK(fsck(store.path(), false).check.damages == 1);
  const Outcome outcome = repaired(store);
  CHECK(outcome.check.damages == 0);
  CHECK(outcome.text.find("made again") != std::string::npos);
  CHECK(fsck(store.path(), false).check.damages == 0);
  const KilledStore::Seen seen = store.open_and_read();
  CHECK(seen.both == "12");
  CHECK(seen.read_sequence == 1);
}

TEST_CASE("a store that was closed in order loses nothing with its journal's directory",
          "[file][tools][repair]") {
  const KilledStore store;
  const std::string& closed = store.closed_path();
  { FilledStore({.directory = closed}).close(); }
  fs::remove_all(closed + "/journal");
  const Outcome outcome = fsck(closed, true);
  CHECK(outcome.check.damages == 0);
  CHECK(outcome.text.find("lost nothing") != std::string::npos);
  CHECK(store.open_and_read(closed).read_sequence == 0);
}

TEST_CASE("a store that was closed in order needs none of its journal's segments",
          "[file][tools][repair]") {
  const KilledStore store;
  const std::string& closed = store.closed_path();
  for (const auto& entry : fs::directory_iterator(closed + "/journal")) fs::remove(entry.path());
  CHECK(fsck(closed, false).check.damages == 0);
  const KilledStore::Seen seen = store.open_and_read(closed);
  CHECK(seen.old == "old");
  CHECK(seen.both == "12");
  CHECK(seen.read_sequence == 0);
}

TEST_CASE("a journal without its last segment is damaged when the catalog has begun to settle it",
          "[file][tools][repair]") {
  const KilledStore store(4097);
  note_settling(store, 5);
  const std::vector<std::string> segments = store.segments();
  if (GENERATE(false, true)) {
    fs::remove(segments.back());
  } else {
    for (const std::string& segment : segments) fs::remove(segment);
  }
  const Result<std::unique_ptr<FileStore>> opened = store.try_open();
  REQUIRE(!opened.ok());
  CHECK(opened.error().code == ErrorCode::kCorruption);
  CHECK(opened.error().message.find("are missing") != std::string::npos);
  CHECK(fsck(store.path(), false).check.damages == 1);

  const Outcome outcome = repaired(store);
  INFO(outcome.text);
  CHECK(outcome.check.damages == 0);
  const KilledStore::Seen seen = store.open_and_read();
  CHECK(seen.old == "old");
  CHECK(seen.read_sequence > 0);
}

TEST_CASE(
    "a journal that does not follow is ended also where no catalog can be made anew, for a pack "
    "cannot be read",
    "[file][tools][repair]") {
  const KilledStore store;
  change_version(store, "both");
  const auto size = static_cast<std::streamoff>(fs::file_size(store.pack(1)));
  overwrite(store.pack(1), size - 40, "xxxx");
  REQUIRE(!store.try_open().ok());
  const std::string segment = contents(store.segment());

  const Outcome outcome = repaired(store);
  INFO(outcome.text);
  CHECK(outcome.check.damages > 0);  // the pack's
  CHECK(outcome.text.find("cannot be made anew") != std::string::npos);
  CHECK(outcome.text.find("the journal ends with change") != std::string::npos);
  const std::vector<std::string> aside = all_contents(store.path() + "/journal", ".damaged");
  CHECK(std::find(aside.begin(), aside.end(), segment) != aside.end());
  const KilledStore::Seen seen = store.open_and_read();
  CHECK(seen.added == "a_b_");
  CHECK(seen.read_sequence == 1);
}

TEST_CASE(
    "a journal that does not follow is not ended where a pack that nobody can read may be what it "
    "follows on",
    "[file][tools][repair]") {
  const KilledStore store;
  change_version(store, "both");
  std::ofstream(store.path() + "/packs/0000000000009999.pack") << "x";
  const std::map<std::string, std::string> before = tree(store.path());
  const Outcome outcome = repaired(store);
  INFO(outcome.text);
  CHECK(outcome.check.damages > 0);
  CHECK(tree(store.path()) == before);
}

TEST_CASE("what was put aside before is not overwritten", "[file][tools][repair]") {
  const KilledStore store;
  const std::string segment = store.segment();
  std::ofstream(store.catalog() + ".damaged") << "the first catalog";
  std::ofstream(segment + ".damaged") << "the first segment";
  fs::resize_file(segment, 100);
  fs::resize_file(store.catalog(), 0);
  CHECK(repaired(store).check.damages == 0);
  CHECK(contents(store.catalog() + ".damaged") == "the first catalog");
  CHECK(contents(segment + ".damaged") == "the first segment");
  CHECK(fs::file_size(store.catalog() + ".damaged.2") == 0);
  CHECK(fs::file_size(segment + ".damaged.2") == 100);
}

TEST_CASE("the number of a segment that was put aside is not given again",
          "[file][tools][repair]") {
  const KilledStore store;
  const std::string segment = store.segment();
  fs::resize_file(segment, 100);
  CHECK(repaired(store).check.damages == 0);
  FilledStore open({.directory = store.path()});
  StreamRecord old = *open.load("old");
  for (int times = 0; times < 3; ++times) open.append(old, "more");
  CHECK_FALSE(fs::exists(segment));
  CHECK(store.segment() > segment);
}

TEST_CASE(
    "a journal that is damaged behind half a settling is ended there, and no change after it "
    "is taken for known",
    "[file][tools][repair]") {
  const KilledStore store;
  const std::string segment = store.segment();
  const std::vector<std::streamoff> batches = batches_in(segment);
  REQUIRE(batches.size() >= 4);  // of five changes the first two may share one
  note_settling(store, 5);
  overwrite(segment, batches[batches.size() - 3] + 4, "xxxx");
  CHECK(repaired(store).check.damages == 0);
  FilledStore open({.directory = store.path()});
  StreamRecord added = *open.load("new");
  open.append(added, "more");
  CHECK(KilledStore::bytes_of(open, "new") == "amore");
}

}  // namespace durable_streams

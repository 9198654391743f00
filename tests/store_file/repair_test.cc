// A repair keeps what can be kept: it makes good what other files tell of, takes nothing away that
// can still be read, and leaves a directory that a store opens.
#include <durable_streams/file_store.h>
#include <durable_streams/file_store_tools.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "store/file/catalog.h"
#include "store/file/lmdb_catalog.h"
#include "store/file/posix_file_system.h"
#include "store/file/store_check.h"
#include "tests/store_file/cut_short_files.h"
#include "tests/store_file/filled_store.h"
#include "tests/support/catch.h"
#include "tests/support/killed_copy.h"
#include "tests/support/temporary_directory.h"

namespace durable_streams {

namespace {

namespace fs = std::filesystem;

// Streams `old`, settled in the first pack, `both`, in two of them, and `new`, whose changes are
// only in the journal: as many batches of it as letters of `abc`, the last two of which also name
// `both`.
class KilledStore {
 public:
  explicit KilledStore(std::uint64_t segment_bytes = std::uint64_t{64} << 20) {
    const FileStoreOptions options{.directory = directory_.path() + "/live",
                                   .segment_bytes = segment_bytes};
    StreamRecord both;
    {
      FilledStore store(options);
      StreamRecord old = store.create("old");
      store.append(old, "old");
      both = store.create("both");
      store.append(both, "1");
    }
    older_catalog_ = directory_.path() + "/older.mdb";
    fs::copy_file(options.directory + "/catalog/data.mdb", older_catalog_);
    {
      FilledStore store(options);
      store.append(both, "2");
    }
    fs::create_directory(path());
    copy_as_if_killed(options.directory, closed_);
    FilledStore store(options);
    StreamRecord added = store.create("new");
    store.append(added, "a");
    store.append(added, "_b_");  // no checksum or id holds this by chance
    store.append(both, "3");
    store.append(added, "c");
    copy_as_if_killed(options.directory, path());
  }

  std::string path() const { return directory_.path() + "/killed"; }
  const std::string& closed_path() const { return closed_; }
  std::string catalog() const { return path() + "/catalog/data.mdb"; }
  std::string pack(int number) const {
    return path() + "/packs/000000000000000" + std::to_string(number) + ".pack";
  }
  const std::string& older_catalog() const { return older_catalog_; }

  std::string copy(const std::string& name) const { return copy_of(path(), name); }
  std::string copy_of(const std::string& from, const std::string& name) const {
    std::string to = directory_.path() + "/" + name;
    copy_as_if_killed(from, to);
    return to;
  }

  // The segment with what is not settled.
  std::string segment() const {
    std::string found;
    for (const auto& entry : fs::directory_iterator(path() + "/journal")) {
      if (entry.path().extension() == ".log") found = std::max(found, entry.path().string());
    }
    REQUIRE(!found.empty());
    return found;
  }

  static std::string bytes_of(FilledStore& store, const std::string& stream) {
    const Result<std::optional<StreamRecord>> record = store.try_load(stream);
    if (!record) return record.error().message;
    if (!*record) return "none";
    const Result<std::string> bytes = store.read((*record)->id, (*record)->tail.position);
    return bytes.ok() ? *bytes : bytes.error().message;
  }

  struct Seen {
    std::string old;
    std::string both;
    std::string added;
    std::uint64_t read_sequence = 0;
  };
  Seen open_and_read(const std::string& directory) const {
    FilledStore store({.directory = directory});
    return {.old = bytes_of(store, "old"),
            .both = bytes_of(store, "both"),
            .added = bytes_of(store, "new"),
            .read_sequence = store.store().read_sequence()};
  }
  Seen open_and_read() const { return open_and_read(path()); }

  Result<std::unique_ptr<FileStore>> try_open() const {
    return FileStore::open({.directory = path(), .catalog_bytes_max = std::uint64_t{64} << 20});
  }

 private:
  TemporaryDirectory directory_;
  std::string closed_ = directory_.path() + "/closed";
  std::string older_catalog_;
};

struct Outcome {
  FileStoreCheck check;
  std::string text;
};

Outcome fsck(const std::string& directory, bool repair) {
  std::string text;
  const Result<FileStoreCheck> check =
      check_file_store({.directory = directory, .repair = repair},
                       [&text](const FileStoreFinding& finding) { text += finding.text + "\n"; });
  INFO(text);
  if (!check) FAIL(check.error().message);
  return {.check = *check, .text = std::move(text)};
}

Outcome repaired(const KilledStore& store) { return fsck(store.path(), true); }

void overwrite(const std::string& path, std::streamoff at, const std::string& bytes) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(at);
  file << bytes;
}

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Where the record with these bytes at its end lies in a file.
std::streamoff place_of(const std::string& path, const std::string& bytes) {
  const std::size_t at = contents(path).find(bytes, 4096);
  REQUIRE(at != std::string::npos);
  return static_cast<std::streamoff>(at);
}

std::uint64_t number_at(const std::string& bytes, std::size_t at) {
  std::uint64_t number = 0;
  for (std::size_t i = 8; i > 0; --i)
    number = number << 8 | static_cast<unsigned char>(bytes[at + i - 1]);
  return number;
}

// Where the batches of a segment begin; behind them may lie those of an older one.
std::vector<std::streamoff> batches_in(const std::string& path) {
  const std::string bytes = contents(path);
  const std::uint64_t segment = std::stoull(fs::path(path).filename().string());
  std::vector<std::streamoff> batches;
  for (std::size_t at = 4096; at + 48 < bytes.size();) {
    if (number_at(bytes, at + 8) != segment) break;
    const std::uint64_t payload = number_at(bytes, at + 32);
    batches.push_back(static_cast<std::streamoff>(at));
    at += (48 + payload + 7) / 8 * 8;
  }
  return batches;
}

// The bytes of a directory's files with this in their names.
std::vector<std::string> all_contents(const std::string& directory, const std::string& in_name) {
  std::vector<std::string> found;
  for (const auto& entry : fs::directory_iterator(directory)) {
    const std::string name = entry.path().filename().string();
    if (name.find(in_name) != std::string::npos) found.push_back(contents(entry.path().string()));
  }
  return found;
}

// Damages the batch with "b", and returns what the segment with it and all later ones hold then.
std::vector<std::string> damage_journal(const KilledStore& store) {
  std::vector<std::string> segments;
  for (const auto& entry : fs::directory_iterator(store.path() + "/journal")) {
    if (entry.path().extension() == ".log") segments.push_back(entry.path().string());
  }
  std::sort(segments.begin(), segments.end());
  std::size_t behind = 2;
  std::vector<std::string> taken;
  while (true) {
    REQUIRE(!segments.empty());
    const std::string segment = segments.back();
    segments.pop_back();
    const std::vector<std::streamoff> batches = batches_in(segment);
    const bool here = batches.size() > behind;
    if (here) overwrite(segment, batches[batches.size() - 1 - behind] + 4, "xxxx");
    taken.push_back(contents(segment));
    if (here) return taken;
    behind -= batches.size();
  }
}

// Of stores that are copied for each step, spares too.
constexpr std::uint64_t kSmallSegment = 64 << 10;

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
    Result<std::unique_ptr<FileStore>> opened =
        FileStore::open({.directory = directory,
                         .reserve_bytes = 0,
                         .segment_bytes = kSmallSegment,
                         .catalog_bytes_max = std::uint64_t{64} << 20});
    if (!opened) {
      CHECK(opened.error().code == ErrorCode::kCorruption);
      CHECK_FALSE(must_open);
      return;
    }
    FilledStore open(std::move(opened).value());
    CHECK(open.store().read_sequence() >= 1);
    CHECK(KilledStore::bytes_of(open, "old") == "old");
    CHECK(KilledStore::bytes_of(open, "new") == added);
    const std::vector<std::string> there = all_contents(directory + "/" + kept_in, ".damaged");
    for (const std::string& each : kept)
      CHECK(std::find(there.begin(), there.end(), each) != there.end());
  }
};

}  // namespace

TEST_CASE("a repair leaves a catalog that alone still tells of a missing pack's streams",
          "[file][tools][repair]") {
  const KilledStore store;
  const int missing = GENERATE(1, 2);
  fs::remove(store.pack(missing));
  const std::string before = contents(store.catalog());
  for (int times = 0; times < 2; ++times) CHECK(repaired(store).check.damages > 0);
  CHECK(contents(store.catalog()) == before);
  const KilledStore::Seen seen = store.open_and_read();
  CHECK(seen.old == (missing == 1 ? "what is stored here is damaged" : "old"));
  CHECK(seen.both == "what is stored here is damaged");
  CHECK(seen.added == "a_b_c");
}

TEST_CASE("a repair does not make a catalog anew for damage that is not the catalog's",
          "[file][tools][repair]") {
  const KilledStore store;
  const std::streamoff at = GENERATE(41, -70, -40);  // a block, the index, the footer
  const auto size = static_cast<std::streamoff>(fs::file_size(store.pack(1)));
  overwrite(store.pack(1), at < 0 ? size + at : at, "\xff");
  const std::string before = contents(store.catalog());
  CHECK(repaired(store).check.damages > 0);
  CHECK(contents(store.catalog()) == before);
  CHECK_FALSE(fs::exists(store.catalog() + ".damaged"));
  CHECK(store.open_and_read().added == "a_b_c");
}

TEST_CASE("a catalog without a byte is a lost one", "[file][tools][repair]") {
  const KilledStore store;
  fs::resize_file(store.catalog(), 0);
  CHECK(fsck(store.path(), false).check.damages == 1);
  const Outcome outcome = repaired(store);
  INFO(outcome.text);
  CHECK(outcome.check.damages == 0);
  const KilledStore::Seen seen = store.open_and_read();
  CHECK(seen.old == "old");
  CHECK(seen.both == "123");
  CHECK(seen.added == "a_b_c");
}

TEST_CASE("packs that only a later catalog knew of are not taken for unfinished work",
          "[file][tools][repair]") {
  const KilledStore store;
  const bool killed = GENERATE(false, true);
  const std::string path = killed ? store.path() : store.closed_path();
  fs::copy_file(store.older_catalog(), path + "/catalog/data.mdb",
                fs::copy_options::overwrite_existing);
  const std::string second_pack = path + "/packs/0000000000000002.pack";
  for (int times = 0; times < 2; ++times) {
    const Result<std::unique_ptr<FileStore>> opened =
        FileStore::open({.directory = path, .catalog_bytes_max = std::uint64_t{64} << 20});
    REQUIRE(!opened.ok());
    CHECK(opened.error().code == ErrorCode::kCorruption);
    CHECK(opened.error().message.find("fsck") != std::string::npos);
    CHECK(fs::exists(second_pack));
  }
  CHECK(fsck(path, false).check.damages > 0);
  const Outcome outcome = fsck(path, true);
  INFO(outcome.text);
  CHECK(outcome.check.damages == 0);
  const KilledStore::Seen seen = store.open_and_read(path);
  CHECK(seen.old == "old");
  CHECK(seen.both == (killed ? "123" : "12"));
  CHECK(seen.added == (killed ? "a_b_c" : "none"));
}

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
  CHECK(repaired(store).text.empty());

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
  overwrite(store.segment(), at, "\x55");
  REQUIRE(!store.try_open().ok());
  const bool without_catalog = GENERATE(false, true);
  if (without_catalog) fs::remove(store.catalog());
  const Outcome outcome = repaired(store);
  INFO(outcome.text);
  CHECK(outcome.check.damages == 0);
  const KilledStore::Seen seen = store.open_and_read();
  CHECK(seen.old == "old");
  CHECK(seen.both == "123");
  CHECK(seen.added == "a_b_c");
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

TEST_CASE("making a catalog anew may be cut short anywhere, and the old one stays",
          "[file][tools][repair]") {
  const KilledStore store(kSmallSegment);
  overwrite(store.catalog(), 0, std::string(8192, '\x55'));
  const std::string old = contents(store.catalog());
  CutShort{.store = store, .kept_in = "catalog", .kept = {old}, .added = "a_b_c"}.check();
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
  {
    Result<std::unique_ptr<Catalog>> catalog =
        open_lmdb_catalog({.directory = store.path() + "/catalog", .map_bytes = 64 << 20});
    REQUIRE(catalog.ok());
    CatalogMeta meta = (*catalog)->meta().value();
    meta.settling = meta.settled + 5;
    Result<std::unique_ptr<Catalog::Update>> update = (*catalog)->begin();
    REQUIRE(update.ok());
    REQUIRE((*update)->put_meta(meta).ok());
    REQUIRE((*update)->commit().ok());
  }
  overwrite(segment, batches[batches.size() - 3] + 4, "xxxx");
  CHECK(repaired(store).check.damages == 0);
  FilledStore open({.directory = store.path()});
  StreamRecord added = *open.load("new");
  open.append(added, "more");
  CHECK(KilledStore::bytes_of(open, "new") == "amore");
}

}  // namespace durable_streams

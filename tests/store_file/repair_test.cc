// A repair keeps what can be kept: it makes good what other files tell of, takes nothing away that
// can still be read, and leaves a directory that a store opens.
#include <durable_streams/file_store.h>
#include <durable_streams/file_store_tools.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "store/file/catalog.h"
#include "store/file/lmdb_catalog.h"
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
  KilledStore() {
    const FileStoreOptions options{.directory = directory_.path() + "/live"};
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
    store.append(added, "b");
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

// Where the batches of a segment begin.
std::vector<std::streamoff> batches_in(const std::string& path) {
  const std::string bytes = contents(path);
  std::vector<std::streamoff> batches;
  for (std::size_t at = 4096; at + 48 < bytes.size();) {
    std::uint64_t payload = 0;
    for (int i = 7; i >= 0; --i)
      payload =
          payload << 8 | static_cast<unsigned char>(bytes[at + 32 + static_cast<std::size_t>(i)]);
    if (payload == 0) break;
    batches.push_back(static_cast<std::streamoff>(at));
    at += (48 + payload + 7) / 8 * 8;
  }
  return batches;
}

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
  CHECK(seen.added == "abc");
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
  CHECK(store.open_and_read().added == "abc");
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
  CHECK(seen.added == "abc");
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
  CHECK(seen.added == (killed ? "abc" : "none"));
}

TEST_CASE("a journal that is damaged where it was durable can be ended before that",
          "[file][tools][repair]") {
  const KilledStore store;
  const std::string segment = store.segment();
  overwrite(segment, place_of(segment, "b"), "x");
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
  CHECK(seen.added == "abc");
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

TEST_CASE("a journal's directory that is missing is made again", "[file][tools][repair]") {
  const KilledStore store;
  fs::remove_all(store.path() + "/journal");
  CHECK(fsck(store.path(), false).check.damages == 1);
  CHECK(repaired(store).check.damages == 0);
  CHECK(fsck(store.path(), false).check.damages == 0);
  CHECK(store.open_and_read().both == "12");
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

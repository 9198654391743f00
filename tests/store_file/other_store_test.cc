// Files of another store in a data directory: nothing of either store is put aside or removed for
// them.
#include <durable_streams/file_store.h>
#include <durable_streams/file_store_tools.h>

#include <filesystem>
#include <map>
#include <string>

#include "store/file/posix_file_system.h"
#include "store/file/store_identity.h"
#include "tests/store_file/killed_store.h"
#include "tests/support/catch.h"
#include "tests/support/files_over.h"

namespace durable_streams {

namespace {

namespace fs = std::filesystem;

// A disk that cannot read packs.
class NoPacks final : public FilesOver {
 public:
  using FilesOver::FilesOver;

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    if (path.ends_with(".pack"))
      return Error{.code = ErrorCode::kIo, .message = "cannot read " + path, .detail = {}};
    return FilesOver::open(path, mode);
  }
};

std::string file_name(const std::string& path) { return fs::path(path).filename().string(); }

}  // namespace

TEST_CASE("a pack of another store does not say which store a directory is of",
          "[file][tools][repair]") {
  const KilledStore store(kSmallSegment);
  const KilledStore other(kSmallSegment);
  // Before its own, and after them.
  const std::string strange =
      store.path() + "/packs/" + GENERATE("0000000000000003.pack", "9000000000000000.pack");
  fs::copy_file(other.pack(1), strange);
  fs::remove(store.catalog());
  const std::map<std::string, std::string> before = tree(store.path());
  const Outcome outcome = repaired(store);
  INFO(outcome.text);
  CHECK(outcome.check.damages > 0);
  CHECK(outcome.text.find("more than one store") != std::string::npos);
  CHECK(outcome.text.find(file_name(strange)) != std::string::npos);
  CHECK(outcome.text.find(file_name(store.pack(1))) != std::string::npos);
  CHECK(tree(store.path()) == before);

  fs::remove(strange);
  CHECK(repaired(store).check.damages == 0);
  CHECK(store.open_and_read().added == "a_b_c");
}

TEST_CASE("a segment of another store is named by a repair, and puts nothing aside",
          "[file][tools][repair]") {
  const KilledStore store(kSmallSegment);
  const KilledStore other(kSmallSegment);
  const std::string strange = store.path() + "/journal/0000000000009999.log";
  fs::copy_file(other.segment(), strange);
  if (GENERATE(false, true)) overwrite(store.segment(), 4096, "xxxx");
  const std::map<std::string, std::string> before = tree(store.path());
  const Outcome outcome = repaired(store);
  INFO(outcome.text);
  CHECK(outcome.check.damages > 0);
  CHECK(outcome.text.find(strange + " is of another store") != std::string::npos);
  CHECK(tree(store.path()) == before);

  fs::remove(strange);
  CHECK(repaired(store).check.damages == 0);
  CHECK(store.open_and_read().old == "old");
}

TEST_CASE("a file that cannot be read keeps nobody from knowing the store",
          "[file][tools][repair]") {
  const KilledStore store(kSmallSegment);
  PosixFileSystem disk;
  const Result<std::uint64_t> id = find_store_id(disk, store.path());
  REQUIRE(id.ok());
  NoPacks files(disk);
  CHECK(find_store_id(files, store.path()).value() == *id);
  CHECK(expect_own_catalog(files, store.path(), *id).ok());
}

TEST_CASE("a catalog of another store is taken for none, and its own is made anew",
          "[file][tools][repair]") {
  const KilledStore store(kSmallSegment);
  const KilledStore other(kSmallSegment);
  const bool killed = GENERATE(true, false);
  const std::string path = killed ? store.path() : store.closed_path();
  fs::copy_file(other.catalog(), path + "/catalog/data.mdb", fs::copy_options::overwrite_existing);
  const std::map<std::string, std::string> before = tree(path);
  const Result<std::unique_ptr<FileStore>> opened =
      FileStore::open({.directory = path, .catalog_bytes_max = std::uint64_t{64} << 20});
  REQUIRE(!opened.ok());
  CHECK(opened.error().code == ErrorCode::kCorruption);
  CHECK(opened.error().message.find("another store") != std::string::npos);
  CHECK(tree(path) == before);

  const Outcome outcome = fsck(path, true);
  INFO(outcome.text);
  CHECK(outcome.check.damages == 0);
  CHECK(fs::exists(path + "/catalog/data.mdb.damaged"));
  const KilledStore::Seen seen = store.open_and_read(path);
  CHECK(seen.old == "old");
  CHECK(seen.both == (killed ? "123" : "12"));
}

}  // namespace durable_streams

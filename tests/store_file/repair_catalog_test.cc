// A repair makes a catalog anew where other files tell of all that is in it, and nowhere else.
#include <durable_streams/file_store.h>
#include <durable_streams/file_store_tools.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include "tests/store_file/filled_store.h"
#include "tests/store_file/killed_store.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

namespace durable_streams {

namespace {

namespace fs = std::filesystem;

// A store that was repaired while a pack was away that has come back since.
void bring_back_after_repair(const KilledStore& store, int pack) {
  const std::string away = store.path() + "/away";
  fs::rename(store.pack(pack), away);
  fs::remove(store.catalog());
  fsck(store.path(), true);
  CHECK(store.open_and_read().old == (pack == 1 ? "none" : "old"));
  fs::rename(away, store.pack(pack));
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
  CHECK(seen.added == "a_b_c");
}

TEST_CASE("a repair does not make a catalog anew for damage that is not the catalog's",
          "[file][tools][repair]") {
  const KilledStore store;
  const std::streamoff at = GENERATE(41, -70, -40);  // a block, the index, the footer
  const auto size = static_cast<std::streamoff>(fs::file_size(store.pack(1)));
  spoil(store.pack(1), at < 0 ? size + at : at);
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
  check_repaired_whole(store);
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

TEST_CASE("a pack that comes back after a repair had to do without it is taken in by the next one",
          "[file][tools][repair]") {
  const KilledStore store;
  bring_back_after_repair(store, 1);
  const Outcome found = fsck(store.path(), false);
  CHECK(found.check.damages > 0);
  CHECK(found.text.find("0000000000000001.pack is not referred to, and nothing shows") !=
        std::string::npos);
  check_repaired_whole(store);
}

TEST_CASE("a start puts a pack aside that came back after a repair, and loses nothing of it",
          "[file][tools][repair]") {
  const KilledStore store;
  const std::string before = contents(store.pack(1));
  bring_back_after_repair(store, 1);
  {
    FilledStore opened({.directory = store.path()});
    REQUIRE_FALSE(opened.store().file_stats().damage.empty());
    CHECK(opened.store().file_stats().damage[0].find("nothing shows") != std::string::npos);
  }
  CHECK_FALSE(fs::exists(store.pack(1)));
  const std::string aside = store.pack(1) + ".damaged";
  REQUIRE(fs::exists(aside));
  CHECK(contents(aside) == before);
  fs::rename(aside, store.pack(1));
  check_repaired_whole(store);
}

TEST_CASE(
    "a pack that comes back after its streams went on without it is not mixed with what they hold",
    "[file][tools][repair]") {
  const KilledStore store;
  const int pack = GENERATE(1, 2);
  const std::string away = store.path() + "/away";
  fs::rename(store.pack(pack), away);
  fs::remove(store.catalog());
  fs::remove_all(store.path() + "/journal");
  fsck(store.path(), true);
  {
    FilledStore opened({.directory = store.path()});
    if (pack == 1) {
      StreamRecord again = opened.create("old");
      opened.append(again, "anew");
    } else {
      StreamRecord both = opened.load("both").value();
      opened.append(both, "X");
    }
  }
  fs::rename(away, store.pack(pack));
  for (int times = 0; times < 2; ++times) {
    const Outcome outcome = repaired(store);
    CAPTURE(outcome.text);
    CHECK(outcome.check.damages > 0);
    CHECK(outcome.text.find("different pasts") != std::string::npos);
    CHECK(outcome.text.find("move that one away") != std::string::npos);
  }
  const KilledStore::Seen seen = store.open_and_read();
  CHECK(seen.old == (pack == 1 ? "anew" : "old"));
  if (pack == 2) CHECK(seen.both == "1X");
  CHECK(fs::exists(store.pack(pack) + ".damaged"));
}

TEST_CASE("a pack that has replaced those of an older catalog is not taken for unfinished work",
          "[file][tools][repair]") {
  constexpr int kPacksMerged = 8;
  const TemporaryDirectory directory;
  FileStoreOptions options{.directory = directory.path() + "/data"};
  const std::string catalog = options.directory + "/catalog/data.mdb";
  const std::string older = directory.path() + "/older.mdb";
  StreamRecord record;
  for (int life = 0; life < kPacksMerged; ++life) {
    FilledStore store(options);
    if (life == 0) record = store.create("s");
    store.append(record, "x");
  }
  fs::copy_file(catalog, older);
  options.settle_interval = std::chrono::milliseconds(1);
  {
    FilledStore store(options);
    while (store.store().file_stats().merges == 0) std::this_thread::yield();
  }
  fs::copy_file(older, catalog, fs::copy_options::overwrite_existing);
  const Result<std::unique_ptr<FileStore>> opened =
      FileStore::open({.directory = options.directory, .catalog_bytes_max = 64 << 20});
  REQUIRE(!opened.ok());
  CHECK(opened.error().message.find("an older catalog") != std::string::npos);
  CHECK(fsck(options.directory, true).check.damages == 0);
  FilledStore store(options);
  CHECK(store.read(record.id, kPacksMerged).value() == "xxxxxxxx");
}

TEST_CASE("packs of a catalog that was made anew take no id that a lost one may have had",
          "[file][tools][repair]") {
  const KilledStore store;
  fs::remove(store.pack(2));
  fs::remove(store.catalog());
  fsck(store.path(), true);
  {
    FilledStore opened({.directory = store.path()});
    StreamRecord record = opened.create("later");
    opened.append(record, "later");
  }
  CHECK_FALSE(fs::exists(store.pack(2)));
  CHECK(fs::exists(store.path() + "/packs/0000000001000002.pack"));
}

}  // namespace durable_streams

// What fsck finds in data directories that were damaged on purpose, and what it can repair.
#include <durable_streams/file_store.h>
#include <durable_streams/file_store_tools.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "store/file/lmdb_catalog.h"
#include "tests/support/catch.h"
#include "tests/support/killed_copy.h"
#include "tests/support/temporary_directory.h"

namespace durable_streams {

namespace {

namespace fs = std::filesystem;

// A store that was filled and closed. Its streams: `s/0` to `s/9` with some bytes each, two closed
// lives long.
class ClosedStore {
 public:
  ClosedStore() {
    for (int life = 0; life < 2; ++life) {
      Waiting waiting;
      const std::unique_ptr<FileStore> store = open();
      store->set_listener(&waiting);
      for (StreamRecord& record : records_) {
        const std::string bytes(70'000, static_cast<char>('a' + life));
        if (life == 0) {
          record.id = store->next_stream_id();
          record.tail.position = bytes.size();
          CHECK(store->submit(CreateChange{.record = record, .bytes = bytes}, 1).ok());
        } else {
          record.tail.position += bytes.size();
          CHECK(store
                    ->submit(AppendChange{.id = record.id,
                                          .version = record.version++,
                                          .bytes = bytes,
                                          .tail = record.tail,
                                          .producer_id = "p",
                                          .producer = {.epoch = 1, .last_seq = 7},
                                          .producer_is_new = life == 1},
                             1)
                    .ok());
        }
      }
      store->flush();
    }
  }

  std::string path() const { return directory_.path() + "/data"; }
  fs::path catalog() const { return path() + "/catalog/data.mdb"; }

  std::unique_ptr<FileStore> open() const {
    Result<std::unique_ptr<FileStore>> store =
        FileStore::open({.directory = path(), .catalog_bytes_max = std::uint64_t{64} << 20});
    REQUIRE(store.ok());
    return std::move(store).value();
  }

  fs::path first_pack() const {
    std::vector<fs::path> packs;
    for (const auto& entry : fs::directory_iterator(path() + "/packs"))
      packs.push_back(entry.path());
    REQUIRE_FALSE(packs.empty());
    return *std::min_element(packs.begin(), packs.end());
  }

  const std::vector<StreamRecord>& kept() const { return records_; }

  // Every stream is whole.
  void check_streams() const {
    const std::unique_ptr<FileStore> store = open();
    for (const StreamRecord& expected : records_) {
      const auto found = wait_for<std::optional<StreamRecord>>(
          [&](auto done) { store->load(expected.path, std::move(done)); });
      REQUIRE(found);
      CHECK(found->id == expected.id);
      CHECK(found->version == expected.version);
      CHECK(found->tail == expected.tail);
      CHECK(found->producers == 1);
      const auto producer = wait_for<std::optional<ProducerState>>(
          [&](auto done) { store->load_producer(found->id, "p", std::move(done)); });
      CHECK(producer == ProducerState{.epoch = 1, .last_seq = 7});
    }
  }

 private:
  // What a call answers from another thread.
  template <class T, class Start>
  static T wait_for(Start start) {
    std::promise<Result<T>> answer;
    start([&answer](Result<T> result) { answer.set_value(std::move(result)); });
    return answer.get_future().get().value();
  }

  struct Waiting final : CommitListener {
    void on_commits(std::span<CommitOutcome> outcomes) override {
      for (const CommitOutcome& outcome : outcomes) CHECK(outcome.status.ok());
    }
  };

  static std::vector<StreamRecord> records() {
    std::vector<StreamRecord> records(10);
    for (std::size_t i = 0; i < records.size(); ++i) {
      records[i].path = "s/" + std::to_string(i);
      records[i].content_type = "text/plain";
      records[i].version = 1;
    }
    return records;
  }

  TemporaryDirectory directory_;
  std::vector<StreamRecord> records_ = records();
};

struct Outcome {
  Result<FileStoreCheck> check;
  std::string text;
};

Outcome fsck(const ClosedStore& store, bool repair = false) {
  std::string text;
  Result<FileStoreCheck> check =
      check_file_store({.directory = store.path(), .repair = repair},
                       [&text](const FileStoreFinding& finding) { text += finding.text + "\n"; });
  return {.check = std::move(check), .text = std::move(text)};
}

void flip_byte(const fs::path& path, std::streamoff at) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(at);
  const char byte = static_cast<char>(file.get());
  file.seekp(at);
  file.put(static_cast<char>(byte ^ 1));
}

}  // namespace

TEST_CASE("a store that was closed in order is clean, and its numbers are told", "[file][tools]") {
  const ClosedStore store;
  const Outcome outcome = fsck(store);
  INFO(outcome.text);
  REQUIRE(outcome.check.ok());
  CHECK(outcome.check->damages == 0);
  CHECK(outcome.check->streams == 10);
  CHECK(outcome.check->stored_bytes == 1'400'000);
  CHECK(outcome.check->packs == 2);
  const Result<FileStoreSummary> summary = summarize_file_store(store.path());
  REQUIRE(summary.ok());
  CHECK(summary->clean);
  CHECK(summary->streams == 10);
  CHECK(summary->stored_bytes == 1'400'000);
  CHECK(summary->pack_live_bytes == 1'400'000);
  CHECK(summary->journal_changes == 0);
}

TEST_CASE("a directory in use is refused, and one without a store is not made one",
          "[file][tools]") {
  const ClosedStore store;
  const std::unique_ptr<FileStore> open = store.open();
  CHECK(fsck(store).check.error().code == ErrorCode::kUnavailable);
  CHECK(summarize_file_store(store.path()).error().code == ErrorCode::kUnavailable);
  const TemporaryDirectory empty;
  CHECK(summarize_file_store(empty.path()).error().code == ErrorCode::kNotFound);
  CHECK(fs::is_empty(empty.path()));
}

TEST_CASE("a damaged block is named with its stream, and no repair is claimed", "[file][tools]") {
  const ClosedStore store;
  flip_byte(store.first_pack(), 5'000);
  for (const bool repair : {false, true}) {
    const Outcome outcome = fsck(store, repair);
    INFO(outcome.text);
    REQUIRE(outcome.check.ok());
    CHECK(outcome.check->damages > 0);
    CHECK(outcome.text.find("('s/") != std::string::npos);
  }
}

TEST_CASE("of a lost or damaged pack clients hear no file's name, and the operator does",
          "[file][tools]") {
  const ClosedStore closed;
  const bool lost = GENERATE(false, true);
  if (lost) {
    fs::remove(closed.first_pack());
  } else {
    flip_byte(closed.first_pack(), 5'000);
  }
  const std::unique_ptr<FileStore> store = closed.open();
  std::vector<Error> errors;
  for (const StreamRecord& record : closed.kept()) {
    std::promise<Result<StoredBytes>> read;
    store->read({.id = record.id, .from = 0, .to = 70'000, .bytes_max = 70'000},
                [&](Result<StoredBytes> bytes) { read.set_value(std::move(bytes)); });
    const Result<StoredBytes> bytes = read.get_future().get();
    if (!bytes.ok()) errors.push_back(bytes.error());
  }
  REQUIRE(errors.size() == (lost ? closed.kept().size() : 1));
  for (const Error& error : errors) {
    CHECK(error.code == ErrorCode::kCorruption);
    CHECK(error.message == "what is stored here is damaged");
  }
  const std::vector<std::string> damage = store->file_stats().damage;
  REQUIRE_FALSE(damage.empty());
  CHECK(damage.front().find("pack") != std::string::npos);
}

TEST_CASE("a missing pack is found, and whose bytes went with it", "[file][tools]") {
  const ClosedStore store;
  fs::remove(store.first_pack());
  const Outcome outcome = fsck(store);
  INFO(outcome.text);
  REQUIRE(outcome.check.ok());
  CHECK(outcome.check->damages == 11);
  CHECK(outcome.text.find("is missing") != std::string::npos);
}

TEST_CASE("a directory whose parts cannot be looked into is not taken for empty", "[file][tools]") {
  const TemporaryDirectory directory;
  for (const std::string part : {"/journal", "/packs"})
    std::ofstream(directory.path() + part) << "x";
  const Result<FileStoreCheck> check =
      check_file_store({.directory = directory.path()}, [](const FileStoreFinding&) {});
  REQUIRE(!check.ok());
  CHECK(check.error().code != ErrorCode::kNotFound);
  CHECK(check.error().message.find("/journal") != std::string::npos);
}

TEST_CASE("a lost catalog is found, and made anew with all that it knew", "[file][tools]") {
  const ClosedStore store;
  fs::remove(store.catalog());
  CHECK(fsck(store).check->damages == 1);
  const Outcome outcome = fsck(store, true);
  INFO(outcome.text);
  REQUIRE(outcome.check.ok());
  CHECK(outcome.check->damages == 0);
  CHECK(outcome.check->streams == 10);
  store.check_streams();
  CHECK(fsck(store).check->damages == 0);
}

TEST_CASE("a store without its catalog is not opened as a new one, and keeps its packs",
          "[file][tools]") {
  const ClosedStore store;
  const bool emptied = GENERATE(false, true);
  fs::remove(store.catalog());
  if (emptied) {  // as one that was begun, and never used
    REQUIRE(open_lmdb_catalog({.directory = store.catalog().parent_path().string(),
                               .map_bytes = std::size_t{64} << 20})
                .ok());
  }
  for (int tries = 0; tries < 2; ++tries) {
    const Result<std::unique_ptr<FileStore>> opened =
        FileStore::open({.directory = store.path(), .catalog_bytes_max = std::uint64_t{64} << 20});
    REQUIRE(!opened.ok());
    CHECK(opened.error().message.find("the catalog is lost") != std::string::npos);
  }
  CHECK(fs::exists(store.catalog()) == emptied);
  CHECK(fsck(store, true).check->damages == 0);
  store.check_streams();
}

TEST_CASE("a store that was killed and lost its catalog is not opened as a new one",
          "[file][tools]") {
  const TemporaryDirectory directory;
  const std::string killed = directory.path() + "/killed";
  {
    Result<std::unique_ptr<FileStore>> store = FileStore::open(
        {.directory = directory.path() + "/data", .catalog_bytes_max = std::uint64_t{64} << 20});
    REQUIRE(store.ok());
    StreamRecord record;
    record.id = (*store)->next_stream_id();
    record.path = "only in the journal";
    REQUIRE((*store)->submit(CreateChange{.record = record, .bytes = {}}, 1).ok());
    (*store)->flush();
    while ((*store)->file_stats().committed_changes == 0) std::this_thread::yield();
    copy_as_if_killed(directory.path() + "/data", killed);
  }
  fs::remove(killed + "/catalog/data.mdb");
  const FileStoreOptions options{.directory = killed, .catalog_bytes_max = std::uint64_t{64} << 20};
  const Result<std::unique_ptr<FileStore>> refused = FileStore::open(options);
  REQUIRE(!refused.ok());
  CHECK(refused.error().message.find("the catalog is lost") != std::string::npos);
  CHECK(
      check_file_store({.directory = killed, .repair = true}, [](const FileStoreFinding&) {}).ok());
  Result<std::unique_ptr<FileStore>> opened = FileStore::open(options);
  REQUIRE(opened.ok());
  CHECK((*opened)->stats().streams == 1);
}

TEST_CASE("a store whose catalog was made anew goes on with a read sequence never given before",
          "[file][tools][read-sequence]") {
  const ClosedStore store;
  CHECK(store.open()->read_sequence() == 0);
  std::uint64_t last = 0;
  for (int i = 0; i < 2; ++i) {
    fs::remove(store.catalog());
    const ManualClock clock(WallTime(std::chrono::seconds(1'700'000'000 + i)));
    Function<void(const FileStoreFinding&)> tell = [](const FileStoreFinding&) {};
    CHECK(check_file_store({.directory = store.path(), .repair = true, .clock = &clock},
                           std::move(tell))
              ->damages == 0);
    const std::uint64_t now = store.open()->read_sequence();
    CHECK(now > last);
    CHECK(now >= 1'700'000'000);
    last = now;
  }
  store.check_streams();
}

TEST_CASE("a damaged catalog is made anew, and kept aside", "[file][tools]") {
  const ClosedStore store;
  fs::resize_file(store.catalog(), 4'096);
  const Outcome outcome = fsck(store, true);
  INFO(outcome.text);
  REQUIRE(outcome.check.ok());
  CHECK(outcome.check->damages == 0);
  CHECK(fs::exists(store.path() + "/catalog/data.mdb.damaged"));
  store.check_streams();
}

TEST_CASE(
    "a pack that nothing refers to and nobody can read is put aside by a repair, and by a start",
    "[file][tools]") {
  const ClosedStore store;
  const fs::path stray = store.path() + "/packs/0000000000009999.pack";
  std::ofstream(stray) << "x";
  Outcome outcome = fsck(store);
  CHECK(outcome.check->damages == 0);
  CHECK(outcome.text.find("0000000000009999.pack cannot be read") != std::string::npos);
  CHECK(fs::exists(stray));
  CHECK(fsck(store, true).check->damages == 0);
  CHECK_FALSE(fs::exists(stray));
  CHECK(fs::exists(stray.string() + ".damaged"));
  std::ofstream(stray) << "y";
  store.check_streams();
  CHECK_FALSE(fs::exists(stray));
  CHECK(fs::exists(stray.string() + ".damaged.2"));
}

TEST_CASE("a check tells of files that were put aside earlier, and finds nothing wrong with them",
          "[file][tools]") {
  const ClosedStore store;
  CHECK(fsck(store).text.find("put aside") == std::string::npos);
  std::ofstream(store.path() + "/journal/0000000000000001.journal.damaged") << "x";
  for (int i = 2; i < 8; ++i)
    std::ofstream(store.path() + "/packs/0000000000009999.pack.damaged." + std::to_string(i))
        << "x";
  const Outcome outcome = fsck(store);
  INFO(outcome.text);
  CHECK(outcome.check->damages == 0);
  CHECK(outcome.text.find("journal: a file put aside earlier, which nothing reads: "
                          "0000000000000001.journal.damaged\n") != std::string::npos);
  CHECK(outcome.text.find("packs: 6 files put aside earlier, which nothing reads: "
                          "0000000000009999.pack.damaged.2, ") != std::string::npos);
  CHECK(outcome.text.find(".damaged.6 and 1 more\n") != std::string::npos);
  fs::remove(store.catalog());
  const Outcome repaired = fsck(store, true);
  INFO(repaired.text);
  REQUIRE(repaired.check.ok());
  const std::size_t told = repaired.text.find("journal: a file put aside earlier");
  CHECK(told < repaired.text.find("the catalog is lost"));
  CHECK(repaired.text.find("journal: a file put aside earlier", told + 1) == std::string::npos);
}

TEST_CASE("unfinished packs are removed, and files of others are left alone", "[file][tools]") {
  const ClosedStore store;
  const std::string packs = store.path() + "/packs/";
  const std::vector<std::string> others = {"notes.txt", "0000000000000001.pack.bak", "a.tmp"};
  for (const std::string& name : others) std::ofstream(packs + name) << "x";
  const std::string unfinished = packs + "0000000000009999.pack.tmp";
  std::ofstream(unfinished) << "x";
  CHECK(fsck(store).text.find("is not referred to") != std::string::npos);
  CHECK(fsck(store, true).check->damages == 0);
  CHECK_FALSE(fs::exists(unfinished));
  std::ofstream(unfinished) << "x";
  store.check_streams();
  CHECK_FALSE(fs::exists(unfinished));
  for (const std::string& name : others) CHECK(fs::exists(packs + name));
}

}  // namespace durable_streams

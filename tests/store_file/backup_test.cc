// Backups that are made while the store serves: what they hold, and what is left of those that
// fail.
#include <durable_streams/file_store.h>
#include <durable_streams/file_store_tools.h>
#include <sys/stat.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <thread>

#include "store/file/backup.h"
#include "store/file/posix_file_system.h"
#include "tests/store_file/filled_store.h"
#include "tests/support/catch.h"
#include "tests/support/files_over.h"
#include "tests/support/temporary_directory.h"

namespace durable_streams {

namespace {

namespace fs = std::filesystem;

// A disk with room for directories only, and without links.
class FullDisk final : public FilesOver {
 public:
  using FilesOver::FilesOver;

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    if (mode == OpenMode::kCreate)
      return Error{.code = ErrorCode::kNoSpace, .message = "no room for " + path, .detail = {}};
    return FilesOver::open(path, mode);
  }
  Status link(const std::string& from, const std::string& to) override {
    return FileSystem::link(from, to);
  }
};

std::uint64_t damages(const std::string& directory) {
  std::string text;
  const Result<FileStoreCheck> check =
      check_file_store({.directory = directory},
                       [&](const FileStoreFinding& finding) { text += finding.text + "\n"; });
  INFO(text);
  REQUIRE(check.ok());
  return check->damages;
}

void check_private(const fs::path& directory) {
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    INFO(entry.path());
    CHECK((entry.status().permissions() & fs::perms(0077)) == fs::perms::none);
  }
}

TEST_CASE("A backup holds what was acknowledged, and opens as a store of its own", "[backup]") {
  const TemporaryDirectory directory;
  const std::string to = directory.path() + "/copy";
  FilledStore original({.directory = directory.path() + "/data"});
  StreamRecord record = original.create("s");
  original.append(record, std::string(100'000, 'a'));
  REQUIRE(original.backup(to).ok());
  CHECK(original.store().file_stats().backups == 1);
  original.append(record, "later");
  const StreamId next = original.store().next_stream_id();

  CHECK_FALSE(fs::exists(to + ".partial"));
  check_private(to);
  CHECK(damages(to) == 0);
  FilledStore copy({.directory = to});
  const std::optional<StreamRecord> found = copy.load("s");
  REQUIRE(found);
  CHECK(found->id == record.id);
  CHECK(found->tail.position == 100'000);
  CHECK(copy.read(record.id, 100'000).value() == std::string(100'000, 'a'));
  // Both go on, and neither's readers can take what is new for the other's.
  StreamRecord own = *found;
  copy.append(own, "own");
  CHECK(copy.store().next_stream_id() > next + (StreamId{1} << 32));
  CHECK(copy.store().read_sequence() > original.store().read_sequence());
  CHECK(original.read(record.id, 100'005).value() == std::string(100'000, 'a') + "later");
}

TEST_CASE("A backup holds a prefix of what goes on to be committed meanwhile", "[backup]") {
  constexpr std::size_t kStreams = 4;
  const TemporaryDirectory directory;
  FilledStore original(
      {.directory = directory.path() + "/data", .settle_interval = std::chrono::milliseconds(5)});
  std::array<StreamRecord, kStreams> records;
  for (std::size_t i = 0; i < kStreams; ++i) records[i] = original.create(std::to_string(i));
  original.wait();

  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> appended{0};
  std::thread writer([&] {
    for (std::uint64_t i = 0; !stop.load(); ++i) {
      original.submit_append(records[i % kStreams], std::string(100, 'x'));
      if (i % 64 == 63) original.wait();
      appended.store(i + 1);
    }
    original.wait();
  });
  for (int round = 0; round < 5; ++round) {
    const std::string to = directory.path() + "/copy" + std::to_string(round);
    const std::uint64_t goal = appended.load() + 500;
    while (appended.load() < goal) std::this_thread::yield();
    const std::uint64_t before = original.acknowledged() - kStreams;
    const Status made = original.backup(to);
    CHECK(made.ok());
    if (!made) break;
    CHECK(damages(to) == 0);
    FilledStore copy({.directory = to});
    std::uint64_t total = 0;
    std::array<std::uint64_t, kStreams> each{};
    for (std::size_t i = 0; i < kStreams; ++i) {
      const std::uint64_t bytes = copy.load(std::to_string(i)).value().tail.position;
      CHECK(bytes % 100 == 0);
      each[i] = bytes / 100;
      total += each[i];
    }
    CHECK(total >= before);
    for (std::size_t i = 0; i < kStreams; ++i)
      CHECK(each[i] == (total + kStreams - 1 - i) / kStreams);
  }
  const std::uint64_t now = appended.load();
  while (appended.load() < now + 100) std::this_thread::yield();  // appends still go on
  stop.store(true);
  writer.join();
}

TEST_CASE("A backup over something else is refused, and leaves it as it is", "[backup]") {
  const TemporaryDirectory directory;
  FilledStore original({.directory = directory.path() + "/data"});
  const std::string to = directory.path() + "/copy";
  fs::create_directory(to);
  std::ofstream(to + "/mine") << "mine";
  const Status refused = original.backup(to);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::kConflict);
  CHECK(refused.error().message.find("exists and is not empty") != std::string::npos);
  CHECK(fs::exists(to + "/mine"));
  CHECK_FALSE(fs::exists(to + ".partial"));
  fs::remove(to + "/mine");
  CHECK(original.backup(to + "/").ok());
  CHECK(damages(to) == 0);
}

TEST_CASE("A backup that was cut short is no store, and makes way for the next", "[backup]") {
  const TemporaryDirectory directory;
  const std::string to = directory.path() + "/copy";
  FilledStore original({.directory = directory.path() + "/data"});
  StreamRecord record = original.create("s");
  original.append(record, "abc");
  fs::create_directories(to + ".partial/packs");
  fs::create_directories(to + ".partial/catalog");
  std::ofstream(to + ".partial/packs/0000000000000001.pack") << "half of it";
  std::ofstream(to + ".partial/catalog/data.mdb") << "half of it";
  REQUIRE(original.backup(to).ok());
  CHECK_FALSE(fs::exists(to + ".partial"));
  CHECK(damages(to) == 0);
}

TEST_CASE("A backup that fails leaves nothing, and one at a time goes to a directory", "[backup]") {
  const TemporaryDirectory directory;
  PosixFileSystem files;
  fs::create_directory(directory.path() + "/packs");
  std::ofstream(directory.path() + "/packs/0000000000000001.pack") << "bytes";
  const std::string to = directory.path() + "/copy";
  {
    Result<std::unique_ptr<Backup>> backup = Backup::begin(files, to);
    REQUIRE(backup.ok());
    CHECK(Backup::begin(files, to).error().code == ErrorCode::kUnavailable);
    CHECK(fs::exists(to + ".partial/packs"));
    const Status copied = (*backup)->copy_packs(directory.path() + "/packs", {{.id = 1}, {.id = 2}},
                                                [] { return Status(); });
    REQUIRE_FALSE(copied.ok());
    CHECK(copied.error().code == ErrorCode::kNotFound);
  }
  CHECK_FALSE(fs::exists(to));
  CHECK_FALSE(fs::exists(to + ".partial"));
}

TEST_CASE("A backup to a full disk says so, and leaves nothing", "[backup]") {
  const TemporaryDirectory directory;
  PosixFileSystem disk;
  FullDisk files(disk);
  fs::create_directory(directory.path() + "/packs");
  std::ofstream(directory.path() + "/packs/0000000000000001.pack") << "bytes";
  const std::string to = directory.path() + "/copy";
  {
    Result<std::unique_ptr<Backup>> backup = Backup::begin(files, to);
    REQUIRE(backup.ok());
    const Status copied =
        (*backup)->copy_packs(directory.path() + "/packs", {{.id = 1}}, [] { return Status(); });
    REQUIRE_FALSE(copied.ok());
    CHECK(copied.error().code == ErrorCode::kNoSpace);
  }
  CHECK_FALSE(fs::exists(to));
  CHECK_FALSE(fs::exists(to + ".partial"));
}

TEST_CASE("A backup to another disk copies the packs", "[backup]") {
  const TemporaryDirectory directory;
  std::string elsewhere = "/dev/shm/durable-streams-XXXXXX";
  struct stat here {};
  struct stat there {};
  const bool two_disks = ::stat(directory.path().c_str(), &here) == 0 &&
                         ::stat("/dev/shm", &there) == 0 && here.st_dev != there.st_dev &&
                         ::mkdtemp(elsewhere.data()) != nullptr;
  if (!two_disks) return;
  FilledStore original({.directory = directory.path() + "/data"});
  StreamRecord record = original.create("s");
  original.append(record, std::string(3'000'000, 'a'));
  REQUIRE(original.backup(elsewhere + "/copy").ok());
  CHECK(damages(elsewhere + "/copy") == 0);
  check_private(elsewhere + "/copy");
  fs::remove_all(elsewhere);
}

}  // namespace

}  // namespace durable_streams

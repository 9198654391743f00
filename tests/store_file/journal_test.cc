// What the journal promises to those who write to it: numbers in order, segments used again, and
// failures that leave nothing behind.
#include "store/file/journal.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "tests/store_file/journal_samples.h"
#include "tests/store_file/memory_files.h"
#include "tests/support/catch.h"
#include "tests/support/files_over.h"
#include "tests/support/seed.h"
#include "tests/support/simulated_disk.h"

namespace durable_streams {
namespace {

using journal_format::kSegmentHeaderBytes;

std::size_t count_files(FileSystem& files, std::string_view ending) {
  const std::vector<std::string> names = files.list("journal").value();
  return static_cast<std::size_t>(std::count_if(
      names.begin(), names.end(), [&](const std::string& name) { return name.ends_with(ending); }));
}

void copy_journal(MemoryFiles& from, MemoryFiles& to) {
  const std::vector<std::string> names = from.list("journal").value();
  for (const std::string& name : names) to.put("journal/" + name, from.bytes("journal/" + name));
}

// Fails those calls to a disk that it is told to.
class FailingFiles final : public FilesOver {
 public:
  using FilesOver::FilesOver;

  // The next write of data fails so after it has written all, or nothing.
  std::optional<ErrorCode> next_write;
  bool writes_all = true;
  bool sync_fails = false;
  ErrorCode sync_error = ErrorCode::kIo;

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    Result<std::unique_ptr<File>> file = FilesOver::open(path, mode);
    if (!file) return file;
    return std::unique_ptr<File>(new FailingFile(*this, std::move(*file)));
  }

 private:
  class FailingFile final : public FileOver {
   public:
    FailingFile(FailingFiles& files, std::unique_ptr<File> under)
        : FileOver(std::move(under)), files_(files) {}

    Status write(std::uint64_t offset, std::span<const std::string_view> parts) override {
      if (!files_.next_write || parts.size() < 2) return FileOver::write(offset, parts);
      const Error error{.code = *std::exchange(files_.next_write, std::nullopt),
                        .message = "no write",
                        .detail = {}};
      if (files_.writes_all) FileOver::write(offset, parts).value();
      return error;
    }
    Status sync() override {
      if (!files_.sync_fails) return FileOver::sync();
      return Error{.code = files_.sync_error, .message = "no sync", .detail = {}};
    }

   private:
    FailingFiles& files_;
  };
};

TEST_CASE("what was written comes back in order, with the number of each record",
          "[store_file][journal]") {
  MemoryFiles files;
  {
    OpenedJournal journal(files);
    REQUIRE(journal.status.ok());
    CHECK(journal->last() == 0);
    journal.append({"one", "two"}).value();
    journal.append({"three"}).value();
    CHECK(journal->last() == 3);
    CHECK(journal->bytes() > 0);
  }
  OpenedJournal journal(files);
  REQUIRE(journal.status.ok());
  CHECK(journal.lsns == std::vector<Lsn>{1, 2, 3});
  CHECK(journal.records == records_of({"one", "two", "three"}));
  CHECK(journal.recovered.last == 3);
  CHECK(journal.recovered.records == 3);
  CHECK(journal.recovered.torn_bytes == 0);
  CHECK(journal.recovered.torn_where.empty());
  journal.append({"four"}).value();
  CHECK(OpenedJournal(files).records == records_of({"one", "two", "three", "four"}));
}

TEST_CASE("every kind of change comes back from the journal", "[store_file][journal]") {
  const std::uint64_t seed = random_seed();
  INFO("DURABLE_STREAMS_SEED=" << seed);
  Random random(seed);
  MemoryFiles files;
  std::vector<std::string> expected;
  {
    OpenedJournal journal(files);
    for (int batches = 0; batches < 100; ++batches) {
      JournalBatch batch;
      for (std::uint64_t left = 1 + random.below(9); left > 0; --left) {
        const SampleChange sample(random);
        batch.add(sample.change);
        expected.push_back(encoded(sample.change));
      }
      journal->write(batch, journal->last()).value();
      journal->sync().value();
    }
  }
  CHECK(count_files(files, ".log") > 3);
  const OpenedJournal journal(files);
  CHECK(journal.in_order);
  CHECK(journal.records == expected);
}

TEST_CASE("settled records are not visited, and without a journal the next follows them",
          "[store_file][journal]") {
  MemoryFiles files;
  CHECK(OpenedJournal(files, 77).recovered.last == 77);
  {
    OpenedJournal journal(files);
    journal.append({"one", "two"}).value();
    journal->seal();
    journal.append({"three", "four"}).value();
  }
  OpenedJournal journal(files, 2);
  CHECK(journal.lsns == std::vector<Lsn>{3, 4});
  CHECK(journal.records == records_of({"three", "four"}));
  CHECK_FALSE(files.contains(segment_path(1)));
  OpenedJournal all_settled(files, 4);
  CHECK(all_settled.lsns.empty());
  CHECK(all_settled.recovered.last == 4);
  CHECK(count_files(files, ".log") == 0);
}

TEST_CASE("a batch that does not fit the rest of a segment opens the next one",
          "[store_file][journal]") {
  MemoryFiles files;
  OpenedJournal journal(files);
  const std::string body(5000, 'b');
  for (int i = 0; i < 4; ++i) journal.append({body}).value();
  CHECK(count_files(files, ".log") == 2);
  CHECK(files.bytes(segment_path(1)).size() <= 16 << 10);
  CHECK(OpenedJournal(files).lsns.size() == 4);
}

TEST_CASE("a batch longer than a segment makes its own one longer", "[store_file][journal]") {
  MemoryFiles files;
  const std::string body(100'000, 'b');
  {
    OpenedJournal journal(files);
    journal.append({"short"}).value();
    journal.append({body}).value();
    journal.append({"short"}).value();
  }
  CHECK(count_files(files, ".log") == 3);
  CHECK(files.bytes(segment_path(2)).size() > body.size());
  OpenedJournal journal(files);
  CHECK(journal.records == records_of({"short", body, "short"}));
  journal->release(3).value();
  CHECK(count_files(files, ".log") == 0);
}

TEST_CASE("a body that is shared is written without being copied", "[store_file][journal]") {
  MemoryFiles files;
  const Slice body = Slice::copy_of(std::string(70'000, 's'));
  {
    OpenedJournal journal(files);
    JournalBatch batch;
    batch.add(append_of("before"));
    AppendChange append = append_of(body.view());
    append.owned = body;
    batch.add(append);
    batch.add(append_of("after"));
    journal->write(batch, 0).value();
    journal->sync().value();
  }
  CHECK(OpenedJournal(files).records == records_of({"before", std::string(body.view()), "after"}));
}

TEST_CASE("segments with nothing later than what is settled become spares, and are used again",
          "[store_file][journal]") {
  MemoryFiles files;
  const std::string body(3000, 'b');
  OpenedJournal journal(files);
  for (int i = 0; i < 12; ++i) journal.append({body}).value();
  const std::size_t segments = count_files(files, ".log");
  REQUIRE(segments == 3);
  journal->release(11).value();
  CHECK(count_files(files, ".log") == 1);
  CHECK(count_files(files, ".spare") == 2);
  // Not sealed: more may come to it.
  journal->release(12).value();
  CHECK(count_files(files, ".log") == 1);
  CHECK(journal->bytes() > 0);
  journal->seal();
  journal->release(12).value();
  CHECK(count_files(files, ".log") == 0);
  CHECK(count_files(files, ".spare") == 3);
  CHECK(journal->bytes() == 0);
  journal.append({"again"}).value();
  CHECK(count_files(files, ".spare") == 2);
  const OpenedJournal opened(files, 12);
  CHECK(opened.lsns == std::vector<Lsn>{13});
  CHECK(opened.records == records_of({"again"}));
}

TEST_CASE("what a recycled segment held before is never taken for a batch of its own",
          "[store_file][journal]") {
  // Batches of one size, so that the old ones stand exactly where new ones would.
  MemoryFiles files;
  OpenedJournal journal(files);
  for (int i = 0; i < 4; ++i) journal.append({"old one"}).value();
  for (Lsn settled = 4; settled < 40; settled += 2) {
    journal->seal();
    journal->release(settled).value();
    journal.append({"new one"}).value();
    journal.append({"new two"}).value();
    MemoryFiles copy;
    copy_journal(files, copy);
    const OpenedJournal opened(copy, settled);
    REQUIRE(opened.status.ok());
    CHECK(opened.records == records_of({"new one", "new two"}));
    CHECK(opened.recovered.torn_bytes == 0);
  }
}

TEST_CASE("no more spares are kept than the limit says", "[store_file][journal]") {
  MemoryFiles files;
  OpenedJournal journal(files, 0,
                        {.segment_bytes = 8 << 10, .spare_segments = 1, .spare_segments_max = 3});
  const std::string body(3000, 'b');
  for (int i = 0; i < 8; ++i) journal.append({body}).value();
  journal->seal();
  journal->release(8).value();
  CHECK(count_files(files, ".spare") == 3);
}

TEST_CASE("spares are made ahead of use, and writes take them", "[store_file][journal]") {
  MemoryFiles files;
  OpenedJournal journal(files);
  CHECK(journal->wants_spares());
  journal->prepare().value();
  CHECK_FALSE(journal->wants_spares());
  CHECK(count_files(files, ".spare") == 2);
  CHECK(count_files(files, ".tmp") == 0);
  journal.append({"one"}).value();
  CHECK(count_files(files, ".spare") == 1);
  CHECK(journal->wants_spares());
  CHECK(OpenedJournal(files).records == records_of({"one"}));
}

TEST_CASE("a seal without records after it opens no segment", "[store_file][journal]") {
  MemoryFiles files;
  OpenedJournal journal(files);
  journal->seal();
  journal.append({"one"}).value();
  journal->seal();
  journal->seal();
  CHECK(count_files(files, ".log") == 1);
  journal.append({"two"}).value();
  CHECK(count_files(files, ".log") == 2);
}

TEST_CASE("a write that lacks room leaves no trace, not even when all of it reached the disk",
          "[store_file][journal]") {
  const bool with_spare = GENERATE(false, true);
  const bool writes_all = GENERATE(false, true);
  const std::size_t size = GENERATE(10, 300'000);
  MemoryFiles disk;
  FailingFiles files(disk);
  OpenedJournal journal(files);
  if (with_spare) journal->prepare().value();
  journal.append({"one"}).value();
  files.next_write = ErrorCode::kNoSpace;
  files.writes_all = writes_all;
  const Status refused = journal.write({"refused", std::string(size, 'r')});
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::kNoSpace);
  CHECK(journal->last() == 1);
  MemoryFiles copy;
  copy_journal(disk, copy);
  CHECK(OpenedJournal(copy).records == records_of({"one"}));
  journal.append({"two"}).value();
  CHECK(journal->last() == 2);
  CHECK(OpenedJournal(disk).records == records_of({"one", "two"}));
}

TEST_CASE("a write that lacked room leaves no trace after a crash either",
          "[store_file][journal]") {
  const std::uint64_t first_seed = random_seed();
  for (std::uint64_t seed = first_seed; seed < first_seed + 30; ++seed) {
    INFO("DURABLE_STREAMS_SEED=" << seed);
    Random random(seed);
    SimulatedDisk disk(seed);
    disk.create_directories("journal").value();
    FailingFiles files(disk);
    OpenedJournal journal(files);
    if (random.one_in(2)) journal->prepare().value();
    journal.append({"one"}).value();
    files.next_write = ErrorCode::kNoSpace;
    REQUIRE_FALSE(journal.write({"refused"}).ok());
    disk.crash(random);
    REQUIRE(OpenedJournal(disk).records == records_of({"one"}));
  }
}

TEST_CASE("a full disk refuses batches until there is room again", "[store_file][journal]") {
  MemoryFiles files;
  OpenedJournal journal(files);
  journal.append({"one"}).value();
  files.room = 20;
  CHECK(journal.write({std::string(100, 'x')}).error().code == ErrorCode::kNoSpace);
  files.room = 100;
  CHECK(journal.write({std::string(200'000, 'x')}).error().code == ErrorCode::kNoSpace);
  files.room = UINT64_MAX;
  journal.append({"two"}).value();
  CHECK(OpenedJournal(files).records == records_of({"one", "two"}));
}

TEST_CASE("after a failed write or sync the journal takes nothing more", "[store_file][journal]") {
  const bool at_sync = GENERATE(false, true);
  MemoryFiles disk;
  FailingFiles files(disk);
  OpenedJournal journal(files);
  journal.append({"one"}).value();
  if (at_sync) {
    files.sync_fails = true;
  } else {
    files.next_write = ErrorCode::kIo;
  }
  CHECK(journal.append({"two"}).error().code == ErrorCode::kIo);
  files.sync_fails = false;
  CHECK(journal.append({"three"}).error().code == ErrorCode::kIo);
  CHECK(journal->sync().error().code == ErrorCode::kIo);
}

TEST_CASE("a refused batch that cannot be wiped out is no want that may pass",
          "[store_file][journal]") {
  MemoryFiles disk;
  FailingFiles files(disk);
  OpenedJournal journal(files);
  journal.append({"one"}).value();
  files.next_write = ErrorCode::kNoSpace;
  files.sync_fails = true;
  files.sync_error = ErrorCode::kNoSpace;
  CHECK(journal.write({"two"}).error().code == ErrorCode::kIo);
  files.sync_fails = false;
  CHECK(journal.write({"three"}).error().code == ErrorCode::kIo);
}

TEST_CASE("spares are made and segments released while others write", "[store_file][journal]") {
  MemoryFiles files;
  OpenedJournal journal(files);
  std::atomic<Lsn> sealed_at{0};
  std::atomic<bool> done{false};
  std::thread settler([&] {
    while (!done) {
      journal->prepare().value();
      journal->release(sealed_at).value();
    }
  });
  const std::string body(1000, 'b');
  for (int i = 0; i < 500; ++i) {
    journal.append({body}).value();
    if (i % 20 != 0) continue;
    journal->seal();
    sealed_at = journal->last();
  }
  done = true;
  settler.join();
  const OpenedJournal opened(files, sealed_at);
  REQUIRE(opened.status.ok());
  CHECK(opened.recovered.last == 500);
  CHECK(opened.lsns.size() == 500 - sealed_at);
}

}  // namespace
}  // namespace durable_streams

// Whatever has happened to a journal's bytes, what comes back is what was written, up to some
// record; and when a record that was durable is not among it, that is said.
#include "store/file/journal_recovery.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_writer.h"
#include "base/crc32c.h"
#include "tests/store_file/journal_samples.h"
#include "tests/store_file/memory_files.h"
#include "tests/support/catch.h"
#include "tests/support/seed.h"

namespace durable_streams {
namespace {

using journal_format::batch_bytes;
using journal_format::kBatchHeaderBytes;
using journal_format::kSegmentHeaderBytes;

using Disk = std::vector<std::pair<std::string, std::string>>;

Disk disk_of(MemoryFiles& files) {
  const std::vector<std::string> names = files.list("journal").value();
  Disk disk;
  for (const std::string& name : names)
    disk.emplace_back("journal/" + name, files.bytes("journal/" + name));
  return disk;
}

void restore(const Disk& disk, MemoryFiles& files) {
  const std::vector<std::string> names = files.list("journal").value();
  for (const std::string& name : names) files.remove("journal/" + name).value();
  for (const auto& [path, bytes] : disk) files.put(path, bytes);
}

// Where a batch stands that was written.
struct Place {
  std::uint64_t segment = 0;
  std::uint64_t at = 0;
  std::uint64_t payload_end = 0;
};

// Six batches in two segments, one record each, and where they are.
struct Sample {
  explicit Sample(MemoryFiles& files, bool recycled = false, Lsn known_durable = UINT64_MAX) {
    OpenedJournal journal(files, 0, {.segment_bytes = 4600});
    if (recycled) {
      for (int i = 0; i < 12; ++i)
        journal.append({"of an older life, which is longer than what follows"}).value();
      journal->seal();
      settled = journal->last();
      journal->release(settled).value();
    }
    journal.durable = known_durable;
    std::uint64_t segment = 0;
    std::uint64_t at = 0;
    for (std::size_t i = 0; i < 6; ++i) {
      bodies.push_back(std::string(20 + 13 * i, static_cast<char>('a' + i)));
      journal.append({bodies.back()}).value();
      const std::uint64_t newest = newest_segment(files);
      if (newest != segment) at = kSegmentHeaderBytes;
      segment = newest;
      JournalBatch batch;
      batch.add(append_of(bodies.back()));
      places.push_back(
          {.segment = segment, .at = at, .payload_end = at + kBatchHeaderBytes + batch.bytes()});
      at += batch_bytes(batch.bytes());
    }
    REQUIRE(places.front().segment != places.back().segment);
  }

  static std::uint64_t newest_segment(MemoryFiles& files) {
    std::uint64_t newest = 0;
    const std::vector<std::string> names = files.list("journal").value();
    for (const std::string& name : names) {
      newest = std::max(
          newest, journal_format::number_in(name, journal_format::kSegmentEnding).value_or(0));
    }
    return newest;
  }

  std::vector<std::string> first(std::size_t count) const {
    return records_of({bodies.begin(), bodies.begin() + static_cast<std::ptrdiff_t>(count)});
  }

  Lsn settled = 0;
  std::vector<std::string> bodies;
  std::vector<Place> places;
};

// The journal holds just the first `count`, now and after it went on; a second start finds nothing
// more to cut.
void check_holds(MemoryFiles& files, const Sample& sample, std::size_t count) {
  const OpenedJournal first(files, sample.settled);
  REQUIRE(first.status.ok());
  REQUIRE(first.in_order);
  REQUIRE(first.records == sample.first(count));
  OpenedJournal second(files, sample.settled);
  REQUIRE(second.status.ok());
  REQUIRE(second.records == sample.first(count));
  REQUIRE(second.recovered.torn_bytes == 0);
  second.append({"new"}).value();
  second.append({"newer"}).value();
  const OpenedJournal third(files, sample.settled);
  REQUIRE(third.status.ok());
  std::vector<std::string> expected = sample.first(count);
  for (const std::string& record : records_of({"new", "newer"})) expected.push_back(record);
  REQUIRE(third.records == expected);
}

TEST_CASE(
    "a flipped bit is damage when the record was durable, a torn tail in the last batch, and never "
    "a record",
    "[store_file][journal]") {
  const bool recycled = GENERATE(false, true);
  MemoryFiles files;
  const Sample sample(files, recycled);
  const Disk disk = disk_of(files);
  for (std::size_t i = 0; i < sample.places.size(); ++i) {
    const Place place = sample.places[i];
    for (std::uint64_t at = place.at; at < place.payload_end; ++at) {
      restore(disk, files);
      char& byte = files.bytes(segment_path(place.segment))[at];
      byte = static_cast<char>(byte ^ (1 << (at % 8)));
      INFO("batch " << i << ", byte " << at - place.at);
      Journal::Recovered found;
      const Status checked =
          Journal::check(files, "journal", kJournalStoreId, {.settled = sample.settled}, found);
      if (i + 1 < sample.places.size()) {
        REQUIRE_FALSE(checked.ok());
        REQUIRE(checked.error().code == ErrorCode::kCorruption);
        CAPTURE(checked.error().message, place.segment);
        REQUIRE(checked.error().message.find(segment_path(place.segment)) != std::string::npos);
        REQUIRE(checked.error().message.find("byte " + std::to_string(place.at)) !=
                std::string::npos);
        REQUIRE(checked.error().message.find("fsck") != std::string::npos);
        const OpenedJournal opened(files, sample.settled);
        REQUIRE(opened.status.error().code == ErrorCode::kCorruption);
        continue;
      }
      REQUIRE(checked.ok());
      REQUIRE(found.last == sample.settled + i);
      if (!recycled || at < place.at + 8 || at >= place.at + 16) {
        REQUIRE(found.torn_bytes > 0);
        REQUIRE(found.torn_where.find(segment_path(place.segment)) != std::string::npos);
      }
      check_holds(files, sample, i);
    }
  }
}

TEST_CASE("of batches that were not known to be durable, those before the first damaged one stay",
          "[store_file][journal]") {
  MemoryFiles files;
  const Sample sample(files, false, 0);
  const Disk disk = disk_of(files);
  for (std::size_t i = 0; i < sample.places.size(); ++i) {
    const Place place = sample.places[i];
    for (std::uint64_t at = place.at; at < place.payload_end; at += 3) {
      INFO("batch " << i << ", byte " << at - place.at);
      restore(disk, files);
      files.bytes(segment_path(place.segment))[at] ^= 0x10;
      check_holds(files, sample, i);
    }
  }
}

TEST_CASE("a journal cut short anywhere holds the batches before the cut, or is damaged",
          "[store_file][journal]") {
  MemoryFiles files;
  const Sample sample(files);
  const Disk disk = disk_of(files);
  const std::uint64_t last_segment = sample.places.back().segment;
  const std::uint64_t size_max = files.bytes(segment_path(last_segment)).size();
  for (std::uint64_t size = 0; size < size_max; size += size < 4000 ? 500 : 1) {
    INFO("size " << size);
    restore(disk, files);
    files.bytes(segment_path(last_segment)).resize(size);
    if (size < kSegmentHeaderBytes) {
      REQUIRE(OpenedJournal(files).status.error().code == ErrorCode::kCorruption);
      restore(disk, files);
      continue;
    }
    std::size_t whole = 0;
    std::uint64_t end = kSegmentHeaderBytes;
    for (const Place& place : sample.places) {
      if (place.segment == last_segment && place.payload_end > size) continue;
      ++whole;
      if (place.segment == last_segment)
        end = place.at + batch_bytes(place.payload_end - place.at - kBatchHeaderBytes);
    }
    Journal::Recovered found;
    REQUIRE(Journal::check(files, "journal", kJournalStoreId, {}, found).ok());
    const std::uint64_t behind = size > end ? size - end : 0;
    REQUIRE(found.torn_bytes <= behind);
    // Once a byte that is not zero is there, it is told of.
    REQUIRE((found.torn_bytes > 0) == (whole < sample.places.size() && behind > 0));
    check_holds(files, sample, whole);
  }
}

TEST_CASE("a segment that is not the last and is cut short is damaged", "[store_file][journal]") {
  MemoryFiles files;
  const Sample sample(files);
  const Disk disk = disk_of(files);
  const std::uint64_t first = sample.places.front().segment;
  std::uint64_t end = 0;
  for (const Place& place : sample.places) {
    if (place.segment == first) end = place.payload_end;
  }
  for (std::uint64_t size = 0; size < end; size += size < 4000 ? 500 : 1) {
    restore(disk, files);
    files.bytes(segment_path(first)).resize(size);
    REQUIRE(OpenedJournal(files).status.error().code == ErrorCode::kCorruption);
  }
  files.bytes(segment_path(first)).resize(end);
  CHECK(OpenedJournal(files).status.error().code == ErrorCode::kCorruption);
  restore(disk, files);
  files.bytes(segment_path(first)).resize(end);
  CHECK(OpenedJournal(files).records == sample.first(6));
}

TEST_CASE("a missing segment is damage, and the records are named", "[store_file][journal]") {
  MemoryFiles files;
  const Sample sample(files);
  files.remove(segment_path(sample.places.front().segment)).value();
  const OpenedJournal opened(files);
  REQUIRE_FALSE(opened.status.ok());
  CHECK(opened.status.error().code == ErrorCode::kCorruption);
  CHECK(opened.status.error().message.find("records 1 to 5 are missing") != std::string::npos);
}

TEST_CASE("a damaged header of a segment is damage", "[store_file][journal]") {
  MemoryFiles files;
  const Sample sample(files);
  const Disk disk = disk_of(files);
  for (std::uint64_t at = 0; at < kSegmentHeaderBytes; at += at < 48 ? 1 : 97) {
    restore(disk, files);
    files.bytes(segment_path(sample.places.back().segment))[at] ^= 0x04;
    REQUIRE(OpenedJournal(files).status.error().code == ErrorCode::kCorruption);
  }
}

TEST_CASE("a journal of another store is not read, one of a newer version says so",
          "[store_file][journal]") {
  MemoryFiles files;
  const Sample sample(files);
  Journal::Recovered found;
  CHECK(Journal::check(files, "journal", kJournalStoreId + 1, {}, found).error().code ==
        ErrorCode::kCorruption);
  std::string& bytes = files.bytes(segment_path(sample.places.front().segment));
  store_little_endian(journal_format::kVersion + 1, bytes.data() + 8);
  const std::size_t covered = kSegmentHeaderBytes - sizeof(std::uint32_t);
  store_little_endian(crc32c(0, std::string_view(bytes).substr(0, covered)),
                      bytes.data() + covered);
  const OpenedJournal opened(files);
  CHECK(opened.status.error().code == ErrorCode::kInvalidArgument);
  CHECK(opened.status.error().message.find("newer version") != std::string::npos);
}

TEST_CASE("what was not known to be durable is written anew before anyone sees it",
          "[store_file][journal]") {
  MemoryFiles files;
  const Sample sample(files);
  const Place last = sample.places.back();
  REQUIRE(OpenedJournal(files).records == sample.first(6));
  // The disk turns out never to have had the last batch where it was first written.
  std::string& bytes = files.bytes(segment_path(last.segment));
  std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(last.at), bytes.end(), '\0');
  CHECK(OpenedJournal(files).records == sample.first(6));
}

TEST_CASE("a start after a start changes nothing", "[store_file][journal]") {
  MemoryFiles files;
  const Sample sample(files);
  REQUIRE(OpenedJournal(files).status.ok());
  const Disk disk = disk_of(files);
  REQUIRE(OpenedJournal(files).records == sample.first(6));
  CHECK(disk_of(files) == disk);
}

TEST_CASE("a check changes nothing", "[store_file][journal]") {
  MemoryFiles files;
  const Sample sample(files);
  files.bytes(segment_path(sample.places.back().segment))
      .resize(sample.places.back().payload_end - 1);
  const Disk disk = disk_of(files);
  Journal::Recovered found;
  CHECK(Journal::check(files, "journal", kJournalStoreId, {}, found).ok());
  CHECK(found.last == 5);
  CHECK(found.torn_bytes > 0);
  CHECK(disk_of(files) == disk);
}

TEST_CASE("unfinished files are removed, spares and files of others are not",
          "[store_file][journal]") {
  MemoryFiles files;
  { OpenedJournal(files)->prepare().value(); }
  files.put("journal/0000000000000099.tmp", "half");
  files.put("journal/README", "mine");
  OpenedJournal journal(files);
  REQUIRE(journal.status.ok());
  CHECK_FALSE(files.contains("journal/0000000000000099.tmp"));
  CHECK(files.contains("journal/README"));
  CHECK(files.contains("journal/0000000000000001.spare"));
  CHECK_FALSE(journal->wants_spares());
  journal.append({"one"}).value();
  CHECK(files.contains(segment_path(100)));
}

TEST_CASE("a visitor that fails ends the start, and nothing has changed", "[store_file][journal]") {
  MemoryFiles files;
  const Sample sample(files);
  const Disk disk = disk_of(files);
  Journal::Recovered found;
  Journal::Visitor refuse = [](Lsn lsn, const Change&) -> Status {
    if (lsn < 3) return {};
    return Error{.code = ErrorCode::kIo, .message = "no more", .detail = {}};
  };
  const auto opened = Journal::open(files, "journal", kJournalStoreId, {}, {}, refuse, found);
  REQUIRE_FALSE(opened.ok());
  CHECK(opened.error().message == "no more");
  CHECK(disk_of(files) == disk);
}

TEST_CASE("a batch whose checksum is right and whose records are not is damage",
          "[store_file][journal]") {
  MemoryFiles files;
  const Sample sample(files);
  const Place last = sample.places.back();
  std::string& bytes = files.bytes(segment_path(last.segment));
  const std::uint32_t seed = journal_format::batch_seed(kJournalStoreId, last.segment);
  const std::string_view payload = std::string_view(bytes).substr(
      last.at + kBatchHeaderBytes, last.payload_end - last.at - kBatchHeaderBytes);
  auto header =
      journal_format::decode_batch(std::string_view(bytes).substr(last.at), seed, last.segment);
  REQUIRE(header);
  header->records = 2;
  REQUIRE(header->payload_checksum == crc32c(seed, payload));
  encode(*header, seed, bytes.data() + last.at);
  const OpenedJournal opened(files);
  CHECK(opened.status.error().code == ErrorCode::kCorruption);
}

TEST_CASE("however a journal's bytes are changed, what comes back was written",
          "[store_file][journal]") {
  const std::uint64_t seed = random_seed();
  INFO("DURABLE_STREAMS_SEED=" << seed);
  Random random(seed);
  MemoryFiles files;
  const Sample sample(files, true);
  const Disk disk = disk_of(files);
  for (int i = 0; i < 1500; ++i) {
    restore(disk, files);
    for (std::uint64_t left = 1 + random.below(3); left > 0; --left) {
      std::string& bytes = files.bytes(segment_path(sample.places[random.below(6)].segment));
      const std::uint64_t at =
          kSegmentHeaderBytes + random.below(bytes.size() - kSegmentHeaderBytes);
      const std::uint64_t from =
          kSegmentHeaderBytes + random.below(bytes.size() - kSegmentHeaderBytes);
      const std::uint64_t size = std::min(1 + random.below(100), bytes.size() - std::max(at, from));
      if (random.one_in(2)) {
        const std::string moved = bytes.substr(from, size);
        bytes.replace(at, size, moved);
      } else {
        bytes.replace(at, size, size, static_cast<char>(random.below(256)));
      }
    }
    const OpenedJournal opened(files, sample.settled);
    if (!opened.status.ok()) {
      REQUIRE(opened.status.error().code == ErrorCode::kCorruption);
      continue;
    }
    REQUIRE(opened.in_order);
    REQUIRE(opened.records == sample.first(opened.records.size()));
  }
}

}  // namespace
}  // namespace durable_streams

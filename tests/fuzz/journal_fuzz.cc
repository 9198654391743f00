// Opens a journal of any bytes: it is refused, or it holds records in order, the same ones at every
// start, and takes more.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/byte_writer.h"
#include "base/crc32c.h"
#include "store/file/change_codec.h"
#include "store/file/journal.h"
#include "tests/store_file/memory_files.h"

namespace durable_streams {
namespace {

constexpr std::uint64_t kStore = 7;

void require(bool condition) {
  if (!condition) std::abort();
}

using Records = std::vector<std::pair<Lsn, std::string>>;

std::string path_of(std::uint64_t number) {
  return "journal/" + journal_format::file_name(number, journal_format::kSegmentEnding);
}

// Makes the checksums of what could be batches right, so that their fields are looked at.
void repair(std::string& segment, std::uint64_t number) {
  const std::uint32_t seed = journal_format::batch_seed(kStore, number);
  std::size_t at = journal_format::kSegmentHeaderBytes;
  while (at + journal_format::kBatchHeaderBytes <= segment.size()) {
    char* const header = segment.data() + at;
    const std::size_t rest = segment.size() - at - journal_format::kBatchHeaderBytes;
    const auto payload_bytes = load_little_endian<std::uint64_t>(header + 32);
    if (payload_bytes > rest) return;
    const std::string_view payload(header + journal_format::kBatchHeaderBytes,
                                   static_cast<std::size_t>(payload_bytes));
    store_little_endian(crc32c(seed, payload), header + 4);
    store_little_endian(number, header + journal_format::kNumberAt);
    store_little_endian(crc32c(seed, {header + 4, journal_format::kBatchHeaderBytes - 4}), header);
    at += static_cast<std::size_t>(journal_format::batch_bytes(payload_bytes));
  }
}

void put_segment(MemoryFiles& files, std::uint64_t number, std::string_view batches, bool recycled,
                 bool repaired) {
  std::string segment =
      journal_format::encode({.store_id = kStore, .number = number, .recycled = recycled});
  segment += batches;
  if (repaired) repair(segment, number);
  files.put(path_of(number), std::move(segment));
}

struct Start {
  Records records;
  Journal::Recovered found;
  Result<std::unique_ptr<Journal>> journal;
};

Start start(MemoryFiles& files, Lsn settled) {
  Records records;
  Journal::Recovered found;
  Journal::Visitor visit = [&](Lsn lsn, const Change& change) -> Status {
    std::string text;
    const std::string_view bytes = encode_change(change, text);
    text += bytes;
    require(records.empty() ? lsn == settled + 1 : lsn == records.back().first + 1);
    records.emplace_back(lsn, std::move(text));
    return {};
  };
  auto journal = Journal::open(files, "journal", kStore, {.settled = settled},
                               {.segment_bytes = 8 << 10}, visit, found);
  return {.records = std::move(records), .found = found, .journal = std::move(journal)};
}

void check(MemoryFiles& files, Lsn settled) {
  Journal::Recovered looked;
  const Status checked = Journal::check(files, "journal", kStore, {.settled = settled}, looked);
  Start first = start(files, settled);
  require(checked.ok() == first.journal.ok());
  if (!first.journal.ok()) {
    require(first.journal.error().code == ErrorCode::kCorruption);
    require(!first.journal.error().message.empty());
    return;
  }
  require(first.found.last == settled + first.records.size());
  require(looked.last == first.found.last);
  Start second = start(files, settled);
  require(second.journal.ok() && second.records == first.records);
  require(second.found.torn_bytes == 0);
  JournalBatch batch;
  batch.add(AppendChange{.id = 1, .version = 2, .bytes = "more"});
  require((*second.journal)->write(batch, first.found.last).ok());
  require((*second.journal)->sync().ok());
  const Start third = start(files, settled);
  require(third.journal.ok() && third.records.size() == first.records.size() + 1);
  require(std::equal(first.records.begin(), first.records.end(), third.records.begin()));
}

// The first byte says what kind of journal it is, the next one where its second segment begins; the
// rest are the batches.
void open_journal(std::string_view input) {
  if (input.size() < 2) return;
  const unsigned kind = static_cast<unsigned char>(input[0]);
  const std::size_t split = std::size_t{static_cast<unsigned char>(input[1])} * 8;
  input.remove_prefix(2);
  const bool recycled = (kind & 1) != 0;
  const bool repaired = (kind & 2) != 0;
  const Lsn settled = (kind >> 2) & 3;
  MemoryFiles files;
  put_segment(files, 1, input.substr(0, split == 0 ? input.size() : split), recycled, repaired);
  if (split != 0) {
    put_segment(files, 2, input.substr(std::min(split, input.size())), recycled, repaired);
  }
  check(files, settled);
}

}  // namespace
}  // namespace durable_streams

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  durable_streams::open_journal({reinterpret_cast<const char*>(data), size});
  return 0;
}

// A journal for tests to write, to leave and to open again.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/file/journal.h"
#include "tests/store_file/change_samples.h"

namespace durable_streams {

inline constexpr std::uint64_t kJournalStoreId = 0x1122334455667788;

inline std::string segment_path(std::uint64_t number) {
  return "journal/" + journal_format::file_name(number, journal_format::kSegmentEnding);
}

inline AppendChange append_of(std::string_view bytes) {
  return {.id = 42, .version = 7, .bytes = bytes};
}

// A journal as some start finds it, and the records that it brought.
class OpenedJournal {
 public:
  explicit OpenedJournal(FileSystem& files, Lsn settled = 0,
                         JournalOptions options = {.segment_bytes = 16 << 10})
      : journal_(nullptr) {
    Journal::Visitor visit = [this](Lsn lsn, const Change& change) -> Status {
      in_order = in_order && (lsns.empty() || lsns.back() + 1 == lsn);
      lsns.push_back(lsn);
      records.push_back(encoded(change));
      return {};
    };
    Result<std::unique_ptr<Journal>> opened = Journal::open(
        files, "journal", kJournalStoreId, {.settled = settled}, options, visit, recovered);
    if (opened) {
      journal_ = std::move(*opened);
    } else {
      status = opened.error();
    }
  }

  Journal* operator->() { return journal_.get(); }

  // Writes one batch, and syncs it. All that came before is said to be durable, or what `durable`
  // says if that is less.
  Status append(const std::vector<std::string>& bodies) {
    Status written = write(bodies);
    return written ? journal_->sync() : written;
  }
  Status write(const std::vector<std::string>& bodies) {
    JournalBatch batch;
    for (const std::string& body : bodies) batch.add(append_of(body));
    return journal_->write(batch, durable < journal_->last() ? durable : journal_->last());
  }

  std::vector<Lsn> lsns;
  std::vector<std::string> records;
  bool in_order = true;
  Status status;
  Journal::Recovered recovered;
  Lsn durable = UINT64_MAX;

 private:
  std::unique_ptr<Journal> journal_;
};

inline std::vector<std::string> records_of(const std::vector<std::string>& bodies) {
  std::vector<std::string> records;
  for (const std::string& body : bodies) records.push_back(encoded(append_of(body)));
  return records;
}

}  // namespace durable_streams

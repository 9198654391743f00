// What a repair does for a journal that a start refuses: all that can be read stays, and the rest
// is put aside, so that a start finds a journal that ends earlier, and nobody a file that is gone.
#pragma once

#include <durable_streams/function.h>

#include <cstdint>
#include <string>
#include <vector>

#include "store/file/catalog.h"
#include "store/file/file_system.h"
#include "store/file/journal_format.h"
#include "store/file/journal_recovery.h"

namespace durable_streams {

// Names of files, with their directory.
struct JournalRepairs {
  std::vector<std::string> mended;     // they have their headers again
  std::vector<std::string> renamed;    // they have their names again
  std::vector<std::string> put_aside;  // as they are called now
  Lsn ends_with = 0;                   // the last change before what was put aside; 0: not known

  bool any() const { return !mended.empty() || !renamed.empty() || !put_aside.empty(); }
};

// Threads: one at a time.
class JournalRepair {
 public:
  struct Place {
    FileSystem& files;
    std::string directory;
    std::uint64_t store_id = 0;
  };

  // Makes it known durably that changes may be lost; called before anything is put aside, so that a
  // repair that is cut short leaves no journal that is whole and lacks what nobody knows of.
  using NoteLoss = Function<Status()>;

  explicit JournalRepair(Place place) : place_(std::move(place)) {}

  // Of segments whose header cannot be believed. Their batches tell for themselves to which segment
  // they belong; where none does, nothing in the file can be told from what was there before. One
  // that has another's name gets its own back. kCorruption, and nothing is touched: a segment is
  // another store's, as its header tells, or two have each other's names, or claim the same one.
  Result<JournalRepairs> mend_headers(NoteLoss& note_loss);

  // Then: ends the journal before records that were durable and are not there, or that `follow`
  // refuses with kCorruption.
  Result<JournalRepairs> end_before_damage(JournalMarks marks, JournalRecovery::Visitor& follow,
                                           NoteLoss& note_loss);

 private:
  using SegmentNumber = journal_format::SegmentNumber;

  // A segment, by the beginning of its file.
  struct Found {
    SegmentNumber number = 0;  // by its name
    journal_format::SegmentRead read = journal_format::SegmentRead::kDamaged;
    journal_format::SegmentHeader header = {};  // if `read` is kValid
    bool begins_with_batch = false;             // of this segment

    bool is_misnamed() const {
      return read == journal_format::SegmentRead::kValid && header.number != number;
    }
  };

  Result<std::vector<Found>> look_at_segments();
  static const Found* find(const std::vector<Found>& segments, SegmentNumber number);
  Status expect_own(const Found& found, const std::vector<Found>& segments) const;
  Status expect_only(const Found& found, const std::vector<Found>& segments) const;
  Status mend(const Found& found, const std::vector<Found>& segments, NoteLoss& note_loss,
              JournalRepairs& repairs);
  Status write_header(SegmentNumber number, JournalRepairs& repairs);
  std::string path(SegmentNumber number) const;

  const Place place_;
};

}  // namespace durable_streams

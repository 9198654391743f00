// Finds out which records a journal holds after whatever has happened to it, and leaves it so that
// no later start can find anything else (docs/disk-format.md, "Journal").
#pragma once

#include <durable_streams/function.h>
#include <durable_streams/store.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/file/catalog.h"
#include "store/file/file_system.h"
#include "store/file/journal_format.h"
#include "store/file/segment_reader.h"

namespace durable_streams {

// What the catalog knows of a journal's records.
struct JournalMarks {
  Lsn settled = 0;  // up to here they are in it
  Lsn durable = 0;  // and up to here they were on the disk
};

// A settling notes how far it goes once the journal is on the disk so far.
inline JournalMarks marks_of(const CatalogMeta& meta) {
  return {.settled = meta.settled, .durable = meta.settling};
}

// What was found on opening a journal.
struct JournalFindings {
  Lsn last = 0;
  std::uint64_t records = 0;     // visited
  std::uint64_t bytes = 0;       // of their batches
  std::uint64_t torn_bytes = 0;  // cut off: written, but never known to be durable
  std::string torn_where;        // the first of them: file and offset
};

// replay(), then settle_files(). A failure leaves the journal as fit for recovery as it was.
// Threads: one at a time.
class JournalRecovery {
 public:
  using Visitor = Function<Status(Lsn, const Change&)>;

  struct Place {
    FileSystem& files;
    std::string directory;
    std::uint64_t store_id = 0;
    JournalMarks marks = {};
  };

  // A segment that recovery leaves behind, with the records in it that count.
  struct Segment {
    journal_format::SegmentNumber number = 0;
    Lsn first = 0;
    Lsn last = 0;
    std::uint64_t end = 0;  // of their batches, in the file
  };

  explicit JournalRecovery(Place place) : place_(std::move(place)) {}

  // Visits every record that is not settled in order, and finds where they end. Writes nothing.
  // kCorruption: records that were durable are missing, or cannot be read.
  Status replay(Visitor& visit, JournalFindings& findings);

  // Makes what was replayed, and nothing else, what is on the disk.
  Status settle_files();

  // After a replay() that found damage: what comes before that, and whether it got so far.
  Lsn readable_until() const { return std::max(next_, place_.marks.settled + 1) - 1; }
  bool was_followed() const { return !parts_.empty(); }

  // Then, in place of settle_files(): makes that the journal's end. The files with what is behind
  // are put aside under the names in `put_aside`. Cut short anywhere it leaves a journal that is
  // still damaged, and can be ended again, or one that ends there, with what is behind put aside.
  Status end_before_damage(std::vector<std::string>& put_aside);

  // Afterwards: what is there.
  const std::vector<Segment>& segments() const { return kept_; }
  const std::vector<journal_format::SegmentNumber>& spares() const { return spares_; }
  journal_format::SegmentNumber highest_number() const { return highest_number_; }

 private:
  using BatchVisitor =
      Function<Status(const journal_format::BatchHeader&, std::string_view payload)>;

  struct Found {
    journal_format::SegmentNumber number = 0;
    Lsn first = 0;      // of its first batch; 0: that has no valid header
    bool keep = false;  // holds records that are to stay where they are
  };

  // A segment whose batches count, up to where a later one begins.
  struct Part {
    std::size_t index = 0;  // in found_
    Lsn limit = 0;
    Lsn first = 0;
    Lsn last = 0;  // below `first`: none
    std::uint64_t end = 0;
  };

  Status list_files();
  Status look_at_segments();
  std::size_t first_part() const;
  // The segment after `index` that begins earliest, the last such; found_.size(): none.
  std::size_t successor(std::size_t index) const;
  Status follow_parts(Visitor& visit);
  // Goes through the batches from `next_` on up to the part's limit, or to where they end; advances
  // `next_`.
  Status follow(Part& part, BatchVisitor& visit);
  Status visit_records(const journal_format::BatchHeader& header, std::string_view payload,
                       Visitor& visit);
  Status judge_end();
  Status expect_segments() const;

  Status rewrite();
  // The two halves of it: only with its name does the copy count.
  Status write_copy();
  Status name_copy();
  Status copy_to(const std::string& file_path, OpenMode mode, Segment& segment);
  Status copy_batches(File& file, bool recycled, Segment& out);
  void decide_what_stays();
  Status cut_torn_end();
  Status remove_rest();

  Result<SegmentReader> open(std::size_t index) const;
  std::string path(journal_format::SegmentNumber number, std::string_view ending) const;
  Error damage(std::size_t index, std::uint64_t position, const std::string& what) const;

  const Place place_;
  JournalFindings* findings_ = nullptr;
  std::vector<Found> found_;
  std::vector<journal_format::SegmentNumber> spares_;
  std::vector<std::string> temporaries_;
  journal_format::SegmentNumber highest_number_ = 0;

  std::vector<Part> parts_;
  Lsn next_ = 0;         // after the last valid record; 0: none seen yet
  Lsn durable_ = 0;      // the highest that a batch knew to be
  bool torn_ = false;    // the last part has something written behind its end
  Lsn stays_until_ = 0;  // records after this are rewritten
  std::optional<Segment> rewritten_;
  std::vector<Segment> kept_;
};

}  // namespace durable_streams

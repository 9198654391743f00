// The journal: one sequence of records in segment files, written batch by batch and made durable by
// one sync for all that was written (docs/disk-format.md, "Journal").
#pragma once

#include <durable_streams/function.h>
#include <durable_streams/store.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "store/file/catalog.h"
#include "store/file/file_system.h"
#include "store/file/journal_batch.h"
#include "store/file/journal_format.h"
#include "store/file/journal_recovery.h"

namespace durable_streams {

struct JournalOptions {
  std::uint64_t segment_bytes = std::uint64_t{64}
                                << 20;  // a segment is longer only for a batch that is
  std::size_t spare_segments = 2;  // written with zeros ahead of use: a sync is then half as dear
  std::size_t spare_segments_max =
      8;  // of released segments, as many as this are kept to be used again
};

// After a write() that failed otherwise than for room or descriptors (kNoSpace, kTooMany), and
// after any failed sync(), it takes nothing more: what the disk holds is known only to the next
// open(). Threads: write(), sync(), last() and seal() by one at a time; prepare() and release() by
// one at a time, while those go on; bytes() and wants_spares() by any.
class Journal {
 public:
  using Recovered = JournalFindings;
  using Visitor = JournalRecovery::Visitor;

  // Visits every record that is not settled, in order, and makes sure that what it visited is on
  // the disk. Bytes that were written but never known to be durable, and can't be read, are cut off
  // and told of in `recovered`. kCorruption: records that were durable are damaged or missing;
  // nothing has been changed.
  static Result<std::unique_ptr<Journal>> open(FileSystem& files, std::string directory,
                                               std::uint64_t store_id, JournalMarks marks,
                                               JournalOptions options, Visitor& replay,
                                               Recovered& recovered);

  // The same, but only looks.
  static Status check(FileSystem& files, std::string directory, std::uint64_t store_id,
                      JournalMarks marks, Recovered& found);

  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // Gives the batch's records the numbers after last() and writes them. Every record up to
  // `durable` is on the disk, one way or another. When it fails for room or descriptors, the
  // journal is as before, also for the next open().
  Status write(const JournalBatch& batch, Lsn durable);

  // Makes all that was written durable.
  Status sync();

  Lsn last() const { return last_; }

  // The next write() begins a segment. Whatever `settled` says in release() and open() must be a
  // number at which the journal was sealed.
  void seal();

  // Gives up the segments whose records are all settled.
  Status release(Lsn settled);

  // Makes the spares that are missing. Until then segments grow as they are written, and syncs take
  // longer.
  Status prepare();
  // Gives up the spares, for their room.
  Status drop_spares();
  bool wants_spares() const {
    return spare_count_.load(std::memory_order_relaxed) < options_.spare_segments;
  }

  // What the segments hold that are not released.
  std::uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  // All that was written of batches, since it was opened.
  std::uint64_t written_bytes() const { return written_bytes_.load(std::memory_order_relaxed); }

 private:
  using SegmentNumber = journal_format::SegmentNumber;

  // A numbered segment that is not released.
  struct Segment {
    SegmentNumber number = 0;
    Lsn last = 0;           // 0: it holds no batch yet
    std::uint64_t end = 0;  // of its last batch
    bool unsynced = false;
    std::shared_ptr<File> file = {};  // null: nothing more is done to it
  };

  struct Spare {
    SegmentNumber number = 0;
    bool recycled = false;
  };

  // The segment that is written to. A file that is used again, or made ahead, holds bytes up to
  // `ahead` already.
  struct Current {
    SegmentNumber number = 0;
    std::shared_ptr<File> file;
    std::uint32_t seed = 0;
    std::uint64_t end = 0;
    std::uint64_t ahead = 0;
  };

  Journal(FileSystem& files, std::string directory, std::uint64_t store_id, JournalOptions options);

  void take_over(const JournalRecovery& recovery, Lsn last);
  bool needs_segment(std::uint64_t bytes) const;
  Status begin_segment();
  Status name_segment(File& file, const std::string& unnamed, SegmentNumber number, bool recycled);
  Status write_batch(const JournalBatch& batch, Lsn durable, std::uint64_t bytes);
  Status take_back();
  void write_ahead();
  Status fail(Error error);
  void note_bytes() DURABLE_STREAMS_REQUIRES(mutex_);
  Status make_spare(SegmentNumber number);
  std::string path(SegmentNumber number, std::string_view ending) const;

  FileSystem& files_;
  const std::string directory_;
  const std::uint64_t store_id_;
  const JournalOptions options_;

  // Of the one who writes.
  Lsn last_ = 0;
  Current current_;
  std::optional<Error> failed_;
  std::vector<std::string_view> parts_;

  mutable Mutex mutex_;                                              // held for no I/O
  std::deque<Segment> segments_ DURABLE_STREAMS_GUARDED_BY(mutex_);  // the current one last
  bool sealed_ DURABLE_STREAMS_GUARDED_BY(mutex_) = true;  // the last segment takes no more batches
  std::vector<Spare> spares_ DURABLE_STREAMS_GUARDED_BY(mutex_);
  SegmentNumber next_number_ DURABLE_STREAMS_GUARDED_BY(mutex_) = 1;

  std::atomic<std::uint64_t> bytes_{0};
  std::atomic<std::uint64_t> written_bytes_{0};
  std::atomic<std::size_t> spare_count_{0};
};

}  // namespace durable_streams

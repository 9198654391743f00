// Where a batch goes, and what becomes of segments before and after use. Reading them is
// recovery's.
#include "store/file/journal.h"

#include <algorithm>
#include <utility>

#include "base/crc32c.h"

namespace durable_streams {

using journal_format::BatchHeader;
using journal_format::kBatchHeaderBytes;
using journal_format::kSegmentEnding;
using journal_format::kSegmentHeaderBytes;
using journal_format::kSpareEnding;
using journal_format::kTemporaryEnding;
using journal_format::SegmentNumber;

namespace {

// A segment that had no spare grows by so much at once.
constexpr std::uint64_t kGrowBytes = 256 << 10;
constexpr std::size_t kZeroBytes = 256 << 10;

std::string_view zeros(std::uint64_t size) {
  static const std::string kZeros(kZeroBytes, '\0');
  return std::string_view(kZeros).substr(0, static_cast<std::size_t>(size));
}

// The disk lacks something that may come back, and no sync has failed.
bool may_pass(const Error& error) {
  return error.code == ErrorCode::kNoSpace || error.code == ErrorCode::kTooMany;
}

}  // namespace

Journal::Journal(FileSystem& files, std::string directory, std::uint64_t store_id,
                 JournalOptions options)
    : files_(files), directory_(std::move(directory)), store_id_(store_id), options_(options) {}

Result<std::unique_ptr<Journal>> Journal::open(FileSystem& files, std::string directory,
                                               std::uint64_t store_id, JournalMarks marks,
                                               JournalOptions options, Visitor& replay,
                                               Recovered& recovered) {
  JournalRecovery recovery(
      {.files = files, .directory = directory, .store_id = store_id, .marks = marks});
  if (Status replayed = recovery.replay(replay, recovered); !replayed) return replayed.error();
  if (Status kept = recovery.settle_files(); !kept) return kept.error();
  std::unique_ptr<Journal> journal(new Journal(files, std::move(directory), store_id, options));
  journal->take_over(recovery, recovered.last);
  return journal;
}

Status Journal::check(FileSystem& files, std::string directory, std::uint64_t store_id,
                      JournalMarks marks, Recovered& found) {
  JournalRecovery recovery(
      {.files = files, .directory = std::move(directory), .store_id = store_id, .marks = marks});
  Visitor pass = [](Lsn, const Change&) { return Status{}; };
  return recovery.replay(pass, found);
}

void Journal::take_over(const JournalRecovery& recovery, Lsn last) {
  const MutexLock lock(mutex_);
  last_ = last;
  for (const JournalRecovery::Segment& segment : recovery.segments()) {
    segments_.push_back({.number = segment.number, .last = segment.last, .end = segment.end});
  }
  for (const SegmentNumber number : recovery.spares())
    spares_.push_back({.number = number, .recycled = true});
  spare_count_.store(spares_.size(), std::memory_order_relaxed);
  next_number_ = recovery.highest_number() + 1;
  note_bytes();
}

Status Journal::write(const JournalBatch& batch, Lsn durable) {
  if (failed_) return *failed_;
  if (batch.empty()) return {};
  const std::uint64_t bytes = journal_format::batch_bytes(batch.bytes());
  if (needs_segment(bytes)) {
    if (Status begun = begin_segment(); !begun) {
      return may_pass(begun.error()) ? begun : fail(std::move(begun).error());
    }
  }
  if (Status written = write_batch(batch, durable, bytes); !written) {
    if (!may_pass(written.error())) return fail(std::move(written).error());
    if (Status taken = take_back(); !taken) return fail(std::move(taken).error());
    return written;
  }
  current_.end += bytes;
  last_ += batch.records();
  write_ahead();
  const MutexLock lock(mutex_);
  Segment& segment = segments_.back();
  segment.last = last_;
  segment.end = current_.end;
  segment.unsynced = true;
  bytes_.fetch_add(bytes, std::memory_order_relaxed);
  written_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  return failed_ ? Status(*failed_) : Status();
}

bool Journal::needs_segment(std::uint64_t bytes) const {
  if (current_.file == nullptr) return true;
  const MutexLock lock(mutex_);
  if (sealed_) return true;
  const bool fits = current_.end + bytes <= options_.segment_bytes;
  return !fits && current_.end > kSegmentHeaderBytes;
}

Status Journal::begin_segment() {
  std::optional<Spare> spare;
  SegmentNumber number = 0;
  {
    const MutexLock lock(mutex_);
    number = next_number_++;
    if (!spares_.empty()) {
      spare = spares_.back();
      spares_.pop_back();
    }
    spare_count_.store(spares_.size(), std::memory_order_relaxed);
  }
  const std::string unnamed =
      spare ? path(spare->number, kSpareEnding) : path(number, kTemporaryEnding);
  Result<std::unique_ptr<File>> file =
      files_.open(unnamed, spare ? OpenMode::kReadWrite : OpenMode::kCreate);
  if (!file) {
    const MutexLock lock(mutex_);
    if (spare) spares_.push_back(*spare);
    spare_count_.store(spares_.size(), std::memory_order_relaxed);
    return file.error();
  }
  if (Status named = name_segment(**file, unnamed, number, spare && spare->recycled); !named) {
    ignore(files_.remove(unnamed), "the next start removes it, or an empty segment in its place");
    return named;
  }
  const Result<std::uint64_t> size = (*file)->size();
  if (!size) return size.error();
  current_ = {.number = number,
              .file = std::move(*file),
              .seed = journal_format::batch_seed(store_id_, number),
              .end = kSegmentHeaderBytes,
              .ahead = *size};
  const MutexLock lock(mutex_);
  if (!segments_.empty() && !segments_.back().unsynced) segments_.back().file = nullptr;
  segments_.push_back({.number = number, .end = current_.end, .file = current_.file});
  sealed_ = false;
  return {};
}

// A segment gets its number only with its header on the disk, so that what has a number is never
// half made.
Status Journal::name_segment(File& file, const std::string& unnamed, SegmentNumber number,
                             bool recycled) {
  const std::string header =
      journal_format::encode({.store_id = store_id_, .number = number, .recycled = recycled});
  if (Status written = file.write(0, {{header}}); !written) return written;
  if (Status synced = file.sync(); !synced) return synced;
  if (Status named = files_.rename(unnamed, path(number, kSegmentEnding)); !named) return named;
  return files_.sync_directory(directory_);
}

Status Journal::write_batch(const JournalBatch& batch, Lsn durable, std::uint64_t bytes) {
  char bytes_of_header[kBatchHeaderBytes];
  parts_.clear();
  parts_.emplace_back(bytes_of_header, sizeof(bytes_of_header));
  batch.gather(parts_);
  std::uint32_t checksum = current_.seed;
  for (std::size_t i = 1; i < parts_.size(); ++i) checksum = crc32c(checksum, parts_[i]);
  const BatchHeader header{.payload_checksum = checksum,
                           .segment = current_.number,
                           .first = last_ + 1,
                           .durable = durable,
                           .payload_bytes = batch.bytes(),
                           .records = static_cast<std::uint32_t>(batch.records())};
  journal_format::encode(header, current_.seed, bytes_of_header);
  const std::uint64_t padding = bytes - kBatchHeaderBytes - batch.bytes();
  if (padding > 0) parts_.push_back(zeros(padding));
  return current_.file->write(current_.end, parts_);
}

// Wipes out what a write that lacked room may have left, for it was refused, and must not be found
// after a crash.
Status Journal::take_back() {
  const Result<std::uint64_t> size = current_.file->size();
  if (!size) return size.error();
  if (*size > current_.ahead) {
    if (Status cut = current_.file->truncate(current_.ahead); !cut) return cut;
  }
  const std::uint64_t left =
      std::min<std::uint64_t>(current_.ahead - current_.end, kBatchHeaderBytes);
  if (left > 0 && !current_.file->write(current_.end, {{zeros(left)}})) {
    // Some disks need room even to write over what is there; to cut it off takes none.
    if (Status cut = current_.file->truncate(current_.end); !cut) return cut;
    current_.ahead = current_.end;
  }
  return current_.file->sync();
}

// Keeps ahead of the batches, so that few syncs have a new size to make durable.
void Journal::write_ahead() {
  current_.ahead = std::max(current_.ahead, current_.end);
  if (current_.ahead > current_.end || current_.end >= options_.segment_bytes) return;
  const std::uint64_t size = std::min(kGrowBytes, options_.segment_bytes - current_.end);
  if (Status written = current_.file->write(current_.end, {{zeros(size)}}); written) {
    current_.ahead += size;
  } else if (!may_pass(written.error())) {
    failed_ = std::move(written).error();
  }
}

Status Journal::sync() {
  if (failed_) return *failed_;
  while (true) {
    std::shared_ptr<File> file;
    SegmentNumber number = 0;
    {
      const MutexLock lock(mutex_);
      const auto unsynced = std::find_if(segments_.begin(), segments_.end(),
                                         [](const Segment& s) { return s.unsynced; });
      if (unsynced == segments_.end()) return {};
      file = unsynced->file;
      number = unsynced->number;
    }
    if (Status synced = file->sync(); !synced) return fail(std::move(synced).error());
    const MutexLock lock(mutex_);
    for (Segment& segment : segments_) {
      if (segment.number != number) continue;
      segment.unsynced = false;
      if (&segment != &segments_.back()) segment.file = nullptr;
    }
  }
}

void Journal::seal() {
  const MutexLock lock(mutex_);
  if (!segments_.empty() && segments_.back().last == 0) return;  // nothing in it
  sealed_ = true;
}

Status Journal::release(Lsn settled) {
  std::vector<Segment> released;
  std::size_t room = 0;
  {
    const MutexLock lock(mutex_);
    while (!segments_.empty()) {
      const Segment& oldest = segments_.front();
      const bool in_use = segments_.size() == 1 && !sealed_;
      if (in_use || oldest.last > settled) break;
      released.push_back(std::move(segments_.front()));
      segments_.pop_front();
    }
    room = options_.spare_segments_max - std::min(options_.spare_segments_max, spares_.size());
    note_bytes();
  }
  if (released.empty()) return {};
  std::vector<Spare> spares;
  for (const Segment& segment : released) {
    const std::string name = path(segment.number, kSegmentEnding);
    if (spares.size() < room && segment.end <= options_.segment_bytes) {
      if (Status renamed = files_.rename(name, path(segment.number, kSpareEnding)); !renamed)
        return renamed;
      spares.push_back({.number = segment.number, .recycled = true});
    } else {
      if (Status removed = files_.remove(name); !removed) return removed;
    }
  }
  // Before it gets another number, a spare must have lost the one it had.
  if (Status synced = files_.sync_directory(directory_); !synced) return synced;
  const MutexLock lock(mutex_);
  spares_.insert(spares_.end(), spares.begin(), spares.end());
  spare_count_.store(spares_.size(), std::memory_order_relaxed);
  return {};
}

Status Journal::prepare() {
  while (wants_spares()) {
    SegmentNumber number = 0;
    {
      const MutexLock lock(mutex_);
      number = next_number_++;
    }
    if (Status made = make_spare(number); !made) {
      ignore(files_.remove(path(number, kTemporaryEnding)), "the next start removes it");
      return made;
    }
    const MutexLock lock(mutex_);
    spares_.push_back({.number = number, .recycled = false});
    spare_count_.store(spares_.size(), std::memory_order_relaxed);
  }
  return {};
}

Status Journal::drop_spares() {
  std::vector<Spare> dropped;
  {
    const MutexLock lock(mutex_);
    dropped.swap(spares_);
    spare_count_.store(0, std::memory_order_relaxed);
  }
  for (const Spare& spare : dropped) {
    if (Status removed = files_.remove(path(spare.number, kSpareEnding)); !removed) return removed;
  }
  return files_.sync_directory(directory_);
}

Status Journal::make_spare(SegmentNumber number) {
  const std::string temporary = path(number, kTemporaryEnding);
  Result<std::unique_ptr<File>> file = files_.open(temporary, OpenMode::kCreate);
  if (!file) return file.error();
  for (std::uint64_t at = 0; at < options_.segment_bytes; at += kZeroBytes) {
    const std::string_view piece =
        zeros(std::min<std::uint64_t>(kZeroBytes, options_.segment_bytes - at));
    if (Status written = (*file)->write(at, {{piece}}); !written) return written;
    (*file)->start_writeback(at, piece.size());
  }
  if (Status synced = (*file)->sync(); !synced) return synced;
  return files_.rename(temporary, path(number, kSpareEnding));
}

// Whatever it lacks may come back, but after this nothing is known to be as it was.
Status Journal::fail(Error error) {
  if (may_pass(error)) error.code = ErrorCode::kIo;
  failed_ = error;
  return error;
}

void Journal::note_bytes() {
  std::uint64_t bytes = 0;
  for (const Segment& segment : segments_) {
    if (segment.end > kSegmentHeaderBytes) bytes += segment.end - kSegmentHeaderBytes;
  }
  bytes_.store(bytes, std::memory_order_relaxed);
}

std::string Journal::path(SegmentNumber number, std::string_view ending) const {
  return directory_ + "/" + journal_format::file_name(number, ending);
}

}  // namespace durable_streams

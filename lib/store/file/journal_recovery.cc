// A start goes through the segments twice at most: to replay them, and to copy the few batches that
// may not be on the disk.
#include "store/file/journal_recovery.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "base/byte_reader.h"
#include "base/crc32c.h"
#include "store/file/change_codec.h"
#include "store/file/put_aside.h"

namespace durable_streams {

using journal_format::BatchHeader;
using journal_format::file_name;
using journal_format::kSegmentEnding;
using journal_format::kSegmentHeaderBytes;
using journal_format::kSpareEnding;
using journal_format::kTemporaryEnding;
using journal_format::number_in;
using journal_format::SegmentNumber;

namespace {

constexpr Lsn kNoLimit = std::numeric_limits<Lsn>::max();
constexpr std::string_view kWayOn = "`durable-streams-server fsck` says what can be kept";

// Of a file that a repair has put aside, so that its name is not wanted a second time.
std::optional<SegmentNumber> number_put_aside(std::string_view name) {
  const std::optional<std::string_view> before = name_before_aside(name);
  return before ? number_in(*before, kSegmentEnding) : std::nullopt;
}

}  // namespace

Status JournalRecovery::replay(Visitor& visit, JournalFindings& findings) {
  findings = {};
  findings_ = &findings;
  if (Status listed = list_files(); !listed) return listed;
  if (Status looked = look_at_segments(); !looked) return looked;
  if (Status followed = follow_parts(visit); !followed) return followed;
  findings.last = std::max(next_, place_.marks.settled + 1) - 1;
  return {};
}

Status JournalRecovery::list_files() {
  const Result<std::vector<std::string>> names = place_.files.list(place_.directory);
  if (!names) return names.error();
  for (const std::string& name : *names) {
    std::optional<SegmentNumber> number;
    if ((number = number_in(name, kSegmentEnding))) {
      found_.push_back({.number = *number});
    } else if ((number = number_in(name, kSpareEnding))) {
      spares_.push_back(*number);
    } else if ((number = number_in(name, kTemporaryEnding))) {
      temporaries_.push_back(name);
    } else {
      number = number_put_aside(name);
    }
    highest_number_ = std::max(highest_number_, number.value_or(0));
  }
  std::sort(found_.begin(), found_.end(),
            [](const Found& a, const Found& b) { return a.number < b.number; });
  std::sort(spares_.begin(), spares_.end());
  return {};
}

Status JournalRecovery::look_at_segments() {
  for (std::size_t i = 0; i < found_.size(); ++i) {
    Result<SegmentReader> reader = open(i);
    if (!reader) return reader.error();
    const Result<std::optional<BatchHeader>> header = reader->header_at(kSegmentHeaderBytes);
    if (!header) return header.error();
    if (*header) found_[i].first = (*header)->first;
  }
  return {};
}

// All that comes before the last segment that begins with settled records, or right behind them, is
// settled.
std::size_t JournalRecovery::first_part() const {
  for (std::size_t i = found_.size(); i > 0; --i) {
    const Lsn first = found_[i - 1].first;
    if (first != 0 && first <= place_.marks.settled + 1) return i - 1;
  }
  return 0;
}

std::size_t JournalRecovery::successor(std::size_t index) const {
  std::size_t best = found_.size();
  for (std::size_t i = index + 1; i < found_.size(); ++i) {
    if (found_[i].first == 0) continue;
    if (best == found_.size() || found_[i].first <= found_[best].first) best = i;
  }
  return best;
}

Status JournalRecovery::follow_parts(Visitor& visit) {
  BatchVisitor visit_batch = [&](const BatchHeader& header, std::string_view payload) -> Status {
    if (header.last() <= place_.marks.settled) return {};
    findings_->bytes += journal_format::batch_bytes(header.payload_bytes);
    return visit_records(header, payload, visit);
  };
  std::size_t index = first_part();
  while (index < found_.size()) {
    const std::size_t after = successor(index);
    Part part{.index = index, .limit = after < found_.size() ? found_[after].first : kNoLimit};
    Status followed = follow(part, visit_batch);
    parts_.push_back(part);
    if (!followed) return followed;
    if (next_ != part.limit) return judge_end();
    index = after;
  }
  return parts_.empty() ? expect_segments() : Status{};
}

Status JournalRecovery::follow(Part& part, BatchVisitor& visit) {
  Result<SegmentReader> reader = open(part.index);
  if (!reader) return reader.error();
  part.end = kSegmentHeaderBytes;
  part.first = next_;
  while (next_ != part.limit) {
    const Result<std::optional<BatchHeader>> found = reader->header_at(part.end);
    if (!found) return found.error();
    if (!*found) break;
    const BatchHeader header = **found;
    const bool follows =
        next_ == 0 ? header.first <= place_.marks.settled + 1 : header.first == next_;
    if (!follows) break;
    if (header.first >= part.limit) break;
    if (header.last() >= part.limit) {
      return damage(part.index, part.end, fmt::format("record {} is in two batches", part.limit));
    }
    const Result<std::optional<std::string_view>> payload = reader->payload_at(part.end, header);
    if (!payload) return payload.error();
    if (!*payload) break;
    if (Status visited = visit(header, **payload); !visited) {
      if (visited.error().message.empty()) {
        return damage(part.index, part.end, "a record is none, though its checksum is right");
      }
      return visited;
    }
    if (next_ == 0) part.first = header.first;
    durable_ = std::max(durable_, header.durable);
    next_ = header.last() + 1;
    part.last = header.last();
    part.end += journal_format::batch_bytes(header.payload_bytes);
  }
  return {};
}

// A batch whose bytes are no records fails with an empty message: who knows where it stands tells.
Status JournalRecovery::visit_records(const BatchHeader& header, std::string_view payload,
                                      Visitor& visit) {
  const Error no_record{.code = ErrorCode::kCorruption, .message = {}, .detail = {}};
  ByteReader in(payload);
  DecodedChange decoded;
  for (Lsn lsn = header.first; lsn <= header.last(); ++lsn) {
    const std::string_view record = in.text();
    if (!in.ok() || !decode_change(record, decoded)) return no_record;
    if (lsn <= place_.marks.settled) continue;
    if (Status visited = visit(lsn, decoded.change); !visited) return visited;
    ++findings_->records;
  }
  return in.at_end() ? Status{} : no_record;
}

// The batches have ended before the next segment begins, if there is one. What was written behind
// is torn, unless a later batch knew a record to be durable that is not here.
Status JournalRecovery::judge_end() {
  const Part& part = parts_.back();
  const Lsn next = std::max(next_, place_.marks.settled + 1);
  Lsn durable = std::max(durable_, place_.marks.durable);
  std::size_t bad_index = part.index;
  std::uint64_t bad_from = part.end;
  for (std::size_t i = part.index; i < found_.size(); ++i) {
    const std::uint64_t from = i == part.index ? part.end : kSegmentHeaderBytes;
    Result<SegmentReader> reader = open(i);
    if (!reader) return reader.error();
    const Result<SegmentReader::Tail> tail = reader->tail_from(from);
    if (!tail) return tail.error();
    durable = std::max(durable, tail->durable);
    if (tail->end <= from) continue;
    if (findings_->torn_bytes == 0) {
      bad_index = i;
      bad_from = from;
    }
    findings_->torn_bytes += tail->end - from;
  }
  if (durable >= next) {
    // Where a later segment's beginning is known, what is missing stood before it.
    const bool here = part.limit != kNoLimit && part.limit > next;
    return damage(here ? part.index : bad_index, here ? part.end : bad_from,
                  fmt::format("records {} to {} are missing", next,
                              here ? std::min(durable, part.limit - 1) : durable));
  }
  if (findings_->torn_bytes > 0) {
    findings_->torn_where =
        fmt::format("{}, from byte {}", path(found_[bad_index].number, kSegmentEnding), bad_from);
    torn_ = bad_index == part.index;
  }
  durable_ = durable;
  return {};
}

Status JournalRecovery::expect_segments() const {
  const JournalMarks& marks = place_.marks;
  if (marks.durable <= marks.settled) return {};
  return Error{.code = ErrorCode::kCorruption,
               .message = fmt::format("the journal is damaged: {}: records {} to {} are missing, "
                                      "for there is no segment; {}",
                                      place_.directory, marks.settled + 1, marks.durable, kWayOn),
               .detail = {}};
}

Status JournalRecovery::settle_files() {
  // After a kill, names too may be other than those on the disk.
  if (Status synced = place_.files.sync_directory(place_.directory); !synced) return synced;
  stays_until_ = std::max(durable_, place_.marks.settled);
  if (next_ > stays_until_ + 1) {
    if (Status rewritten = rewrite(); !rewritten) return rewritten;
  }
  decide_what_stays();
  if (Status cut = cut_torn_end(); !cut) return cut;
  return remove_rest();
}

// With its name the copy of what can be read stands for the damaged segment, for it begins with the
// same record and is newer; the next start then removes that one and all behind it. So they have
// their other names before.
Status JournalRecovery::end_before_damage(std::vector<std::string>& put_aside) {
  const Part damaged = parts_.back();
  stays_until_ = std::max(place_.marks.settled, std::max(damaged.first, Lsn{1}) - 1);
  const bool has_copy = damaged.last > stays_until_;
  if (has_copy) {
    if (Status written = write_copy(); !written) return written;
  }
  for (std::size_t index = found_.size(); index > damaged.index; --index) {
    Result<std::string> aside = keep_aside(place_.files, place_.directory,
                                           file_name(found_[index - 1].number, kSegmentEnding));
    if (!aside) return aside.error();
    put_aside.push_back(std::move(aside).value());
  }
  if (Status synced = place_.files.sync_directory(place_.directory); !synced) return synced;
  if (has_copy) {
    if (Status named = name_copy(); !named) return named;
  }
  for (std::size_t index = found_.size(); index > damaged.index; --index) {
    if (Status gone = place_.files.remove(path(found_[index - 1].number, kSegmentEnding)); !gone)
      return gone;
  }
  return place_.files.sync_directory(place_.directory);
}

// After a kill, the page cache may show batches that the disk does not have. They are copied to
// where they are durable, all of them before the copy gets its name.
Status JournalRecovery::rewrite() {
  if (Status written = write_copy(); !written) return written;
  return name_copy();
}

// A full disk must not keep a store from its start: a spare has room.
Status JournalRecovery::write_copy() {
  Segment segment{.number = ++highest_number_};
  const std::string temporary = path(segment.number, kTemporaryEnding);
  Status copied = copy_to(temporary, OpenMode::kCreate, segment);
  if (!copied && copied.error().code == ErrorCode::kNoSpace && !spares_.empty()) {
    const std::string spare = path(spares_.back(), kSpareEnding);
    if (Status renamed = place_.files.rename(spare, temporary); !renamed) return renamed;
    // Its old name, and number, must not come back once it holds batches of this one.
    if (Status synced = place_.files.sync_directory(place_.directory); !synced) return synced;
    spares_.pop_back();
    copied = copy_to(temporary, OpenMode::kReadWrite, segment);
  }
  if (copied.ok()) rewritten_ = segment;
  return copied;
}

Status JournalRecovery::name_copy() {
  const SegmentNumber number = rewritten_->number;
  if (Status named =
          place_.files.rename(path(number, kTemporaryEnding), path(number, kSegmentEnding));
      !named)
    return named;
  if (Status synced = place_.files.sync_directory(place_.directory); !synced) return synced;
  stays_until_ = rewritten_->first - 1;
  return {};
}

Status JournalRecovery::copy_to(const std::string& file_path, OpenMode mode, Segment& segment) {
  Result<std::unique_ptr<File>> file = place_.files.open(file_path, mode);
  if (!file) return file.error();
  const bool recycled = mode == OpenMode::kReadWrite;
  if (Status copied = copy_batches(**file, recycled, segment); !copied) return copied;
  return (*file)->sync();
}

Status JournalRecovery::copy_batches(File& file, bool recycled, Segment& out) {
  const std::string head = journal_format::encode(
      {.store_id = place_.store_id, .number = out.number, .recycled = recycled});
  if (Status written = file.write(0, {{head}}); !written) return written;
  out.first = 0;
  out.last = next_ - 1;
  out.end = kSegmentHeaderBytes;
  const std::uint32_t seed = journal_format::batch_seed(place_.store_id, out.number);
  BatchVisitor copy = [&](const BatchHeader& batch, std::string_view payload) -> Status {
    if (batch.last() <= stays_until_) return {};
    if (out.first == 0) out.first = batch.first;
    BatchHeader header = batch;
    header.segment = out.number;
    header.durable = out.last;  // by the time that anyone can read this
    header.payload_checksum = crc32c(seed, payload);
    char bytes[journal_format::kBatchHeaderBytes];
    journal_format::encode(header, seed, bytes);
    const std::uint64_t size = journal_format::batch_bytes(header.payload_bytes);
    const std::string padding(static_cast<std::size_t>(size - sizeof(bytes) - payload.size()),
                              '\0');
    const std::string_view pieces[] = {{bytes, sizeof(bytes)}, payload, padding};
    Status written = file.write(out.end, pieces);
    out.end += size;
    return written;
  };
  const Lsn end = std::exchange(next_, 0);
  for (Part part : parts_) {
    if (part.last <= stays_until_) continue;
    next_ = part.first;
    part.limit = std::min(part.limit, end);
    if (Status followed = follow(part, copy); !followed) {
      next_ = end;
      return followed;
    }
  }
  const bool whole = next_ == end;
  next_ = end;
  if (whole) return {};
  return Error{.code = ErrorCode::kIo,
               .message = "the journal has changed while it was recovered",
               .detail = {}};
}

// Keeps the segments with records that are neither settled nor rewritten.
void JournalRecovery::decide_what_stays() {
  for (const Part& part : parts_) {
    if (part.last == 0 || part.last <= place_.marks.settled || part.first > stays_until_) continue;
    found_[part.index].keep = true;
    kept_.push_back({.number = found_[part.index].number,
                     .first = part.first,
                     .last = std::min(part.last, stays_until_),
                     .end = part.end});
  }
  if (rewritten_) kept_.push_back(*rewritten_);
}

// So that the next start does not find it again.
Status JournalRecovery::cut_torn_end() {
  if (!torn_ || !found_[parts_.back().index].keep) return {};
  Result<std::unique_ptr<File>> file = place_.files.open(
      path(found_[parts_.back().index].number, kSegmentEnding), OpenMode::kReadWrite);
  if (!file) return file.error();
  if (Status cut = (*file)->truncate(parts_.back().end); !cut) return cut;
  return (*file)->sync();
}

Status JournalRecovery::remove_rest() {
  bool removed = false;
  for (const std::string& name : temporaries_) {
    if (Status gone = place_.files.remove(place_.directory + "/" + name); !gone) return gone;
    removed = true;
  }
  for (const Found& found : found_) {
    if (found.keep) continue;
    if (Status gone = place_.files.remove(path(found.number, kSegmentEnding)); !gone) return gone;
    removed = true;
  }
  return removed ? place_.files.sync_directory(place_.directory) : Status{};
}

Result<SegmentReader> JournalRecovery::open(std::size_t index) const {
  return SegmentReader::open(place_.files, place_.directory, place_.store_id, found_[index].number);
}

std::string JournalRecovery::path(SegmentNumber number, std::string_view ending) const {
  return place_.directory + "/" + file_name(number, ending);
}

Error JournalRecovery::damage(std::size_t index, std::uint64_t position,
                              const std::string& what) const {
  return {
      .code = ErrorCode::kCorruption,
      .message = fmt::format("the journal is damaged: {}, byte {}: {}; {}",
                             path(found_[index].number, kSegmentEnding), position, what, kWayOn),
      .detail = {}};
}

}  // namespace durable_streams

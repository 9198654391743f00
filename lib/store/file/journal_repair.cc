// Each step leaves a journal that can be repaired again.
#include "store/file/journal_repair.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string_view>

#include "store/file/put_aside.h"

namespace durable_streams {

using journal_format::kBatchHeaderBytes;
using journal_format::kSegmentEnding;
using journal_format::kSegmentHeaderBytes;
using journal_format::SegmentNumber;
using journal_format::SegmentRead;

Result<JournalRepairs> JournalRepair::mend_headers(NoteLoss& note_loss) {
  JournalRepairs repairs;
  const Result<std::vector<Found>> segments = look_at_segments();
  if (!segments) return segments.error();
  for (const Found& found : *segments) {
    if (Status own = expect_own(found, *segments); !own) return own.error();
  }
  for (const Found& found : *segments) {
    if (Status mended = mend(found, *segments, note_loss, repairs); !mended) return mended.error();
  }
  if (repairs.put_aside.empty() && repairs.renamed.empty()) return repairs;
  if (Status synced = place_.files.sync_directory(place_.directory); !synced) return synced.error();
  return repairs;
}

Result<std::vector<JournalRepair::Found>> JournalRepair::look_at_segments() {
  Result<std::vector<std::string>> names = place_.files.list(place_.directory);
  if (!names) return names.error();
  std::sort(names->begin(), names->end());
  std::vector<Found> segments;
  for (const std::string& name : *names) {
    const auto number = journal_format::number_in(name, kSegmentEnding);
    if (!number) continue;
    Found& found = segments.emplace_back();
    found.number = *number;
    const Result<std::unique_ptr<File>> file = place_.files.open(path(*number), OpenMode::kRead);
    if (!file) return file.error();
    std::string bytes(kSegmentHeaderBytes + kBatchHeaderBytes, '\0');
    const Result<std::size_t> size = (*file)->read(0, bytes.data(), bytes.size());
    if (!size) return size.error();
    const std::string_view beginning(bytes);
    found.read = journal_format::decode(beginning.substr(0, kSegmentHeaderBytes), found.header);
    const std::uint32_t seed = journal_format::batch_seed(place_.store_id, *number);
    found.begins_with_batch =
        journal_format::decode_batch(beginning.substr(kSegmentHeaderBytes), seed, *number)
            .has_value();
  }
  return segments;
}

const JournalRepair::Found* JournalRepair::find(const std::vector<Found>& segments,
                                                SegmentNumber number) {
  const auto found = std::find_if(segments.begin(), segments.end(),
                                  [number](const Found& each) { return each.number == number; });
  return found == segments.end() ? nullptr : &*found;
}

Status JournalRepair::expect_own(const Found& found, const std::vector<Found>& segments) const {
  if (found.read != SegmentRead::kValid) return {};
  if (found.header.store_id != place_.store_id) {
    return Error{.code = ErrorCode::kCorruption,
                 .message = path(found.number) +
                            " is of another store than the catalog and the packs: move away what "
                            "does not belong here",
                 .detail = {}};
  }
  const Found* const there = find(segments, found.header.number);
  if (there == nullptr) return expect_only(found, segments);
  if (!there->is_misnamed()) return {};
  return Error{
      .code = ErrorCode::kCorruption,
      .message = fmt::format("{} calls itself segment {}, and the file of that name segment "
                             "{}: give each its own name",
                             path(found.number), found.header.number, there->header.number),
      .detail = {}};
}

// Renamed to the same name the second would replace the first.
Status JournalRepair::expect_only(const Found& found, const std::vector<Found>& segments) const {
  for (const Found& other : segments) {
    if (&other == &found || !other.is_misnamed() || other.header.number != found.header.number)
      continue;
    return Error{
        .code = ErrorCode::kCorruption,
        .message = fmt::format("{} and {} both call themselves segment {}: move one away",
                               path(found.number), path(other.number), found.header.number),
        .detail = {}};
  }
  return {};
}

Status JournalRepair::mend(const Found& found, const std::vector<Found>& segments,
                           NoteLoss& note_loss, JournalRepairs& repairs) {
  if (found.read == SegmentRead::kNewerVersion) return {};  // no damage; who opens it says so
  if (found.read == SegmentRead::kValid && !found.is_misnamed()) return {};
  if (found.is_misnamed() && find(segments, found.header.number) == nullptr) {
    repairs.renamed.push_back(path(found.header.number));
    return place_.files.rename(path(found.number), path(found.header.number));
  }
  if (found.begins_with_batch) return write_header(found.number, repairs);
  if (Status noted = note_loss(); !noted) return noted;
  Result<std::string> aside = put_aside(place_.files, place_.directory,
                                        journal_format::file_name(found.number, kSegmentEnding));
  if (!aside) return aside.error();
  repairs.put_aside.push_back(std::move(aside).value());
  return {};
}

// Whether old batches lie behind the new ones is not known any more, so they may.
Status JournalRepair::write_header(SegmentNumber number, JournalRepairs& repairs) {
  Result<std::unique_ptr<File>> file = place_.files.open(path(number), OpenMode::kReadWrite);
  if (!file) return file.error();
  const std::string header =
      journal_format::encode({.store_id = place_.store_id, .number = number, .recycled = true});
  if (Status written = (*file)->write(0, {{header}}); !written) return written;
  repairs.mended.push_back(path(number));
  return (*file)->sync();
}

std::string JournalRepair::path(SegmentNumber number) const {
  return place_.directory + "/" + journal_format::file_name(number, kSegmentEnding);
}

Result<JournalRepairs> JournalRepair::end_before_damage(JournalMarks marks,
                                                        JournalRecovery::Visitor& follow,
                                                        NoteLoss& note_loss) {
  JournalRepairs repairs;
  JournalRecovery recovery({.files = place_.files,
                            .directory = place_.directory,
                            .store_id = place_.store_id,
                            .marks = marks});
  JournalFindings findings;
  const Status replayed = recovery.replay(follow, findings);
  if (replayed.ok()) return repairs;
  if (replayed.error().code != ErrorCode::kCorruption || !recovery.was_followed())
    return replayed.error();
  if (Status noted = note_loss(); !noted) return noted.error();
  repairs.ends_with = recovery.readable_until();
  if (Status ended = recovery.end_before_damage(repairs.put_aside); !ended) return ended.error();
  return repairs;
}

}  // namespace durable_streams

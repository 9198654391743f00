// Each step leaves a journal that can be repaired again.
#include "store/file/journal_repair.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string_view>

#include "store/file/journal_format.h"
#include "store/file/put_aside.h"

namespace durable_streams {

using journal_format::kBatchHeaderBytes;
using journal_format::kSegmentEnding;
using journal_format::kSegmentHeaderBytes;
using journal_format::SegmentHeader;
using journal_format::SegmentRead;

Result<std::vector<std::string>> JournalRepair::segments() {
  Result<std::vector<std::string>> names = place_.files.list(place_.directory);
  if (!names) return names;
  std::erase_if(*names, [](const std::string& name) {
    return !journal_format::number_in(name, kSegmentEnding).has_value();
  });
  std::sort(names->begin(), names->end());
  return names;
}

Result<JournalRepairs> JournalRepair::mend_headers(NoteLoss& note_loss) {
  JournalRepairs repairs;
  const Result<std::vector<std::string>> names = segments();
  if (!names) return names.error();
  if (Status own = expect_no_other_store(*names); !own) return own.error();
  for (const std::string& name : *names) {
    if (Status mended = mend_header(name, note_loss, repairs); !mended) return mended.error();
  }
  if (repairs.put_aside.empty()) return repairs;
  if (Status synced = place_.files.sync_directory(place_.directory); !synced) return synced.error();
  return repairs;
}

Status JournalRepair::expect_no_other_store(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const std::string path = place_.directory + "/" + name;
    Result<std::unique_ptr<File>> file = place_.files.open(path, OpenMode::kRead);
    if (!file) return file.error();
    std::string bytes(kSegmentHeaderBytes, '\0');
    const Result<std::size_t> size = (*file)->read(0, bytes.data(), bytes.size());
    if (!size) return size.error();
    SegmentHeader header;
    if (journal_format::decode(bytes, header) != SegmentRead::kValid) continue;
    if (header.store_id == place_.store_id) continue;
    return Error{.code = ErrorCode::kCorruption,
                 .message = path +
                            " is of another store than the catalog and the packs: move away "
                            "what does not belong here",
                 .detail = {}};
  }
  return {};
}

Status JournalRepair::mend_header(const std::string& name, NoteLoss& note_loss,
                                  JournalRepairs& repairs) {
  const std::uint64_t number = *journal_format::number_in(name, kSegmentEnding);
  const std::string path = place_.directory + "/" + name;
  Result<std::unique_ptr<File>> file = place_.files.open(path, OpenMode::kReadWrite);
  if (!file) return file.error();
  std::string bytes(kSegmentHeaderBytes + kBatchHeaderBytes, '\0');
  const Result<std::size_t> size = (*file)->read(0, bytes.data(), bytes.size());
  if (!size) return size.error();
  const std::string_view beginning(bytes);
  SegmentHeader header;
  const SegmentRead read = journal_format::decode(beginning.substr(0, kSegmentHeaderBytes), header);
  if (read == SegmentRead::kNewerVersion) return {};  // no damage; who opens it says so
  if (read == SegmentRead::kValid && header.store_id == place_.store_id && header.number == number)
    return {};
  const std::uint32_t seed = journal_format::batch_seed(place_.store_id, number);
  if (journal_format::decode_batch(beginning.substr(kSegmentHeaderBytes), seed, number)) {
    // Whether old batches lie behind the new ones is not known any more, so they may.
    const std::string again =
        journal_format::encode({.store_id = place_.store_id, .number = number, .recycled = true});
    if (Status written = (*file)->write(0, {{again}}); !written) return written;
    repairs.mended.push_back(path);
    return (*file)->sync();
  }
  if (Status noted = note_loss(); !noted) return noted;
  Result<std::string> aside = put_aside(place_.files, place_.directory, name);
  if (!aside) return aside.error();
  repairs.put_aside.push_back(std::move(aside).value());
  return {};
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

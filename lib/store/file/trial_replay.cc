#include "store/file/trial_replay.h"

#include <fmt/format.h>

#include <variant>

namespace durable_streams {

Status TrialReplay::apply(Lsn lsn, const Change& change) {
  if (const auto* create = std::get_if<CreateChange>(&change)) {
    if (Status free = expect_free_path(lsn, create->record); !free) return free;
  }
  return changes_.apply(lsn, change, settled_.find);
}

// Half a settling may know the stream itself already, or one that took its path later.
Status TrialReplay::expect_free_path(Lsn lsn, const StreamRecord& record) {
  if (lsn <= settled_.settling) return {};
  StreamId there = 0;
  switch (changes_.find_path(record.path, there)) {
    case Memtable::Known::kGone:
      return {};
    case Memtable::Known::kYes:
      break;
    case Memtable::Known::kNo: {
      const Result<std::optional<StreamId>> settled = settled_.find_path(record.path);
      if (!settled) return settled.error();
      if (!*settled) return {};
      there = **settled;
    }
  }
  return Error{.code = ErrorCode::kCorruption,
               .message = fmt::format("record {} of the journal creates a stream at '{}', where "
                                      "stream {} is",
                                      lsn, record.path, there),
               .detail = {}};
}

}  // namespace durable_streams

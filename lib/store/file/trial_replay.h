// A start tried out: do the journal's changes follow on what is settled, and on one another?
#pragma once

#include <durable_streams/function.h>
#include <durable_streams/store.h>

#include <optional>
#include <string_view>
#include <utility>

#include "store/file/catalog.h"
#include "store/file/memtable.h"

namespace durable_streams {

// Threads: one at a time.
class TrialReplay {
 public:
  // What is settled. A path names the stream that it has, soft-deleted or not.
  struct Settled {
    Lsn settling = 0;
    Memtable::FindBelow find;
    Function<Result<std::optional<StreamId>>(std::string_view path)> find_path;
  };

  explicit TrialReplay(Settled settled)
      : settled_(std::move(settled)), changes_(settled_.settling) {}

  // As the catalog knows it, which is borrowed.
  static Settled settled_in(Catalog& catalog, Lsn settling) {
    return {.settling = settling,
            .find = [&catalog](StreamId id) { return catalog.find(id); },
            .find_path = [&catalog](std::string_view path) { return catalog.find_path(path); }};
  }

  // kCorruption: the change does not follow.
  Status apply(Lsn lsn, const Change& change);

 private:
  Status expect_free_path(Lsn lsn, const StreamRecord& record);

  Settled settled_;
  Memtable changes_;
};

}  // namespace durable_streams

// The journal: one sequence of records in segment files, written batch by batch and made durable by one sync for all that
// was written (docs/disk-format.md, "Journal").
#pragma once

#include <durable_streams/function.h>
#include <durable_streams/slice.h>
#include <durable_streams/store.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "store/file/catalog.h"
#include "store/file/file_system.h"

namespace durable_streams {

// Changes on their way to the journal, encoded, in order. Reused. Threads: one at a time.
class JournalBatch {
 public:
  // Large bodies that the change shares are not copied.
  void add(const Change& change);

  bool empty() const { return records_.empty(); }
  std::size_t records() const { return records_.size(); }
  std::size_t bytes() const;  // of the journal that it will take, without the batch's own header
  void clear();

  // Calls `visit` with each record in order, and with the share in its body where it was not copied.
  void for_each(Function<void(std::string_view record, const Slice& body)>& visit) const;

 private:
  friend class Journal;
  struct Record;

  std::string text_;
  std::vector<Record> records_;
};

struct JournalOptions {
  std::uint64_t segment_bytes = std::uint64_t{64} << 20;
  std::size_t spare_segments = 2;  // written with zeros ahead of use
};

}  // namespace durable_streams

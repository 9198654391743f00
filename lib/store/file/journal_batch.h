// Changes on their way to the journal, as the bytes that it will hold.
#pragma once

#include <durable_streams/function.h>
#include <durable_streams/slice.h>
#include <durable_streams/store.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace durable_streams {

// The records of a batch, in order. Reused: clear() keeps the memory up to kKeptBytesMax. Threads:
// one at a time.
class JournalBatch {
 public:
  // From here on a body that the change shares is not copied: a share costs more than a small copy.
  static constexpr std::size_t kSharedBytesMin = 32 << 10;
  static constexpr std::size_t kKeptBytesMax = 4 << 20;

  void add(const Change& change);

  bool empty() const { return records_ == 0; }
  std::size_t records() const { return records_; }
  // What they take in the journal, all but the batch's header.
  std::size_t bytes() const { return text_.size() + shared_bytes_; }
  void clear();

  // Calls `visit` with each change in order: as it was added, except that its views are into the
  // batch, and that an append holds its share only when its bytes were not copied.
  void for_each(Function<void(std::size_t index, const Change& change)>& visit) const;

  // Appends to `parts` the bytes that bytes() counts.
  void gather(std::vector<std::string_view>& parts) const;

 private:
  // A body that stands between text_[at - 1] and text_[at].
  struct Shared {
    std::size_t at = 0;
    Slice body;
  };

  std::string text_;
  std::string head_;  // of the record that is being added
  std::vector<Shared> shared_;
  std::size_t shared_bytes_ = 0;
  std::size_t records_ = 0;
};

}  // namespace durable_streams

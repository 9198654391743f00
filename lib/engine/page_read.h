// One page of a stream: which ranges to ask the store for, and what the page is made of.
#pragma once

#include <durable_streams/store.h>
#include <durable_streams/streams.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "engine/operations.h"

namespace durable_streams {

// Asks for one range, rarely two; give it what the store answered until next_range() has no more.
// In a JSON stream an offset must follow a message: the two bytes before it are read along to see
// that. Threads: one at a time.
class PageRead {
 public:
  // A page of what `stream` shows, from `start` on, which is not beyond its tail; empties `page`.
  PageRead(const StreamView& stream, Offset start, std::size_t bytes_max, Page& page);

  std::optional<ReadRange> next_range() const;

  // Writes all of `page` when this was the last range, whichever page the others went to. Fails
  // with kInvalidArgument when the offset lies inside a message.
  Status take(StoredBytes bytes, Page& page);

 private:
  void end_page(Page& page, std::uint64_t end);

  StreamId id_;
  Framing framing_;
  Offset start_;
  Offset tail_;
  std::shared_ptr<const SequenceStarts> sequences_;
  bool closed_;
  std::size_t bytes_max_;
  std::size_t read_along_ = 0;  // bytes before the start that are asked for too
  bool done_ = false;
};

}  // namespace durable_streams

// Which streams end when: asked for the earliest deadline often, and for those that are due rarely.
#pragma once

#include <durable_streams/store.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "base/mutex.h"
#include "store/memory/memory_stream.h"

namespace durable_streams {

// A heap of the streams that have a deadline; those that have none cost nothing. Its lock is the
// last one taken. Threads: any.
class DeadlineIndex {
 public:
  DeadlineIndex() = default;
  DeadlineIndex(const DeadlineIndex&) = delete;
  DeadlineIndex& operator=(const DeadlineIndex&) = delete;

  // Enters, moves, or with kNever takes out a stream, which must be out before it goes.
  void set(MemoryStream& stream, WallTime deadline);

  WallTime earliest() const {
    return WallTime(WallTime::duration(earliest_ms_.load(std::memory_order_acquire)));
  }

  // Up to `count_max` streams with deadlines not after `now`, earliest first.
  std::vector<ExpiredStream> due(WallTime now, std::size_t count_max);

 private:
  struct Item {
    WallTime deadline;
    MemoryStream* stream;
  };

  void put(std::size_t slot, Item item) DURABLE_STREAMS_REQUIRES(mutex_);
  void rise(std::size_t slot, Item item) DURABLE_STREAMS_REQUIRES(mutex_);
  void settle(std::size_t slot, Item item) DURABLE_STREAMS_REQUIRES(mutex_);
  void remove(std::size_t slot) DURABLE_STREAMS_REQUIRES(mutex_);

  Mutex mutex_;
  // A deque, so that growth moves nothing while others wait.
  std::deque<Item> heap_ DURABLE_STREAMS_GUARDED_BY(mutex_);
  std::atomic<WallTime::rep> earliest_ms_{kNever.time_since_epoch().count()};
};

}  // namespace durable_streams

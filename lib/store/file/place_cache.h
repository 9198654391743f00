// Where settled streams lie, as the catalog last said: so that a read of what the kernel has in
// memory need not wait for a thread that may ask the catalog.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "store/file/catalog.h"
#include "store/file/stream_shape.h"

namespace durable_streams {

struct StreamPlace {
  StreamShape shape;
  std::vector<Extent> extents;
};

// What it holds may be old, and is never wrong: a settled byte stays what it is. An old place ends
// too early, or names a pack that is gone; who finds that asks the catalog. Threads: any.
class PlaceCache {
 public:
  // Null: not known.
  std::shared_ptr<const StreamPlace> get(StreamId id) const {
    const Shard& shard = shards_[id % kShards];
    const MutexLock lock(shard.mutex);
    const auto found = shard.places.find(id);
    return found == shard.places.end() ? nullptr : found->second;
  }

  void put(StreamId id, StreamPlace place) {
    auto shared = std::make_shared<const StreamPlace>(std::move(place));
    Shard& shard = shards_[id % kShards];
    const MutexLock lock(shard.mutex);
    // Filling it again costs a few microseconds a stream, so there is no order of use to keep.
    if (shard.places.size() >= kPlacesPerShard) shard.places.clear();
    shard.places.insert_or_assign(id, std::move(shared));
  }

 private:
  static constexpr std::size_t kShards = 16;
  static constexpr std::size_t kPlacesPerShard = 2048;

  struct alignas(64) Shard {
    mutable Mutex mutex;
    std::unordered_map<StreamId, std::shared_ptr<const StreamPlace>> places
        DURABLE_STREAMS_GUARDED_BY(mutex);
  };

  std::array<Shard, kShards> shards_;
};

}  // namespace durable_streams

// Verified blocks of packs, held for those who read them again: neither the disk, nor a checksum,
// nor a copy out of the kernel stands between a hot page and its reader.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "store/file/pack_format.h"

namespace durable_streams {

// Holds at most `bytes_max`, what finds them counted; the least recently used blocks make way. A
// block is held from the second time that it is offered, so that whoever reads much once drives
// nothing out. What it holds was true when it was read: packs never change, and no two have one id.
// A limit below a MiB may be too small for any full block. Threads: any.
class BlockCache {
 public:
  // A block's data and then its append ends. Null bytes: it is not held.
  struct Content {
    std::shared_ptr<const char[]> bytes;
    std::size_t size = 0;

    std::string_view view() const { return {bytes.get(), size}; }
  };

  struct Stats {
    std::uint64_t bytes = 0;
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;  // blocks that were offered
  };

  explicit BlockCache(std::uint64_t bytes_max);

  Content find(const pack_format::BlockPlace& place);

  // `content` was read from there and verified; it is copied if it is to be held.
  void offer(const pack_format::BlockPlace& place, std::string_view content);

  Stats stats() const;

 private:
  using Place = pack_format::BlockPlace;

  static constexpr std::size_t kShardsMax = 16;
  static constexpr std::uint64_t kShardBytesMin = std::uint64_t{1} << 20;
  static constexpr std::size_t kRememberedPerShard = 2048;
  // Beside its content: nodes of a list and of a map, and the count of its owners.
  static constexpr std::uint64_t kOverheadBytes = 192;

  struct Entry {
    Place place;
    Content content;
  };
  struct Hash {
    std::size_t operator()(const Place& place) const;
  };
  struct alignas(64) Shard {
    mutable Mutex mutex;
    // The last used comes first.
    std::list<Entry> entries DURABLE_STREAMS_GUARDED_BY(mutex);
    std::unordered_map<Place, std::list<Entry>::iterator, Hash> table
        DURABLE_STREAMS_GUARDED_BY(mutex);
    // Blocks that were offered once, by a part of their hash; another may drive one out.
    std::vector<std::uint32_t> offered DURABLE_STREAMS_GUARDED_BY(mutex);
    std::uint64_t bytes DURABLE_STREAMS_GUARDED_BY(mutex) = 0;
    std::uint64_t hits DURABLE_STREAMS_GUARDED_BY(mutex) = 0;
    std::uint64_t misses DURABLE_STREAMS_GUARDED_BY(mutex) = 0;
  };

  Shard& shard_of(std::size_t hash) { return shards_[hash % shards_.size()]; }
  static bool refresh(Shard& shard, const Place& place) DURABLE_STREAMS_REQUIRES(shard.mutex);
  static bool offered_before(Shard& shard, std::size_t hash) DURABLE_STREAMS_REQUIRES(shard.mutex);
  void make_room(Shard& shard, std::uint64_t bytes, std::list<Entry>& out) const
      DURABLE_STREAMS_REQUIRES(shard.mutex);

  std::vector<Shard> shards_;
  const std::uint64_t shard_bytes_max_;
};

}  // namespace durable_streams

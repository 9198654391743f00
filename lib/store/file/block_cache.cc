// Each shard has a lock, an order of use and a share of the bytes of its own. Content is copied
// before the lock is taken, and given back after it.
#include "store/file/block_cache.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <utility>

#include "base/keyed_hash.h"

namespace durable_streams {

namespace {

BlockCache::Content copy_of(std::string_view bytes) {
  auto copy = std::make_shared_for_overwrite<char[]>(bytes.size());
  std::memcpy(copy.get(), bytes.data(), bytes.size());
  return {.bytes = std::move(copy), .size = bytes.size()};
}

}  // namespace

BlockCache::BlockCache(std::uint64_t bytes_max)
    : shards_(std::clamp<std::uint64_t>(bytes_max / kShardBytesMin, 1, kShardsMax)),
      shard_bytes_max_(bytes_max / shards_.size()) {}

std::size_t BlockCache::Hash::operator()(const Place& place) const {
  const std::array<std::uint64_t, 3> words = {place.pack, place.first, place.data_bytes};
  return keyed_hash(place.stream, {reinterpret_cast<const char*>(words.data()), sizeof(words)});
}

BlockCache::Content BlockCache::find(const Place& place) {
  Shard& shard = shard_of(Hash()(place));
  const MutexLock lock(shard.mutex);
  if (!refresh(shard, place)) return {};
  ++shard.hits;
  return shard.entries.front().content;
}

void BlockCache::offer(const Place& place, std::string_view content) {
  const std::size_t hash = Hash()(place);
  Shard& shard = shard_of(hash);
  const std::uint64_t bytes = content.size() + kOverheadBytes;
  {
    const MutexLock lock(shard.mutex);
    ++shard.misses;
    if (bytes > shard_bytes_max_ || refresh(shard, place) || !offered_before(shard, hash)) return;
  }
  std::list<Entry> entry;
  entry.push_back({.place = place, .content = copy_of(content)});
  std::list<Entry> dropped;
  const MutexLock lock(shard.mutex);
  if (!shard.table.try_emplace(place, entry.begin()).second) return;  // somebody was faster
  make_room(shard, bytes, dropped);
  shard.bytes += bytes;
  shard.entries.splice(shard.entries.begin(), entry);
}

// Makes the block the last used; false: it is not held.
bool BlockCache::refresh(Shard& shard, const Place& place) {
  const auto found = shard.table.find(place);
  if (found == shard.table.end()) return false;
  shard.entries.splice(shard.entries.begin(), shard.entries, found->second);
  return true;
}

void BlockCache::make_room(Shard& shard, std::uint64_t bytes, std::list<Entry>& out) const {
  while (shard.bytes + bytes > shard_bytes_max_) {
    const auto oldest = std::prev(shard.entries.end());
    shard.bytes -= oldest->content.size + kOverheadBytes;
    shard.table.erase(oldest->place);
    out.splice(out.begin(), shard.entries, oldest);
  }
}

bool BlockCache::offered_before(Shard& shard, std::size_t hash) {
  shard.offered.resize(kRememberedPerShard);
  std::uint32_t& remembered = shard.offered[hash / kShardsMax % kRememberedPerShard];
  const auto mark = static_cast<std::uint32_t>(hash >> 32) | 1;
  return std::exchange(remembered, mark) == mark;
}

BlockCache::Stats BlockCache::stats() const {
  Stats sum;
  for (const Shard& shard : shards_) {
    const MutexLock lock(shard.mutex);
    sum.bytes += shard.bytes;
    sum.hits += shard.hits;
    sum.misses += shard.misses;
  }
  return sum;
}

}  // namespace durable_streams

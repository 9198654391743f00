// What the store tells of what it holds, and of its own work.
#include <algorithm>
#include <chrono>

#include "store/file/file_state.h"

namespace durable_streams {

std::uint64_t FileState::memtable_bytes() const {
  const std::shared_lock generations(generations_mutex_);
  return active_->memory_bytes() + (frozen_ != nullptr ? frozen_->memory_bytes() : 0);
}

StoreStats FileState::stats() const {
  auto streams = static_cast<std::int64_t>(settled_streams_.load(std::memory_order_relaxed));
  auto bytes = static_cast<std::int64_t>(settled_bytes_.load(std::memory_order_relaxed));
  auto producers = static_cast<std::int64_t>(settled_producers_.load(std::memory_order_relaxed));
  std::uint64_t memory = 0;
  const std::shared_lock lock(generations_mutex_);
  for (const Memtable* memtable : generations()) {
    streams += memtable->streams_added();
    bytes += memtable->bytes_added();
    producers += memtable->producers_added();
    memory += memtable->memory_bytes();
  }
  return {.streams = static_cast<std::uint64_t>(std::max<std::int64_t>(streams, 0)),
          .stored_bytes = static_cast<std::uint64_t>(std::max<std::int64_t>(bytes, 0)),
          .producers = static_cast<std::uint64_t>(std::max<std::int64_t>(producers, 0)),
          .memory_bytes = memory};
}

std::chrono::milliseconds FileState::unsettled_age() const {
  Steady::rep since = frozen_since_.load(std::memory_order_relaxed);
  if (since == kNoTime) since = active_since_.load(std::memory_order_relaxed);
  if (since == kNoTime) return std::chrono::milliseconds(0);
  return std::chrono::ceil<std::chrono::milliseconds>(Steady::now() -
                                                      Steady::time_point(Steady::duration(since)));
}

FileStoreStats FileState::file_stats() const {
  FileStoreStats stats{
      .commits = commits_.load(std::memory_order_relaxed),
      .committed_changes = committed_changes_.load(std::memory_order_relaxed),
      .commit_sizes = commit_size_counts_.counts(),
      .syncs = syncs_made_.load(std::memory_order_relaxed),
      .sync_time = std::chrono::nanoseconds(sync_time_.load(std::memory_order_relaxed)),
      .sync_times = sync_time_counts_.counts(),
      .journal_written_bytes = journal_->written_bytes(),
      .pack_written_bytes = pack_written_bytes_.load(std::memory_order_relaxed),
      .in_flight_changes = in_flight_changes_.load(std::memory_order_relaxed),
      .unsettled_age = unsettled_age(),
      .journal_bytes = journal_->bytes(),
      .memtable_bytes = memtable_bytes(),
      .in_flight_bytes = in_flight_bytes_.load(std::memory_order_relaxed),
      .settlings = settlings_.load(std::memory_order_relaxed),
      .merges = merges_.load(std::memory_order_relaxed),
      .open_packs = packs_->open(),
      .short_of_room = short_of_room(),
      .backups = backups_.load(std::memory_order_relaxed),
      .scrubbed_bytes = scrubbed_bytes_.load(std::memory_order_relaxed),
      .scrubs = scrubs_.load(std::memory_order_relaxed)};
  {
    const MutexLock lock(damage_mutex_);
    stats.damage = damage_;
  }
  if (blocks_ != nullptr) {
    const BlockCache::Stats blocks = blocks_->stats();
    stats.read_cache_bytes = blocks.bytes;
    stats.read_cache_hits = blocks.hits;
    stats.read_cache_misses = blocks.misses;
  }
  for (const auto& [id, pack] : pack_infos()) {
    ++stats.packs;
    stats.pack_bytes += pack.file_bytes;
  }
  const MutexLock lock(gather_mutex_);
  stats.read_only = failed_.has_value();
  stats.read_only_reason = failure_;
  return stats;
}

}  // namespace durable_streams

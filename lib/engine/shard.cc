// The table of one shard's paths, and the order in which they were last found idle.
#include "engine/shard.h"

#include <string>

#include "base/assert.h"

namespace durable_streams {

Entry* Shard::find(const PathKey& key) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return nullptr;
  found->second->used = true;
  return found->second.get();
}

Entry& Shard::add(const PathKey& key) {
  auto entry = std::make_unique<Entry>(std::string(key.path), key.hash, *this);
  Entry& added = *entry;
  const bool inserted = entries_.emplace(PathKey{.path = added.path, .hash = added.hash}, std::move(entry)).second;
  DURABLE_STREAMS_ASSERT(inserted);
  link_newest(added);
  return added;
}

void Shard::drop(Entry& entry) {
  unlink(entry);
  entries_.erase(PathKey{.path = entry.path, .hash = entry.hash});
}

void Shard::link_newest(Entry& entry) {
  entry.newer = nullptr;
  entry.older = newest_;
  if (newest_ != nullptr) newest_->newer = &entry;
  newest_ = &entry;
  if (oldest_ == nullptr) oldest_ = &entry;
}

void Shard::unlink(Entry& entry) {
  (entry.newer != nullptr ? entry.newer->older : newest_) = entry.older;
  (entry.older != nullptr ? entry.older->newer : oldest_) = entry.newer;
  entry.newer = entry.older = nullptr;
}

}  // namespace durable_streams

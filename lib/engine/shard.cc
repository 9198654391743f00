// The table of one shard's paths, and the order in which they were last found idle.
#include "engine/shard.h"

#include <memory>
#include <string>

namespace durable_streams {

Shard::~Shard() {
  entries_.clear([](Entry* entry) { delete entry; });
}

const Entry* Shard::peek(const PathKey& key) const {
  return entries_.find(
      key.hash, [&](const Entry& each) { return each.hash == key.hash && each.path == key.path; });
}

Entry* Shard::find(const PathKey& key) {
  Entry* found = entries_.find(
      key.hash, [&](const Entry& each) { return each.hash == key.hash && each.path == key.path; });
  if (found != nullptr) found->used = true;
  return found;
}

Entry& Shard::add(const PathKey& key) {
  auto entry = std::make_unique<Entry>(std::string(key.path), key.hash, *this);
  entries_.insert(*entry);
  link_newest(*entry);
  return *entry.release();
}

void Shard::drop(Entry& entry) {
  unlink(entry);
  entries_.remove(entry);
  delete &entry;
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

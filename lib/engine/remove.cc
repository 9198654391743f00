// The end of streams: deletion, soft deletion, expiry, and the release of sources when their forks
// go (protocol sections 4.2 and 5.4).
#include <utility>

#include "engine/engine_impl.h"

namespace durable_streams {

AtOnce<void> Engine::Impl::remove(std::string_view path, Deferral<void>& deferral) {
  std::optional<ForkPoint> owed;
  AtOnce<void> answer = remove_locked(path, deferral, owed);
  if (owed) release(std::move(owed));
  return answer;
}

AtOnce<void> Engine::Impl::remove_locked(std::string_view path, Deferral<void>& deferral,
                                         std::optional<ForkPoint>& owed) {
  const PathKey key = key_of(path);
  Shard& shard = shard_of(key);
  const ShardLock lock(shard);
  const Located located = locate(shard, key);
  if (std::optional<AtOnce<void>> absent = answer_absent(located, deferral, owed)) {
    return *std::move(absent);
  }
  Entry& entry = *located.entry;
  Result<Transaction*> submitted = remove_reserved(entry, owed);
  if (!submitted) return std::move(submitted).error();
  Transaction* pending = *submitted;
  AtOnce<void> answer = answer_with(pending, deferral, Status());
  drop_if_empty(entry);
  return answer;
}

Result<Transaction*> Engine::Impl::remove_reserved(Entry& entry, std::optional<ForkPoint>& owed) {
  const std::shared_ptr<Stream> stream = entry.reserved;
  const bool soft = stream->reserved.forks > 0;
  Result<Transaction*> submitted =
      submit(RemoveChange{.id = stream->id,
                          .version = stream->reserved.version,
                          .mode = soft ? RemoveChange::Mode::kSoft : RemoveChange::Mode::kFull},
             entry);
  if (!submitted) return submitted;
  PendingChange* pending = *submitted == nullptr ? nullptr : &remember(**submitted, entry, stream);
  ++stream->reserved.version;
  if (soft) {
    stream->reserved.soft_deleted = true;
  } else {
    entry.reserved = nullptr;
    (pending != nullptr ? pending->transaction->release : owed) = stream->fork;
  }
  settle(entry, stream, pending);
  return submitted;
}

Status Engine::Impl::expire_if_due(Entry& entry, std::optional<ForkPoint>& owed) {
  const Stream* stream = entry.reserved.get();
  if (stream == nullptr || stream->reserved.soft_deleted ||
      !(stream->expiry.ttl || stream->expiry.at)) {
    return {};
  }
  if (!stream->expired(now())) return {};
  Result<Transaction*> removed = remove_reserved(entry, owed);
  if (!removed) return std::move(removed).error();
  flush_wanted_.store(true, std::memory_order_relaxed);
  ++entry.shard.expired_streams;
  return {};
}

void Engine::Impl::release(std::optional<ForkPoint> owed) {
  while (owed) owed = release_one(*owed);
}

std::optional<ForkPoint> Engine::Impl::release_one(const ForkPoint& point) {
  const PathKey key = key_of(point.source_path);
  Shard& shard = shard_of(key);
  const ShardLock lock(shard);
  const Located located = locate(shard, key);
  if (located.failure) owe(point);
  if (located.entry == nullptr) return std::nullopt;
  Entry& entry = *located.entry;
  if (entry.loading) {
    entry.when_loaded.emplace_back([this, point](const Status& status) {
      if (!status.ok()) return owe(point);
      release(point);
      store_.flush();
    });
    return std::nullopt;
  }
  const std::shared_ptr<Stream> stream = entry.reserved;
  if (stream == nullptr || stream->id != point.source || stream->reserved.forks == 0) {
    return std::nullopt;
  }
  const bool last = stream->reserved.soft_deleted && stream->reserved.forks == 1;
  Result<Transaction*> submitted = submit(
      ReleaseChange{.source = stream->id, .version = stream->reserved.version, .remove = last},
      entry);
  if (!submitted) {
    owe(point);
    return std::nullopt;
  }
  PendingChange* pending = *submitted == nullptr ? nullptr : &remember(**submitted, entry, stream);
  if (pending != nullptr) pending->transaction->repays = point;
  ++stream->reserved.version;
  --stream->reserved.forks;
  std::optional<ForkPoint> owed;
  if (last) {
    entry.reserved = nullptr;
    (pending != nullptr ? pending->transaction->release : owed) = stream->fork;
  }
  settle(entry, stream, pending);
  drop_if_empty(entry);
  return owed;
}

void Engine::Impl::owe(ForkPoint point) {
  {
    const MutexLock lock(owed_mutex_);
    owed_.push_back(std::move(point));
  }
  note_deadline(now() + kRetry);
}

void Engine::Impl::release_owed() {
  std::vector<ForkPoint> owed;
  {
    const MutexLock lock(owed_mutex_);
    owed.swap(owed_);
  }
  for (ForkPoint& point : owed) release(std::move(point));
}

}  // namespace durable_streams

// Expiry without being asked: one of the engine's loops keeps a timer for the earliest saved
// deadline. Nothing is scanned, and no stream has a timer of its own. A saved deadline may be
// earlier than the true one; then the true one is saved. The same timer serves the releases of
// sources that the store refused.
#include <algorithm>
#include <mutex>
#include <utility>

#include "engine/engine_impl.h"

namespace durable_streams {

namespace {

constexpr std::size_t kReapedAtOnceMax = 128;

// What holds its stream's expiry off does so for a time that nobody knows: its deadline is looked
// at again after this.
constexpr std::chrono::seconds kHeldRecheck{60};

}  // namespace

void Engine::Impl::add_handle(std::shared_ptr<Mailbox> mailbox) {
  const MutexLock lock(handles_mutex_);
  handles_.push_back(std::move(mailbox));
}

void Engine::Impl::remove_handle(const Mailbox& mailbox) {
  const MutexLock lock(handles_mutex_);
  std::erase_if(handles_,
                [&](const std::shared_ptr<Mailbox>& each) { return each.get() == &mailbox; });
  if (!handles_.empty()) handles_.front()->rearm();
}

WallTime Engine::Impl::next_reaping(const Mailbox& mailbox) {
  const MutexLock lock(handles_mutex_);
  if (handles_.empty() || handles_.front().get() != &mailbox) return kNever;
  return WallTime(WallTime::duration(next_reaping_.load()));
}

void Engine::Impl::note_deadline(WallTime deadline) {
  WallTime::rep known = next_reaping_.load(std::memory_order_relaxed);
  const WallTime::rep wanted = deadline.time_since_epoch().count();
  while (wanted < known) {
    if (!next_reaping_.compare_exchange_weak(known, wanted)) continue;
    const MutexLock lock(handles_mutex_);
    if (!handles_.empty()) handles_.front()->rearm();
    return;
  }
}

void Engine::Impl::reap() {
  // Exchanged, not stored: a deadline noted before is in the store already, where it is seen below.
  next_reaping_.exchange(kNever.time_since_epoch().count());
  release_owed();
  std::optional<Result<std::vector<ExpiredStream>>> found =
      store_.expired_now(now(), kReapedAtOnceMax);
  if (found) return reap_found(std::move(*found));
  store_.expired(now(), kReapedAtOnceMax, [life = life_](Result<std::vector<ExpiredStream>> later) {
    const std::shared_lock<std::shared_mutex> alive(life->mutex);
    if (life->engine == nullptr) return;
    life->engine->reap_found(std::move(later));
    life->engine->store_.flush();
  });
}

void Engine::Impl::reap_found(Result<std::vector<ExpiredStream>> found) {
  if (!found) return note_deadline(now() + kRetry);
  for (const ExpiredStream& candidate : *found) reap_one(candidate);
  if (found->size() == kReapedAtOnceMax) {
    note_deadline(store_.earliest_deadline());
  } else {
    note_earliest_deadline();
  }
}

void Engine::Impl::note_earliest_deadline() {
  // One that is due already is that of a change in flight, or was refused: no hurry, lest it spins.
  note_deadline(std::max(store_.earliest_deadline(), now() + std::chrono::milliseconds(10)));
}

void Engine::Impl::reap_one(const ExpiredStream& candidate) {
  std::optional<ForkPoint> owed;
  {
    const PathKey key = key_of(candidate.path);
    Shard& shard = shard_of(key);
    const ShardLock lock(shard);
    const Located located = locate(shard, key);
    if (located.entry == nullptr || located.entry->loading) return;
    Entry& entry = *located.entry;
    if (entry.reserved == nullptr || entry.reserved->id != candidate.id) return;
    ignore(expire_if_due(entry, owed),
           "the stream is hidden by its deadline; a later round removes it");
    if (const std::shared_ptr<Stream> stream = entry.reserved;
        stream != nullptr && !stream->reserved.soft_deleted) {
      const WallTime held_until =
          now() +
          std::max<WallTime::duration>(kHeldRecheck, stream->expiry.ttl.value_or(kHeldRecheck));
      const WallTime deadline =
          stream->holds > 0 && !stream->expiry.at ? held_until : stream->deadline();
      save_deadline(entry, stream, deadline);  // or not: the old one is merely early
    }
    drop_if_empty(entry);
  }
  release(std::move(owed));
}

}  // namespace durable_streams

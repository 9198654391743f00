// The engine's beginning and end, and what belongs to no single operation.
#include <durable_streams/engine.h>

#include <algorithm>
#include <bit>
#include <mutex>
#include <utility>

#include "base/assert.h"
#include "base/keyed_hash.h"
#include "engine/engine_impl.h"

namespace durable_streams {

ShardLock::ShardLock(Shard& shard) DURABLE_STREAMS_NO_THREAD_SAFETY_ANALYSIS : first_(&shard),
                                                                               second_(nullptr) {
  first_->mutex.lock();
}

ShardLock::ShardLock(Shard& a, Shard& b) DURABLE_STREAMS_NO_THREAD_SAFETY_ANALYSIS
    : first_(a.index <= b.index ? &a : &b),
      second_(&a == &b ? nullptr : (a.index <= b.index ? &b : &a)) {
  first_->mutex.lock();
  if (second_ != nullptr) second_->mutex.lock();
}

ShardLock::~ShardLock() DURABLE_STREAMS_NO_THREAD_SAFETY_ANALYSIS {
  if (second_ != nullptr) second_->mutex.unlock();
  first_->mutex.unlock();
}

Engine::Impl::Impl(Store& store, const EngineOptions& options)
    : store_(store),
      options_(options),
      clock_(options.clock != nullptr ? options.clock : &system_clock_),
      commits_at_once_(store.commits_at_once()),
      streams_(store.stats().streams),
      read_sequence_(store.read_sequence()),
      hash_key_(random_hash_key()),
      life_(std::make_shared<Life>(*this)) {
  options_.page_bytes_max = std::max<std::size_t>(options_.page_bytes_max, 1);
  const std::size_t count = std::bit_ceil(std::clamp<std::size_t>(options_.shards, 1, 4096));
  shards_.reserve(count);
  for (std::size_t index = 0; index < count; ++index) {
    shards_.push_back(std::make_unique<Shard>(index));
  }
  shard_entries_max_ = std::max<std::size_t>(1, options_.loaded_streams_max / count);
  store_.set_listener(this);
  note_deadline(store_.earliest_deadline());
  if (Result<std::vector<ForkPoint>> owed = store_.owed_releases()) {
    for (ForkPoint& point : *owed) owe(std::move(point));
  }
}

Engine::Impl::~Impl() {
  store_.set_listener(nullptr);
  {
    const std::unique_lock<std::shared_mutex> lock(life_->mutex);
    life_->engine = nullptr;
  }
  save_slid_deadlines();
}

// A store that outlives the process must not find streams expired that were read a moment ago.
void Engine::Impl::save_slid_deadlines() {
  for (const std::unique_ptr<Shard>& shard : shards_) {
    const ShardLock lock(*shard);
    shard->for_each([this](const Entry& entry) {
      const Stream* const stream = entry.shown.get();
      if (stream == nullptr || !stream->expiry.ttl || stream->deadline() == stream->saved_deadline)
        return;
      ignore(store_.submit(DeadlineChange{.id = stream->id, .deadline = stream->deadline()}, 0),
             "nobody is left to be told");
    });
  }
  store_.flush();
}

EngineStats Engine::Impl::stats() {
  EngineStats stats;
  for (const std::unique_ptr<Shard>& shard : shards_) {
    const ShardLock lock(*shard);
    stats.loaded_streams += shard->size();
    stats.waiting_long_polls +=
        shard->waiting_readers[static_cast<std::size_t>(LiveKind::kLongPoll)];
    stats.waiting_sse += shard->waiting_readers[static_cast<std::size_t>(LiveKind::kSse)];
    stats.waiting_followers +=
        shard->waiting_readers[static_cast<std::size_t>(LiveKind::kFollower)];
    stats.appends += shard->appends;
    stats.appended_bytes += shard->appended_bytes;
    stats.new_producers += shard->new_producers;
    stats.expired_streams += shard->expired_streams;
  }
  stats.waiting_readers = stats.waiting_long_polls + stats.waiting_sse + stats.waiting_followers;
  return stats;
}

void Engine::Impl::touch(Entry& entry) {
  Stream& stream = *entry.reserved;
  if (!stream.expiry.ttl) return;
  if (entry.pending.empty()) {
    stream.touched = now();
    return;
  }
  PendingChange& last = *entry.pending.newest();
  DURABLE_STREAMS_ASSERT(last.stream == entry.reserved);
  if (!std::exchange(last.touches, true)) ++stream.holds;
}

bool Engine::Impl::let_go(const std::shared_ptr<Stream>& stream, Outcome outcome) {
  --stream->holds;
  if (outcome == Outcome::kAccepted && stream->expiry.ttl) stream->touched = now();
  // The reaper may have put the saved deadline off while the stream was held, and would come too
  // late.
  const bool late = stream->saved_deadline > stream->deadline();
  if (!late || stream->visible.removed || stream->visible.soft_deleted) return false;
  if (!save_deadline(stream->entry, stream, stream->deadline())) return true;
  note_deadline(stream->deadline());
  return false;
}

StreamView Engine::Impl::visible_view(const Stream& stream) const {
  return {.id = stream.id,
          .media_type = stream.media_type,
          .tail = stream.visible.tail,
          .sequences = stream.reserved.sequences,
          .closed = stream.visible.closed,
          .expiry = stream.expiry,
          .deadline = stream.holds > 0 && stream.expiry.ttl ? now() + *stream.expiry.ttl
                                                            : stream.deadline()};
}

StreamView Engine::Impl::reserved_view(const Stream& stream) const {
  StreamView view = visible_view(stream);
  view.tail = stream.reserved.tail;
  view.closed = stream.reserved.closed;
  return view;
}

Engine::Engine(Store& store, EngineOptions options)
    : impl_(std::make_unique<Impl>(store, options)) {}
Engine::~Engine() = default;
const EngineOptions& Engine::options() const { return impl_->options(); }
Store& Engine::store() const { return impl_->store(); }
EngineStats Engine::stats() const { return impl_->stats(); }

}  // namespace durable_streams

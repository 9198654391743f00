// How streams and producers come from the store into the engine's hands, and leave them again.
#include <mutex>
#include <utility>

#include "base/assert.h"
#include "engine/engine_impl.h"

namespace durable_streams {

Engine::Impl::Located Engine::Impl::locate(Shard& shard, const PathKey& key) {
  if (Entry* entry = shard.find(key)) return {.entry = entry, .failure = {}};
  StreamRecord record;
  std::optional<Result<bool>> loaded = store_.load_now(key.path, record);
  if (loaded && !loaded->ok()) return {.entry = nullptr, .failure = loaded->error()};
  if (loaded && !**loaded) return {};
  Entry& entry = add_entry(shard, key);
  if (loaded) {
    install(entry, std::move(record));
  } else {
    start_loading(entry);
  }
  return {.entry = &entry, .failure = {}};
}

Entry& Engine::Impl::add_entry(Shard& shard, const PathKey& key) {
  make_room(shard);
  return shard.add(key);
}

void Engine::Impl::install(Entry& entry, StreamRecord&& record) {
  auto stream =
      std::make_shared<Stream>(record.id, entry, entry.shard, media_types_.get(record.content_type),
                               record.expiry, std::move(record.fork));
  DURABLE_STREAMS_ASSERT(stream->media_type->framing == record.framing);
  stream->reserved = {.version = record.version,
                      .tail = record.tail,
                      .sequences = shared_starts(std::move(record.sequences)),
                      .closed = record.closed,
                      .soft_deleted = record.soft_deleted,
                      .forks = record.forks,
                      .producers = record.producers,
                      .stream_seq = std::move(record.stream_seq),
                      .closed_by = std::move(record.closed_by)};
  stream->visible = {.tail = record.tail,
                     .closed = record.closed,
                     .soft_deleted = record.soft_deleted,
                     .removed = false};
  stream->saved_deadline = record.deadline;
  if (record.expiry.ttl) stream->touched = record.deadline - *record.expiry.ttl;
  entry.shown = stream;
  entry.reserved = std::move(stream);
  entry.counted = true;
}

bool Engine::Impl::count_stream(Entry& entry) {
  if (entry.counted) return true;
  const std::uint64_t most = options_.streams_max != 0 ? options_.streams_max : UINT64_MAX;
  std::uint64_t streams = streams_.load(std::memory_order_relaxed);
  do {
    if (streams >= most) return false;
  } while (!streams_.compare_exchange_weak(streams, streams + 1, std::memory_order_relaxed));
  entry.counted = true;
  return true;
}

void Engine::Impl::uncount_stream_if_gone(Entry& entry) {
  const bool gone = entry.shown == nullptr && entry.reserved == nullptr && entry.pending.empty();
  if (!gone || !std::exchange(entry.counted, false)) return;
  streams_.fetch_sub(1, std::memory_order_relaxed);
}

void Engine::Impl::start_loading(Entry& entry) {
  entry.loading = true;
  store_.load(entry.path, [life = life_,
                           path = entry.path](Result<std::optional<StreamRecord>> record) mutable {
    const std::shared_lock<std::shared_mutex> alive(life->mutex);
    if (life->engine != nullptr) life->engine->finish_loading(path, std::move(record));
  });
}

void Engine::Impl::finish_loading(const std::string& path,
                                  Result<std::optional<StreamRecord>> record) {
  const PathKey key = key_of(path);
  Shard& shard = shard_of(key);
  std::vector<Continuation> waiting;
  Status status;
  {
    const ShardLock lock(shard);
    Entry* entry = shard.find(key);
    DURABLE_STREAMS_ASSERT(entry != nullptr && entry->loading);
    entry->loading = false;
    waiting.swap(entry->when_loaded);
    if (!record.ok()) {
      status = record.error();
      drop_if_empty(*entry);
    } else if (record->has_value()) {
      install(*entry, std::move(**record));
    }
  }
  for (Continuation& next : waiting) next(status);
}

void Engine::Impl::make_producer_room(const Entry& entry, Stream& stream) {
  constexpr std::size_t kHeldMax = 32;  // anybody may ask for as many as they like
  // Of a stream that is busy, those that are known will be back.
  constexpr std::size_t kKnownHeldMax = 1024;
  const std::size_t held = stream.producers.size();
  if (held < kHeldMax) return;
  const bool all = entry.pending.empty() || held >= kKnownHeldMax;
  std::erase_if(stream.producers, [all](const auto& each) {
    return each.second.in_flight == 0 && (all || !each.second.state);
  });
}

const HeldProducer* Engine::Impl::find_producer(Entry& entry, Stream& stream, std::string_view id,
                                                std::optional<Error>& failure) {
  if (const auto known = stream.producers.find(id); known != stream.producers.end()) {
    return &known->second;
  }
  make_producer_room(entry, stream);
  ProducerState state;
  std::optional<Result<bool>> loaded = store_.load_producer_now(stream.id, id, state);
  if (loaded && !loaded->ok()) {
    failure = loaded->error();
    return nullptr;
  }
  if (loaded) {
    HeldProducer held;
    if (**loaded) held.state = state;
    return &stream.producers.emplace(id, held).first->second;
  }
  entry.loading = true;
  auto done = [life = life_, path = entry.path, stream = entry.reserved,
               name = std::string(id)](const Result<std::optional<ProducerState>>& found) {
    const std::shared_lock<std::shared_mutex> alive(life->mutex);
    if (life->engine == nullptr) return;
    life->engine->finish_loading_for(path, *stream, [&]() -> Status {
      if (!found.ok()) return found.error();
      stream->producers.emplace(name, HeldProducer{.state = *found});
      return {};
    });
  };
  store_.load_producer(stream.id, id, std::move(done));
  return nullptr;
}

void Engine::Impl::finish_loading_for(const std::string& path, Stream& stream,
                                      Function<Status()> take) {
  const PathKey key = key_of(path);
  std::vector<Continuation> waiting;
  Status status;
  {
    const ShardLock lock(stream.shard);
    Entry* entry = stream.shard.find(key);
    DURABLE_STREAMS_ASSERT(entry != nullptr && entry->loading);
    entry->loading = false;
    waiting.swap(entry->when_loaded);
    status = take();
  }
  for (Continuation& next : waiting) next(status);
}

void Engine::Impl::make_room(Shard& shard) {
  constexpr int kDeadlinesSavedMax = 4;  // that wait for the store: one entry needs no more
  int saved = 0;
  while (shard.size() >= shard_entries_max_ && saved < kDeadlinesSavedMax) {
    Entry* idle = shard.find_idle(&Impl::may_drop);
    if (idle == nullptr) return;
    const std::shared_ptr<Stream> stream = idle->reserved;
    const bool slid =
        stream != nullptr && stream->expiry.ttl && stream->deadline() != stream->saved_deadline;
    // Loaded again before its deadline is saved, the stream would expire too early.
    if (slid && !save_deadline(*idle, stream, stream->deadline())) {
      ++saved;
    } else {
      shard.drop(*idle);
    }
  }
}

bool Engine::Impl::may_drop(const Entry& entry) {
  if (entry.loading || entry.pins > 0 || entry.transactions > 0 || entry.shown != entry.reserved) {
    return false;
  }
  if (entry.shown == nullptr) return true;
  // Two shares are the entry's own; any more is a reader's.
  return entry.shown.use_count() == 2 && entry.shown->holds == 0;
}

void Engine::Impl::drop_if_empty(Entry& entry) {
  const bool empty = entry.shown == nullptr && entry.reserved == nullptr;
  if (empty && !entry.loading && entry.pins == 0 && entry.transactions == 0) {
    entry.shard.drop(entry);
  }
}

}  // namespace durable_streams

// How committed changes become state.
#include "store/file/memtable.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <variant>

#include "protocol/read_sequence.h"

namespace durable_streams {

namespace {

// What a stream takes here beside its strings and chunks: its places in the tables, and what the
// allocator adds.
constexpr std::uint64_t kAroundBytes = 160;

Error cannot_follow(Lsn lsn, StreamId id, std::string_view why) {
  return {
      .code = ErrorCode::kCorruption,
      .message = fmt::format(
          "record {} of the journal cannot follow what is known of stream {}: {}", lsn, id, why),
      .detail = {}};
}

Error of_another_version(Lsn lsn, StreamId id) {
  return cannot_follow(lsn, id, "it was made for another version of it");
}

std::uint64_t memory_of(const StreamRecord& record) {
  return sizeof(DirtyStream) + kAroundBytes + 2 * record.path.size() + record.content_type.size() +
         (record.fork ? record.fork->source_path.size() : 0);
}

std::uint64_t own_begin(const StreamRecord& record) {
  return record.fork ? record.fork->position : 0;
}

}  // namespace

Status Memtable::apply(Lsn lsn, const Change& change, FindBelow& below) {
  last_.store(lsn, std::memory_order_release);
  return std::visit([&](const auto& each) { return apply(lsn, each, below); }, change);
}

Status Memtable::apply(Lsn lsn, const CreateChange& change, FindBelow& below) {
  const StreamRecord& record = change.record;
  // The source first: when half a settling has taken in this record, each of the two streams says
  // so for itself.
  if (record.fork) {
    Result<DirtyStream*> source = touch(record.fork->source, lsn, below);
    if (!source) return source.error();
    if (*source != nullptr) {
      if (change.source_version != (*source)->record.version)
        return of_another_version(lsn, record.fork->source);
      this->change(**source, lsn, [](DirtyStream& stream) {
        ++stream.record.forks;
        ++stream.record.version;
      });
    }
  }
  if (lsn <= settling_) {
    const Result<std::optional<SettledStream>> settled = below(record.id);
    if (!settled) return settled.error();
    if (*settled) {
      // An earlier stream of this path may have left its trace here.
      if (StreamId ignored = 0; find_path(record.path, ignored) != Known::kNo)
        set_path(record.path, record.id);
      return {};
    }
  }
  auto stream = std::make_unique<DirtyStream>(SettledStream{.record = record, .lsn = lsn},
                                              own_begin(record), false);
  add_bytes(*stream, change.bytes, {});
  streams_added_.fetch_add(1, std::memory_order_relaxed);
  bytes_added_.fetch_add(static_cast<std::int64_t>(change.bytes.size()), std::memory_order_relaxed);
  producers_added_.fetch_add(record.producers, std::memory_order_relaxed);
  insert(std::move(stream));
  set_path(record.path, record.id);
  return {};
}

Status Memtable::apply(Lsn lsn, const AppendChange& change, FindBelow& below) {
  Result<DirtyStream*> found = touch(change.id, lsn, below);
  if (!found) return found.error();
  if (*found == nullptr) return {};
  DirtyStream& stream = **found;
  if (change.version != stream.record.version) return of_another_version(lsn, change.id);
  if (stream.chunks.end() + change.bytes.size() != change.tail.position) {
    return cannot_follow(lsn, change.id, "its bytes would leave a gap");
  }
  if (change.tail.read_sequence < stream.record.tail.read_sequence) {
    return cannot_follow(lsn, change.id, "its read sequence would fall");
  }
  bytes_added_.fetch_add(static_cast<std::int64_t>(change.bytes.size()), std::memory_order_relaxed);
  this->change(stream, lsn, [&](DirtyStream& each) {
    StreamRecord& record = each.record;
    ++record.version;
    protocol::raise_sequence(record.sequences, change.tail.read_sequence, record.tail.position);
    add_bytes(each, change.bytes, change.owned);
    record.tail = change.tail;
    if (!change.stream_seq.empty()) record.stream_seq = change.stream_seq;
    if (!change.producer_id.empty()) set_producer(each, change.producer_id, change.producer);
    const std::uint32_t producers = record.producers;
    if (change.producer_is_new) ++record.producers;
    if (!change.forgotten_producer.empty()) {
      set_producer(each, change.forgotten_producer, std::nullopt);
      --record.producers;
    }
    if (record.producers != producers) {
      producers_added_.fetch_add(std::int64_t{record.producers} - producers,
                                 std::memory_order_relaxed);
    }
    if (!change.close) return;
    record.closed = true;
    if (change.producer_id.empty()) return;
    record.closed_by = ClosingTuple{.producer_id = std::string(change.producer_id),
                                    .epoch = change.producer.epoch,
                                    .seq = change.producer.last_seq};
  });
  return {};
}

Status Memtable::apply(Lsn lsn, const RemoveChange& change, FindBelow& below) {
  Result<DirtyStream*> found = touch(change.id, lsn, below);
  if (!found) return found.error();
  if (*found == nullptr) return {};
  if (change.version != (*found)->record.version) return of_another_version(lsn, change.id);
  if (change.mode == RemoveChange::Mode::kFull) return remove(**found, lsn, below);
  this->change(**found, lsn, [](DirtyStream& stream) {
    ++stream.record.version;
    stream.record.soft_deleted = true;
    stream.record.deadline = kNever;
  });
  return {};
}

Status Memtable::apply(Lsn lsn, const ReleaseChange& change, FindBelow& below) {
  Result<DirtyStream*> found = touch(change.source, lsn, below);
  if (!found) return found.error();
  if (*found == nullptr) return {};
  DirtyStream& source = **found;
  if (change.version != source.record.version) return of_another_version(lsn, change.source);
  if (source.record.forks == 0)
    return cannot_follow(lsn, change.source, "it has no fork to release");
  if (source.releases_owed > 0) releases_owed_added_.fetch_sub(1, std::memory_order_relaxed);
  if (change.remove) return remove(source, lsn, below);
  this->change(source, lsn, [](DirtyStream& stream) {
    if (stream.releases_owed > 0) --stream.releases_owed;
    --stream.record.forks;
    ++stream.record.version;
  });
  return {};
}

Status Memtable::apply(Lsn lsn, const DeadlineChange& change, FindBelow& below) {
  // It carries no condition, so its stream may be gone by all rights.
  SettledStream known;
  const Known here = find(change.id, known);
  if (here == Known::kGone) return {};
  if (here == Known::kNo) {
    const Result<std::optional<SettledStream>> settled = below(change.id);
    if (!settled) return settled.error();
    if (!*settled) return {};
  }
  Result<DirtyStream*> found = touch(change.id, lsn, below);
  if (!found) return found.error();
  if (*found == nullptr) return {};
  this->change(**found, lsn, [&](DirtyStream& stream) {
    if (!stream.record.soft_deleted) stream.record.deadline = change.deadline;
  });
  return {};
}

Result<DirtyStream*> Memtable::touch(StreamId id, Lsn lsn, FindBelow& below) {
  {
    IdShard& shard = shard_of(id);
    const MutexLock lock(shard.mutex);
    const auto found = shard.streams.find(id);
    if (found != shard.streams.end()) {
      DirtyStream& stream = *found->second;
      if (lsn <= stream.lsn) return static_cast<DirtyStream*>(nullptr);
      if (stream.removed) return cannot_follow(lsn, id, "it was removed before");
      return &stream;
    }
  }
  Result<std::optional<SettledStream>> settled = below(id);
  if (!settled) return settled.error();
  if (!*settled) {
    if (lsn <= settling_) return static_cast<DirtyStream*>(nullptr);
    return cannot_follow(lsn, id, "there is no such stream");
  }
  if (lsn <= (*settled)->lsn) return static_cast<DirtyStream*>(nullptr);
  const std::uint64_t begin = (*settled)->record.tail.position;
  auto stream = std::make_unique<DirtyStream>(std::move(**settled), begin, true);
  DirtyStream* const taken = stream.get();
  insert(std::move(stream));
  return taken;
}

void Memtable::add_bytes(DirtyStream& stream, std::string_view bytes, const Slice& owned) {
  const Framing framing = stream.record.framing;
  budget_->take_anyway(stream.chunks.memory_for_append(bytes, owned, framing));
  stream.chunks.append(bytes, owned, framing, budget_);
}

void Memtable::set_producer(DirtyStream& stream, std::string_view id,
                            std::optional<ProducerState> state) {
  const auto known = stream.producers.find(id);
  if (known != stream.producers.end()) {
    known->second = state;
  } else {
    stream.producers.emplace(id, state);
    budget_->take_anyway(kAroundBytes + id.size());
  }
}

void Memtable::change(DirtyStream& stream, Lsn lsn, Function<void(DirtyStream&)> change) {
  WallTime before;
  WallTime after;
  {
    const MutexLock lock(shard_of(stream.record.id).mutex);
    before = stream.record.deadline;
    change(stream);
    stream.lsn = lsn;
    after = stream.record.deadline;
  }
  if (before != after) move_deadline(stream.record.id, before, after);
}

void Memtable::insert(std::unique_ptr<DirtyStream> stream) {
  const StreamId id = stream->record.id;
  const WallTime deadline = stream->record.soft_deleted ? kNever : stream->record.deadline;
  budget_->take_anyway(memory_of(stream->record));
  {
    IdShard& shard = shard_of(id);
    const MutexLock lock(shard.mutex);
    shard.streams.insert_or_assign(id, std::move(stream));
  }
  streams_held_.fetch_add(1, std::memory_order_relaxed);
  move_deadline(id, kNever, deadline);
}

// Of half a settling either both streams are in the catalog or neither, or the source alone: it has
// the lower id, and settles first.
Status Memtable::remove(DirtyStream& stream, Lsn lsn, FindBelow& below) {
  const std::optional<ForkPoint> fork = stream.record.fork;
  forget(stream, lsn);
  if (!fork) return {};
  Result<DirtyStream*> source = touch(fork->source, lsn, below);
  if (!source) return source.error();
  if (*source == nullptr) return {};
  releases_owed_added_.fetch_add(1, std::memory_order_relaxed);
  change(**source, lsn, [](DirtyStream& each) { ++each.releases_owed; });
  return {};
}

void Memtable::forget(DirtyStream& stream, Lsn lsn) {
  const StreamRecord& record = stream.record;
  const std::string path = record.path;
  streams_added_.fetch_sub(1, std::memory_order_relaxed);
  bytes_added_.fetch_sub(static_cast<std::int64_t>(record.tail.position - own_begin(record)),
                         std::memory_order_relaxed);
  producers_added_.fetch_sub(record.producers, std::memory_order_relaxed);
  // The path first: who finds it finds its stream.
  set_path(path, 0);
  change(stream, lsn, [&](DirtyStream& each) {
    StreamRecord removed;
    removed.id = each.record.id;
    removed.path = path;
    each.record = std::move(removed);
    each.removed = true;
    each.chunks = ChunkList(each.chunks_begin);
    each.producers.clear();
    each.releases_owed = 0;
  });
}

void Memtable::move_deadline(StreamId id, WallTime from, WallTime to) {
  if (from == to) return;
  const MutexLock lock(deadlines_mutex_);
  if (from != kNever) deadlines_.erase({.deadline = from, .id = id});
  if (to != kNever) deadlines_.insert({.deadline = to, .id = id});
  const WallTime earliest = deadlines_.empty() ? kNever : deadlines_.begin()->deadline;
  earliest_ms_.store(earliest.time_since_epoch().count(), std::memory_order_release);
}

void Memtable::set_path(const std::string& path, StreamId id) {
  PathShard& shard = shard_of(path);
  const MutexLock lock(shard.mutex);
  shard.ids.insert_or_assign(path, id);
}

Memtable::Known Memtable::find_path(std::string_view path, StreamId& out) const {
  const PathShard& shard = shard_of(path);
  const MutexLock lock(shard.mutex);
  const auto found = shard.ids.find(path);
  if (found == shard.ids.end()) return Known::kNo;
  out = found->second;
  return out == 0 ? Known::kGone : Known::kYes;
}

void Memtable::offer_paths(std::string_view prefix, std::string_view after,
                           Function<void(std::string_view)> offer) const {
  for (const PathShard& shard : path_shards_) {
    const MutexLock lock(shard.mutex);
    for (const auto& [path, id] : shard.ids) {
      if (id != 0 && path.starts_with(prefix) && path > after) offer(path);
    }
  }
}

Memtable::Known Memtable::find(StreamId id, SettledStream& out) const {
  Known known = Known::kNo;
  look(id, [&](const DirtyStream& stream) {
    known = stream.removed ? Known::kGone : Known::kYes;
    out.lsn = stream.lsn;
    out.releases_owed = stream.releases_owed;
    if (!stream.removed) out.record = stream.record;
  });
  return known;
}

Memtable::Known Memtable::find_shape(StreamId id, StreamShape& out) const {
  Known known = Known::kNo;
  look(id, [&](const DirtyStream& stream) {
    known = stream.removed ? Known::kGone : Known::kYes;
    if (!stream.removed) out = shape_of(stream.record);
  });
  return known;
}

bool Memtable::holds(StreamId id) const {
  return look(id, [](const DirtyStream&) {});
}

bool Memtable::look(StreamId id, Function<void(const DirtyStream&)> visit) const {
  const IdShard& shard = shard_of(id);
  const MutexLock lock(shard.mutex);
  const auto found = shard.streams.find(id);
  if (found == shard.streams.end()) return false;
  visit(*found->second);
  return true;
}

std::vector<DueStream> Memtable::due(DueStream after, WallTime until, std::size_t count_max) const {
  std::vector<DueStream> due;
  const MutexLock lock(deadlines_mutex_);
  for (auto each = deadlines_.upper_bound(after);
       each != deadlines_.end() && each->deadline <= until; ++each) {
    if (due.size() == count_max) break;
    due.push_back(*each);
  }
  return due;
}

void Memtable::drop_deadline(StreamId id) {
  WallTime deadline = kNever;
  look(id, [&](const DirtyStream& stream) { deadline = stream.record.deadline; });
  move_deadline(id, deadline, kNever);
}

std::vector<const DirtyStream*> Memtable::all() const {
  std::vector<const DirtyStream*> all;
  all.reserve(streams_held_.load(std::memory_order_relaxed));
  for (const IdShard& shard : id_shards_) {
    const MutexLock lock(shard.mutex);
    for (const auto& [id, stream] : shard.streams) all.push_back(stream.get());
  }
  std::sort(all.begin(), all.end(),
            [](const DirtyStream* a, const DirtyStream* b) { return a->record.id < b->record.id; });
  return all;
}

void Memtable::absorb(Memtable& older) {
  for (IdShard& shard : older.id_shards_) {
    const MutexLock lock(shard.mutex);
    for (auto& [id, stream] : shard.streams) absorb_stream(std::move(stream));
  }
  for (PathShard& shard : older.path_shards_) {
    const MutexLock lock(shard.mutex);
    for (auto& [path, id] : shard.ids) {
      PathShard& ours = shard_of(path);
      const MutexLock ours_lock(ours.mutex);
      ours.ids.emplace(path, id);
    }
  }
  std::set<DueStream> deadlines;
  {
    const MutexLock lock(older.deadlines_mutex_);
    deadlines.swap(older.deadlines_);
  }
  for (const DueStream& due : deadlines) move_deadline(due.id, kNever, due.deadline);
  streams_added_.fetch_add(older.streams_added());
  bytes_added_.fetch_add(older.bytes_added());
  producers_added_.fetch_add(older.producers_added());
  releases_owed_added_.fetch_add(older.releases_owed_added());
  absorbed_budgets_.push_back(older.budget_);
  std::move(older.absorbed_budgets_.begin(), older.absorbed_budgets_.end(),
            std::back_inserter(absorbed_budgets_));
}

void Memtable::absorb_stream(std::unique_ptr<DirtyStream> older) {
  const StreamId id = older->record.id;
  older->known_below = true;
  IdShard& shard = shard_of(id);
  const MutexLock lock(shard.mutex);
  std::unique_ptr<DirtyStream>& held = shard.streams[id];
  if (held == nullptr) {
    held = std::move(older);
    streams_held_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  held->known_below = true;
  if (held->removed) return;
  held->chunks_begin = older->chunks_begin;
  held->chunks.prepend(std::move(older->chunks));
  held->producers.merge(older->producers);
}

std::uint64_t Memtable::memory_bytes() const {
  std::uint64_t bytes = budget_->taken();
  for (const std::shared_ptr<MemoryBudget>& budget : absorbed_budgets_) bytes += budget->taken();
  return bytes;
}

}  // namespace durable_streams

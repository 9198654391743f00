// How changes are taken by the memory store: checked against their conditions and the budget, then
// made whole.
#include <functional>
#include <utility>

#include "store/bytes/change_bytes.h"
#include "store/memory/memory_store_impl.h"

namespace durable_streams {

namespace {

Error conflict(std::string message) {
  return {.code = ErrorCode::kConflict, .message = std::move(message), .detail = {}};
}

Error changed() { return conflict("the stream has changed since, or is gone"); }

Error no_space() {
  return {.code = ErrorCode::kNoSpace, .message = "the memory store is full", .detail = {}};
}

Error path_too_long() {
  return {.code = ErrorCode::kPathTooLong,
          .message = "the memory store takes paths of at most 65535 bytes",
          .detail = {}};
}

bool at_version(const MemoryStream* stream, std::uint64_t version) {
  return stream != nullptr && stream->version == version;
}

}  // namespace

// Holds the locks of two shards, which may be one, taken in index order. Threads: one at a time.
class MemoryStore::Impl::TwoShardsLock {
 public:
  TwoShardsLock(IdShard& a, IdShard& b) DURABLE_STREAMS_NO_THREAD_SAFETY_ANALYSIS
      : first_(std::less<>()(&a, &b) ? a : b),
        second_(&a == &b ? nullptr : (&first_ == &a ? &b : &a)) {
    first_.mutex.lock();
    if (second_ != nullptr) second_->mutex.lock();
  }
  ~TwoShardsLock() DURABLE_STREAMS_NO_THREAD_SAFETY_ANALYSIS {
    if (second_ != nullptr) second_->mutex.unlock();
    first_.mutex.unlock();
  }
  TwoShardsLock(const TwoShardsLock&) = delete;
  TwoShardsLock& operator=(const TwoShardsLock&) = delete;

 private:
  IdShard& first_;
  IdShard* const second_;
};

Result<Submitted> MemoryStore::Impl::submit(const CreateChange& change) {
  const StreamRecord& record = change.record;
  const std::uint64_t begin = record.fork ? record.fork->position : 0;
  if (Status fit = check_bytes(change.bytes, record.tail, begin); !fit) return fit.error();
  if (record.path.size() > MemoryStream::kPathBytesMax) return path_too_long();
  const std::uint64_t memory_bytes = MemoryStream::memory_for_create(record);
  const std::uint64_t chunk_bytes =
      ChunkList(begin).memory_for_append(change.bytes, {}, record.framing);
  if (!budget_->take(memory_bytes + chunk_bytes)) return no_space();
  MemoryStream::Ptr stream =
      MemoryStream::create(record, hash_of(record.path), content_types_.get(record.content_type));
  stream->memory_bytes = memory_bytes;
  stream->chunks.append(change.bytes, {}, record.framing, budget_);
  if (Status entered = enter(std::move(stream), change); !entered) {
    budget_->give_back(memory_bytes);
    return entered.error();
  }
  return Submitted::kCommitted;
}

Status MemoryStore::Impl::enter(MemoryStream::Ptr stream, const CreateChange& change)
    DURABLE_STREAMS_NO_THREAD_SAFETY_ANALYSIS {
  const std::string_view path = change.record.path;
  PathShard& paths = path_shard(stream->path_hash);
  IdShard& own = id_shard(stream->id);
  IdShard& source_home = change.record.fork ? id_shard(change.record.fork->source) : own;
  const MutexLock path_lock(paths.mutex);
  if (paths.streams.find(path_bucket(stream->path_hash),
                         [&](const MemoryStream& each) { return each.path() == path; })) {
    return conflict("the path names a stream already");
  }
  const TwoShardsLock id_lock(own, source_home);
  if (own.find(stream->id) != nullptr) return conflict("the stream's id was given before");
  if (change.record.fork) {
    MemoryStream* const source = source_home.find(change.record.fork->source);
    if (!at_version(source, change.source_version)) return changed();
    ++source->forks;
    ++source->version;
  }
  if (!stream->soft_deleted && stream->deadline != kNever)
    deadlines_.set(*stream, stream->deadline);
  own.stored_bytes += change.bytes.size();
  own.producers += change.record.producers;
  paths.streams.insert(*stream);
  own.streams.insert(*stream.release());
  return {};
}

Result<Submitted> MemoryStore::Impl::submit(const AppendChange& change) {
  IdShard& shard = id_shard(change.id);
  const MutexLock lock(shard.mutex);
  MemoryStream* const stream = shard.find(change.id);
  if (!at_version(stream, change.version)) return changed();
  if (Status fit = check_bytes(change.bytes, change.tail, stream->chunks.end()); !fit) {
    return fit.error();
  }
  const std::uint64_t memory_bytes = stream->memory_for_append(change, hash_key_);
  const std::uint64_t chunk_bytes =
      stream->chunks.memory_for_append(change.bytes, change.owned, stream->framing);
  if (change.bytes.empty()) {
    budget_->take_anyway(memory_bytes);
  } else if (!budget_->take(memory_bytes + chunk_bytes)) {
    return no_space();
  }
  stream->memory_bytes += memory_bytes;
  stream->apply(change, hash_key_, budget_);
  if (change.producer_is_new) ++shard.producers;
  if (!change.forgotten_producer.empty()) {
    --shard.producers;
    const std::uint64_t freed = ProducerTable::memory_for(change.forgotten_producer);
    stream->memory_bytes -= freed;
    budget_->give_back(freed);
  }
  shard.stored_bytes += change.bytes.size();
  return Submitted::kCommitted;
}

Result<Submitted> MemoryStore::Impl::submit(const RemoveChange& change) {
  if (change.mode == RemoveChange::Mode::kFull) return remove_whole(change.id, change.version, 0);
  IdShard& shard = id_shard(change.id);
  const MutexLock lock(shard.mutex);
  MemoryStream* const stream = shard.find(change.id);
  if (!at_version(stream, change.version)) return changed();
  ++stream->version;
  stream->soft_deleted = true;
  stream->deadline = kNever;
  deadlines_.set(*stream, kNever);
  return Submitted::kCommitted;
}

Result<Submitted> MemoryStore::Impl::submit(const ReleaseChange& change) {
  if (change.remove) return remove_whole(change.source, change.version, 1);
  IdShard& shard = id_shard(change.source);
  const MutexLock lock(shard.mutex);
  MemoryStream* const source = shard.find(change.source);
  if (!at_version(source, change.version)) return changed();
  if (source->forks == 0) return conflict("the stream has no fork to release");
  ++source->version;
  --source->forks;
  return Submitted::kCommitted;
}

Result<Submitted> MemoryStore::Impl::submit(const DeadlineChange& change) {
  IdShard& shard = id_shard(change.id);
  const MutexLock lock(shard.mutex);
  MemoryStream* const stream = shard.find(change.id);
  if (stream == nullptr || stream->soft_deleted) return Submitted::kCommitted;
  stream->deadline = change.deadline;
  deadlines_.set(*stream, change.deadline);
  return Submitted::kCommitted;
}

Result<Submitted> MemoryStore::Impl::remove_whole(StreamId id, std::uint64_t version,
                                                  std::uint32_t forks_left) {
  IdShard& shard = id_shard(id);
  std::uint32_t path_hash = 0;
  {
    // The path's lock comes first, but only the stream knows its path.
    const MutexLock lock(shard.mutex);
    const MemoryStream* const stream = shard.find(id);
    if (!at_version(stream, version)) return changed();
    path_hash = stream->path_hash;
  }
  MemoryStream::Ptr removed;
  PathShard& paths = path_shard(path_hash);
  const MutexLock path_lock(paths.mutex);
  const MutexLock lock(shard.mutex);
  MemoryStream* const stream = shard.find(id);
  if (!at_version(stream, version)) return changed();
  if (stream->forks != forks_left) return conflict("the stream's bytes are those of its forks too");
  paths.streams.remove(*stream);
  shard.streams.remove(*stream);
  deadlines_.set(*stream, kNever);
  shard.stored_bytes -= stream->chunks.end() - stream->own_begin();
  shard.producers -= stream->producer_count();
  budget_->give_back(stream->memory_bytes);
  removed.reset(stream);
  return Submitted::kCommitted;
}

}  // namespace durable_streams

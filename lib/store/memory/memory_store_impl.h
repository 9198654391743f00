// The memory store's state: streams in two tables, by path and by id, each spread over shards with
// a lock of their own.
#pragma once

#include <durable_streams/memory_store.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/chain_table.h"
#include "base/mutex.h"
#include "store/bytes/memory_budget.h"
#include "store/memory/content_type_table.h"
#include "store/memory/deadline_index.h"
#include "store/memory/memory_stream.h"

namespace durable_streams {

// Locks are taken in this order, and none is held while another thread is waited for: at most one
// path shard, then id shards (at most two, in index order), then one of the deadline index, the
// content types and the completions. Only creating and removing streams take a path shard's lock
// for more than a look. Streams are freed after all locks were given back. Threads: any.
class MemoryStore::Impl {
 public:
  explicit Impl(const MemoryStoreOptions& options);
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  StreamId next_stream_id() { return next_id_.fetch_add(1, std::memory_order_relaxed); }

  // memory_changes.cc
  Result<Submitted> submit(const CreateChange& change);
  Result<Submitted> submit(const AppendChange& change);
  Result<Submitted> submit(const RemoveChange& change);
  Result<Submitted> submit(const ReleaseChange& change);
  Result<Submitted> submit(const DeadlineChange& change);

  // memory_reads.cc
  Result<bool> load(std::string_view path, StreamRecord& out);
  Result<bool> load_producer(StreamId id, std::string_view producer_id, ProducerState& out);
  std::vector<UsedProducer> oldest_producers(StreamId id, std::size_t count_max);
  Status read(const ReadRange& range, StoredBytes& out);
  Result<std::uint64_t> append_end(StreamId id, std::uint64_t position);

  // One part for each shard of paths: its lock is held for a look at all that it holds.
  std::size_t list_parts() const { return kShards; }
  StreamList list(const ListRange& range);

  DeadlineIndex& deadlines() { return deadlines_; }
  StoreStats stats();

  // Keeps a completion for the next run_completions(), where it cannot run inside the call that
  // started it.
  void complete_later(Function<void()> completion);
  void run_completions();

 private:
  struct ByPath {
    static MemoryStream*& next(MemoryStream& stream) { return stream.next_by_path; }
    static std::uint64_t hash(const MemoryStream& stream) { return path_bucket(stream.path_hash); }
  };
  struct ById {
    static MemoryStream*& next(MemoryStream& stream) { return stream.next_by_id; }
    static std::uint64_t hash(const MemoryStream& stream) { return id_bucket(stream.id); }
  };

  struct alignas(64) PathShard {
    Mutex mutex;
    ChainTable<MemoryStream, ByPath> streams DURABLE_STREAMS_GUARDED_BY(mutex);
  };

  // Its lock also guards what the streams in it hold. Owns them.
  struct alignas(64) IdShard {
    MemoryStream* find(StreamId id) const DURABLE_STREAMS_REQUIRES(mutex);

    Mutex mutex;
    ChainTable<MemoryStream, ById> streams DURABLE_STREAMS_GUARDED_BY(mutex);
    std::uint64_t stored_bytes DURABLE_STREAMS_GUARDED_BY(mutex) = 0;
    std::uint64_t producers DURABLE_STREAMS_GUARDED_BY(mutex) = 0;
  };

  class TwoShardsLock;

  // A part of what a stream shows, held by itself or by one ancestor.
  struct Segment {
    StreamId id = 0;
    std::uint64_t from = 0;
    std::uint64_t to = 0;
    bool ends_at_fork = false;  // at `to`, and there the inherited append ends too
  };

  // Far more than there are threads, so that two rarely meet.
  static constexpr std::uint64_t kShards = 64;

  // Ids are given in sequence, so their low bits spread them evenly over shards, the others over
  // buckets.
  static std::uint64_t id_bucket(StreamId id) { return id / kShards; }
  static std::uint64_t path_bucket(std::uint32_t path_hash) { return path_hash / kShards; }
  IdShard& id_shard(StreamId id) { return id_shards_[id % kShards]; }
  PathShard& path_shard(std::uint32_t path_hash) { return path_shards_[path_hash % kShards]; }
  std::uint32_t hash_of(std::string_view path) const;

  // Enters a stream, and in its source that it is a fork of it, under all locks that this takes.
  Status enter(MemoryStream::Ptr stream, const CreateChange& change);
  // Takes a stream out of everything, if it has exactly `forks_left` forks, which go with this
  // change.
  Result<Submitted> remove_whole(StreamId id, std::uint64_t version, std::uint32_t forks_left);

  // What the stream shows from `from` up to `to`, oldest first. Loops up the chain of forks,
  // however long.
  Result<std::vector<Segment>> segments(StreamId id, std::uint64_t from, std::uint64_t to);
  // Adds what the stream shows from `from` up to `to`, or up to the last end of an append before
  // that.
  Status gather(StreamId id, std::uint64_t from, std::uint64_t to, bool cut_at_append,
                StoredBytes& out);
  // Makes `out`, a part of the range, end where a message does.
  Status cut_at_message(const ReadRange& range, StoredBytes& out);

  const std::uint64_t hash_key_;
  std::atomic<StreamId> next_id_;
  const std::shared_ptr<MemoryBudget> budget_;  // readers' shares in chunks may outlive the store
  ContentTypeTable content_types_;
  DeadlineIndex deadlines_;
  std::array<PathShard, kShards> path_shards_;
  std::array<IdShard, kShards> id_shards_;

  Mutex completions_mutex_;
  std::vector<Function<void()>> completions_ DURABLE_STREAMS_GUARDED_BY(completions_mutex_);
  std::atomic<bool> has_completions_{false};
};

}  // namespace durable_streams

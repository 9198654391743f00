// What changed since streams were last settled into packs: a function of the journal's records, in
// memory. It is asked before the catalog.
#pragma once

#include <durable_streams/function.h>
#include <durable_streams/slice.h>
#include <durable_streams/store.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "store/bytes/chunk_list.h"
#include "store/bytes/memory_budget.h"
#include "store/file/catalog.h"
#include "store/file/stream_shape.h"

namespace durable_streams {

// A stream that the memtable holds. Its chunks begin where what is settled ends.
struct DirtyStream {
  DirtyStream(SettledStream&& from, std::uint64_t begin, bool older)
      : record(std::move(from.record)),
        lsn(from.lsn),
        releases_owed(from.releases_owed),
        chunks_begin(begin),
        known_below(older),
        chunks(begin) {}

  StreamRecord record;
  Lsn lsn;  // of its last change
  std::uint32_t releases_owed;
  std::uint64_t chunks_begin;  // position of the first byte held here
  bool removed = false;        // `record` then holds id and path alone
  bool known_below;            // an older generation or the catalog knows it as well
  ChunkList chunks;
  // Those that changed; nullopt: it was forgotten.
  std::map<std::string, std::optional<ProducerState>, std::less<>> producers;
};

// Changes are applied by one thread at a time; everything else may be called from any thread
// meanwhile, and sees each stream as before or after a change.
class Memtable {
 public:
  // Finds what an older generation or the catalog knows of a stream; may wait.
  using FindBelow = Function<Result<std::optional<SettledStream>>(StreamId)>;

  // Records up to `settling` may find their stream gone below: half a settling took it out already.
  explicit Memtable(Lsn settling) : settling_(settling) {}

  // Applies a committed change. Fails only when the catalog does, or when the change cannot follow
  // what is known, which is damage: kCorruption.
  Status apply(Lsn lsn, const Change& change, FindBelow& below);

  enum class Known : std::uint8_t { kNo, kGone, kYes };

  // What is at `path`: kGone when a change freed it.
  Known find_path(std::string_view path, StreamId& out) const;
  Known find(StreamId id, SettledStream& out) const;
  Known find_shape(StreamId id, StreamShape& out) const;
  // Whether it knows of the stream, be it that it is gone.
  bool holds(StreamId id) const;

  // Offers every path that begins with `prefix`, comes after `after` and has a stream.
  void offer_paths(std::string_view prefix, std::string_view after,
                   Function<void(std::string_view)> offer) const;

  // Looks at a stream under its lock; false when the memtable does not hold it.
  bool look(StreamId id, Function<void(const DirtyStream&)> visit) const;

  // Up to `count_max` streams due, earliest first, that come after `after`.
  std::vector<DueStream> due(DueStream after, WallTime until, std::size_t count_max) const;
  WallTime earliest_deadline() const {
    return WallTime(WallTime::duration(earliest_ms_.load(std::memory_order_acquire)));
  }

  // The stream is no longer due here: a younger memtable holds it.
  void drop_deadline(StreamId id);

  // Takes over all that an older generation holds, so that what was removed since need not be
  // settled first. Part of it may be in the catalog already. While nobody else uses either.
  void absorb(Memtable& older);

  // The streams held, in order of id. Stays true only as long as no change is applied: for a
  // memtable that is frozen.
  std::vector<const DirtyStream*> all() const;

  bool empty() const { return streams_held_.load(std::memory_order_relaxed) == 0; }
  Lsn last() const { return last_.load(std::memory_order_acquire); }
  std::uint64_t memory_bytes() const;

  // By how much the changes applied here have changed the store's totals.
  std::int64_t streams_added() const { return streams_added_.load(std::memory_order_relaxed); }
  std::int64_t releases_owed_added() const {
    return releases_owed_added_.load(std::memory_order_relaxed);
  }
  std::int64_t bytes_added() const { return bytes_added_.load(std::memory_order_relaxed); }
  std::int64_t producers_added() const { return producers_added_.load(std::memory_order_relaxed); }

 private:
  struct PathHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view path) const {
      return std::hash<std::string_view>()(path);
    }
  };

  struct alignas(64) IdShard {
    mutable Mutex mutex;
    std::unordered_map<StreamId, std::unique_ptr<DirtyStream>> streams
        DURABLE_STREAMS_GUARDED_BY(mutex);
  };
  struct alignas(64) PathShard {
    mutable Mutex mutex;
    // 0: a change freed the path.
    std::unordered_map<std::string, StreamId, PathHash, std::equal_to<>> ids
        DURABLE_STREAMS_GUARDED_BY(mutex);
  };

  static constexpr std::size_t kShards = 64;

  IdShard& shard_of(StreamId id) { return id_shards_[id % kShards]; }
  const IdShard& shard_of(StreamId id) const { return id_shards_[id % kShards]; }
  PathShard& shard_of(std::string_view path) { return path_shards_[PathHash()(path) % kShards]; }
  const PathShard& shard_of(std::string_view path) const {
    return path_shards_[PathHash()(path) % kShards];
  }

  Status apply(Lsn lsn, const CreateChange& change, FindBelow& below);
  Status apply(Lsn lsn, const AppendChange& change, FindBelow& below);
  Status apply(Lsn lsn, const RemoveChange& change, FindBelow& below);
  Status apply(Lsn lsn, const ReleaseChange& change, FindBelow& below);
  Status apply(Lsn lsn, const DeadlineChange& change, FindBelow& below);

  // The stream, taken up from below if need be; null: the change is settled already, or its stream
  // gone.
  Result<DirtyStream*> touch(StreamId id, Lsn lsn, FindBelow& below);
  void add_bytes(DirtyStream& stream, std::string_view bytes, const Slice& owned);
  void set_producer(DirtyStream& stream, std::string_view id, std::optional<ProducerState> state);
  // Changes a stream that is held, under its lock.
  void change(DirtyStream& stream, Lsn lsn, Function<void(DirtyStream&)> change);
  void insert(std::unique_ptr<DirtyStream> stream);
  // Takes a stream out; if it is a fork, its source is owed a release from then on.
  Status remove(DirtyStream& stream, Lsn lsn, FindBelow& below);
  void forget(DirtyStream& stream, Lsn lsn);
  void absorb_stream(std::unique_ptr<DirtyStream> older);
  void move_deadline(StreamId id, WallTime from, WallTime to);
  void set_path(const std::string& path, StreamId id);

  const Lsn settling_;
  std::array<IdShard, kShards> id_shards_;
  std::array<PathShard, kShards> path_shards_;

  mutable Mutex deadlines_mutex_;
  std::set<DueStream> deadlines_ DURABLE_STREAMS_GUARDED_BY(deadlines_mutex_);
  std::atomic<WallTime::rep> earliest_ms_{kNever.time_since_epoch().count()};

  std::atomic<Lsn> last_{0};
  std::atomic<std::size_t> streams_held_{0};
  std::atomic<std::int64_t> streams_added_{0};
  std::atomic<std::int64_t> bytes_added_{0};
  std::atomic<std::int64_t> producers_added_{0};
  std::atomic<std::int64_t> releases_owed_added_{0};
  const std::shared_ptr<MemoryBudget> budget_ = std::make_shared<MemoryBudget>(UINT64_MAX);
  std::vector<std::shared_ptr<MemoryBudget>> absorbed_budgets_;
};

}  // namespace durable_streams

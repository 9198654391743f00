// One stream of the memory store, as small as it can be kept: what most streams lack is kept apart.
#pragma once

#include <durable_streams/store.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/bytes/chunk_list.h"
#include "store/memory/content_type_table.h"
#include "store/memory/producer_table.h"

namespace durable_streams {

// Its path lies behind it in the same allocation. `id`, path and hash never change; `next_by_path`
// is guarded by the lock of the path's shard, `deadline_slot` by the deadline index, all else by
// the lock of the id's shard. Threads: one at a time.
class MemoryStream {
 public:
  struct Delete {
    void operator()(MemoryStream* stream) const;
  };
  using Ptr = std::unique_ptr<MemoryStream, Delete>;

  static constexpr std::size_t kPathBytesMax = UINT16_MAX;

  // A stream as `record` says, its first bytes not yet appended. Its path has at most
  // kPathBytesMax.
  static Ptr create(const StreamRecord& record, std::uint32_t path_hash, ContentTypeRef type);

  // What a new stream takes, without its bytes.
  static std::uint64_t memory_for_create(const StreamRecord& record);
  // What it would take more after apply(change), without its bytes.
  std::uint64_t memory_for_append(const AppendChange& change, std::uint64_t hash_key) const;

  // All of an append, once it is decided.
  void apply(const AppendChange& change, std::uint64_t hash_key,
             const std::shared_ptr<MemoryBudget>& budget);

  void to_record(StreamRecord& out) const;

  std::string_view path() const { return {reinterpret_cast<const char*>(this + 1), path_bytes_}; }

  // The first byte that is not inherited.
  std::uint64_t own_begin() const { return rare_ && rare_->fork ? rare_->fork->position : 0; }
  std::optional<StreamId> source() const {
    return rare_ && rare_->fork ? std::optional(rare_->fork->source) : std::nullopt;
  }
  const ProducerState* find_producer(std::uint64_t hash_key, std::string_view producer_id) const;
  std::vector<UsedProducer> all_producers() const;
  std::uint32_t producer_count() const { return rare_ ? rare_->producer_count : 0; }

  // Where `deadline_slot` says that the stream is not in the deadline index.
  static constexpr std::uint32_t kNoSlot = UINT32_MAX;

  const StreamId id;
  MemoryStream* next_by_id = nullptr;
  MemoryStream* next_by_path = nullptr;
  std::uint64_t version;
  std::uint64_t memory_bytes = 0;  // what was taken from the budget for it, but for its chunks
  ChunkList chunks;
  WallTime deadline;
  std::uint32_t deadline_slot = kNoSlot;
  std::uint32_t forks;
  const std::uint32_t path_hash;
  const Framing framing;
  bool soft_deleted : 1;

 private:
  enum class ExpiryKind : std::uint8_t { kNone, kTtl, kAt };

  struct Rare {
    std::string stream_seq;
    SequenceStarts sequences;
    std::uint32_t producer_count = 0;
    std::unique_ptr<ClosingTuple> closed_by;
    std::unique_ptr<ForkPoint> fork;
    std::unique_ptr<ProducerTable> producers;
  };

  MemoryStream(const StreamRecord& record, std::uint32_t hash, ContentTypeRef type);
  ~MemoryStream() = default;

  Rare& rare();

  bool closed_ : 1;
  ExpiryKind expiry_kind_ : 2 = ExpiryKind::kNone;
  std::uint16_t path_bytes_;
  std::int64_t expiry_value_ = 0;  // seconds of a TTL, or milliseconds since the epoch
  ContentTypeRef content_type_;
  std::unique_ptr<Rare> rare_;
};

}  // namespace durable_streams

// The bytes of one stream in memory: chunks that readers share without copying, and where appends
// end.
#pragma once

#include <durable_streams/slice.h>
#include <durable_streams/store.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "store/bytes/memory_budget.h"

namespace durable_streams {

// A run of bytes that grows at its end. An append is copied once, behind the last one in the
// current chunk; chunks start as large as their first bytes and double up to kChunkBytesMax, so
// that small streams stay small and large reads are few slices. Large owned appends are kept as
// they are.
//
// Chunks of a kBytes stream are filled from both ends: bytes upwards from the front, and downwards
// from the back four bytes for the end of each append, relative to the chunk. Whoever writes or
// looks at ends holds the stream's lock; slices cover finished bytes only, which nobody writes
// again. Threads: one at a time; slices given out stay valid whatever happens to the list.
class ChunkList {
 public:
  // Leaves room for an allocator's own bytes in 256 KiB.
  static constexpr std::size_t kChunkBytesMax = std::size_t{256} * 1024 - 56;
  // From here on sharing an append is cheaper than copying it.
  static constexpr std::size_t kAdoptBytesMin = std::size_t{32} * 1024;
  // Keeps positions within a chunk in 32 bits.
  static constexpr std::size_t kAppendBytesMax = std::size_t{1} << 30;

  // An empty list whose first byte will have the position `begin`.
  explicit ChunkList(std::uint64_t begin) : end_(begin) { current_.begin = begin; }

  std::uint64_t end() const { return end_; }

  // How much more memory the list would take after append(); 0 when the current chunk has room.
  std::uint64_t memory_for_append(std::string_view bytes, const Slice& owned,
                                  Framing framing) const;

  // `bytes` are at most kAppendBytesMax; `owned`, unless empty, holds the same ones. What
  // memory_for_append() told was taken from `budget`, and goes back to it with the last share in
  // the memory, be it the list's own or a reader's.
  void append(std::string_view bytes, const Slice& owned, Framing framing,
              const std::shared_ptr<MemoryBudget>& budget);

  // Takes over the bytes that come before its own: `older` ends where it begins.
  void prepend(ChunkList older);

  // Adds the bytes from `from` up to `to`, all of which the list holds, to `out`.
  void slice(std::uint64_t from, std::uint64_t to, std::vector<Slice>& out) const;

  // kBytes only, within what the list holds: the last append end after `from` and not after `to`.
  std::optional<std::uint64_t> last_append_end(std::uint64_t from, std::uint64_t to) const;

  // kBytes only: the end of the append that covers the byte at `position`.
  std::uint64_t append_end_after(std::uint64_t position) const;

 private:
  struct Chunk {
    bool adopted() const { return append_ends == kAdopted; }
    std::uint32_t append_end(std::uint32_t index) const;
    // How many ends of the chunk are not after `position`, which is relative to the chunk.
    std::uint32_t append_ends_until(std::uint64_t position) const;

    // Stands for the one end of an adopted chunk, its last byte's.
    static constexpr std::uint32_t kAdopted = UINT32_MAX;

    std::shared_ptr<char> data;  // written only where no slice reaches, and never when adopted
    std::uint64_t begin = 0;
    std::uint32_t capacity = 0;
    std::uint32_t append_ends = 0;
  };

  // How an append divides: into the room of the current chunk, then into a new one.
  struct Division {
    std::size_t into_current = 0;
    std::size_t new_chunk_capacity = 0;  // 0: none
  };

  static bool adopts(std::string_view bytes, const Slice& owned);
  Division divide(std::size_t bytes, Framing framing) const;
  void begin_chunk(Chunk chunk);
  void copy(std::string_view bytes);
  void note_append_end();

  std::size_t full_count() const { return full_ == nullptr ? 0 : full_->size(); }
  const Chunk& chunk(std::size_t index) const {
    return index == full_count() ? current_ : (*full_)[index];
  }
  // The chunk that holds the byte at `position`.
  std::size_t chunk_at(std::uint64_t position) const;
  std::uint64_t chunk_end(std::size_t index) const {
    return index == full_count() ? end_ : chunk(index + 1).begin;
  }

  Chunk current_;
  std::uint64_t end_;
  std::unique_ptr<std::vector<Chunk>> full_;  // those before the current one; null: none
};

}  // namespace durable_streams

// Reads a pack: every block is verified before a byte of it leaves or is cached
// (docs/disk-format.md, "Packs").
#pragma once

#include <durable_streams/function.h>
#include <durable_streams/slice.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "store/file/block_cache.h"
#include "store/file/catalog.h"
#include "store/file/file_system.h"
#include "store/file/pack_format.h"
#include "store/file/pack_writer.h"

namespace durable_streams {

// One entry of a pack's index.
struct PackIndexEntry {
  enum class Kind : std::uint8_t { kStream, kRemoved, kReplaced };

  Kind kind = Kind::kStream;
  PackEntry stream;  // kStream
  StreamId id = 0;   // kStream, kRemoved
  Lsn lsn = 0;       // kStream, kRemoved
  PackId pack = 0;   // kReplaced
};

// How far a walk over a pack's index has come. Holds one page of it, and no share in the pack.
// Threads: one at a time.
class PackIndexCursor {
 private:
  friend class Pack;

  std::uint64_t next_page_ = 0;  // offset in the file; 0: at the beginning
  std::string page_;
  std::size_t at_ = 0;  // in the page
  StreamId last_id_ = 0;
  std::uint64_t entries_ = 0;
};

// Errors: kCorruption names pack, stream and range; kIo as the disk tells. Slices that were read
// own what they show, and outlive the pack. Threads: any.
class Pack {
 public:
  // Opens the finished pack and verifies its header and footer. kUnavailable: a newer program wrote
  // it. With a cache, reads look there first, and offer it what they had to read.
  static Result<std::unique_ptr<Pack>> open(FileSystem& files, const PackWriter::Place& place,
                                            std::shared_ptr<BlockCache> cache = nullptr);

  PackId id() const { return id_; }
  PackInfo info() const;  // `live_bytes` as if all were alive
  // Of the changes that the index names; both 0 when it names none.
  Lsn lowest_lsn() const { return footer_.lowest_lsn; }
  Lsn highest_lsn() const { return footer_.highest_lsn; }

  // Whether a read may wait for the disk. If not it answers nullopt where it would have to.
  enum class Wait : std::uint8_t { kNo, kYes };

  // Adds the bytes [from, to) of the stream, which lie in `extent`, to `out`, which stays as it was
  // unless all went well.
  std::optional<Status> read(Wait wait, StreamId id, const Extent& extent, std::uint64_t from,
                             std::uint64_t to, std::vector<Slice>& out);

  // kBytes only, within the extent: the last append end after `from` and not after `to`;
  // UINT64_MAX: none.
  std::optional<Result<std::uint64_t>> last_append_end(Wait wait, StreamId id, const Extent& extent,
                                                       std::uint64_t from, std::uint64_t to);
  // kBytes only: where the append that covers the byte at `position` ends; UINT64_MAX: not in this
  // extent.
  std::optional<Result<std::uint64_t>> append_end_after(Wait wait, StreamId id,
                                                        const Extent& extent,
                                                        std::uint64_t position);

  // Reads the extent's blocks from the one that begins at `from` on, as many as one call reads (2
  // MiB), from the disk and never from a cache; calls `visit` with the data of each and the append
  // ends in it. Returns where to go on, at last the extent's end. A visitor's error ends it and is
  // returned.
  using BlockVisitor =
      Function<Status(std::string_view data, std::span<const std::uint64_t> append_ends)>;
  Result<std::uint64_t> visit_blocks(StreamId id, const Extent& extent, std::uint64_t from,
                                     BlockVisitor& visit);

  // Reads and verifies header and footer once more, as open() did.
  Status verify_frame();

  // Reads and verifies every block of an extent, from the disk and never from a cache.
  Status verify(StreamId id, const Extent& extent);

  // The next entry of the index, in the order it was written; false: that was all. A cursor moves
  // over one pack only, and any object of that pack can move it on.
  Result<bool> next_index_entry(PackIndexCursor& cursor, PackIndexEntry& out);

  // All of them. A visitor's error ends the walk and is returned.
  struct IndexVisitor {
    Function<Status(PackEntry&)> stream;
    Function<Status(StreamId, Lsn)> removed;
    Function<Status(PackId)> replaced;
  };
  Status walk_index(IndexVisitor& visitor);

 private:
  struct Block;
  struct Run;

  Pack(const PackWriter::Place& place, std::unique_ptr<File> file, std::uint64_t file_bytes,
       std::shared_ptr<BlockCache> cache)
      : id_(place.id),
        store_id_(place.store_id),
        file_(std::move(file)),
        file_bytes_(file_bytes),
        cache_(std::move(cache)) {}

  Status check_frame(pack_format::Footer& footer);
  std::optional<Status> read_at(Wait wait, std::uint64_t offset, char* out, std::uint64_t size);
  pack_format::BlockPlace place_of(StreamId id, const Block& block) const;
  std::optional<Status> find_or_load(Wait wait, StreamId id, const Extent& extent, Run& out);
  bool find_cached(StreamId id, Block& block) const;
  std::optional<Status> load(Wait wait, StreamId id, const Extent& extent, Run& out);
  std::optional<Status> load_only_block(Wait wait, StreamId id, const Extent& extent, Run& out);
  std::optional<Status> find_blocks(Wait wait, StreamId id, const Extent& extent, Run& out);
  Status check_range(StreamId id, const Extent& extent, std::uint64_t from, std::uint64_t to) const;
  Status check_block(StreamId id, std::string_view bytes, Block& block) const;
  Status decode_ends(StreamId id, const Block& block, std::vector<std::uint64_t>& out) const;
  std::optional<Status> load_ends(Wait wait, StreamId id, const Extent& extent, std::uint64_t block,
                                  std::vector<std::uint64_t>& out);
  Result<bool> fill_page(PackIndexCursor& cursor);
  Result<bool> read_stream_item(PackIndexCursor& cursor, PackEntry& out);
  Error corrupt(std::string_view what) const;
  Error corrupt_range(StreamId id, std::uint64_t from, std::uint64_t to,
                      std::string_view what) const;

  const PackId id_;
  const std::uint64_t store_id_;
  const std::unique_ptr<File> file_;
  const std::uint64_t file_bytes_;
  const std::shared_ptr<BlockCache> cache_;
  pack_format::Footer footer_;
};

}  // namespace durable_streams

// Reads a pack: every block is verified before a byte of it leaves (docs/disk-format.md, "Packs").
#pragma once

#include <durable_streams/function.h>
#include <durable_streams/slice.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "store/file/catalog.h"
#include "store/file/file_system.h"
#include "store/file/pack_writer.h"

namespace durable_streams {

// Errors: kCorruption names pack, stream and range; kIo as the disk tells. Threads: any.
class Pack {
 public:
  // Opens the finished pack and verifies its header and footer.
  static Result<std::shared_ptr<Pack>> open(FileSystem& files, const PackWriter::Place& place);
  virtual ~Pack() = default;

  virtual PackId id() const = 0;

  // Whether a read may wait for the disk. If not it answers nullopt where it would have to.
  enum class Wait : std::uint8_t { kNo, kYes };

  // Adds the bytes [from, to) of the stream, which lie in `extent`, to `out`; slices own what they show.
  virtual std::optional<Status> read(Wait wait, StreamId id, const Extent& extent, std::uint64_t from,
                                     std::uint64_t to, std::vector<Slice>& out) = 0;

  // kBytes only, within the extent: the last append end after `from` and not after `to`; UINT64_MAX: none.
  virtual std::optional<Result<std::uint64_t>> last_append_end(Wait wait, StreamId id,
                                                               const Extent& extent,
                                                               std::uint64_t from,
                                                               std::uint64_t to) = 0;
  // kBytes only: where the append that covers the byte at `position` ends; UINT64_MAX: not in this extent.
  virtual std::optional<Result<std::uint64_t>> append_end_after(Wait wait, StreamId id,
                                                                const Extent& extent,
                                                                std::uint64_t position) = 0;

  // What the index says, in the order it was written. A visitor's error ends the walk and is returned.
  struct IndexVisitor {
    Function<Status(PackEntry&)> stream;
    Function<Status(StreamId, Lsn)> removed;
    Function<Status(PackId)> replaced;
  };
  virtual Status walk_index(IndexVisitor& visitor) = 0;

  // Reads and verifies every block of an extent, waiting for the disk.
  virtual Status verify(StreamId id, const Extent& extent) = 0;
};

// The packs of a store, of which at most so many are open at a time. Threads: any.
class OpenPacks {
 public:
  struct Options {
    std::string directory;
    std::uint64_t store_id = 0;
    std::size_t open_max = 100;
  };

  OpenPacks(FileSystem& files, Options options);
  ~OpenPacks();
  OpenPacks(const OpenPacks&) = delete;
  OpenPacks& operator=(const OpenPacks&) = delete;

  // The pack, opened if need be; the least recently used one that nobody reads is closed for it. A pack that is in use
  // stays open after forget(). With kNo, nullopt when it is not open.
  std::optional<Result<std::shared_ptr<Pack>>> get(Pack::Wait wait, PackId id);

  // The pack is about to be removed.
  void forget(PackId id);

  std::size_t open() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace durable_streams

// Writes a pack: the settled bytes of many streams in one immutable file (docs/disk-format.md,
// "Packs").
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/file/catalog.h"
#include "store/file/file_system.h"

namespace durable_streams {

struct ProducerEntry {
  std::string id;
  std::optional<ProducerState> state;  // nullopt: it was forgotten
  Lsn lsn = 0;  // of the stream's record when the state was settled; 0: of the one beside it
};

// What a pack's index tells of one stream: all that a catalog needs to be made anew.
struct PackEntry {
  SettledStream stream;
  std::vector<Extent> extents;           // in this pack, in order
  std::vector<ProducerEntry> producers;  // those that changed since the packs before
};

// `0000000000000042.pack`
std::string pack_file_name(PackId id);

// The id in the name of a finished pack; 0: it is no such name.
PackId pack_in(std::string_view file_name);

// Whether a file of the directory of packs was left by a writer that did not finish.
bool is_unfinished_pack(std::string_view file_name);

// First the bytes of all streams, then the index, then finish(). Written under a temporary name and
// flushed as it grows; a pack that is not finished is removed, by the destructor or, after a crash,
// by the next start. After an error all further calls fail with it. Threads: one at a time.
class PackWriter {
 public:
  struct Place {
    std::string directory;
    PackId id = 0;
    std::uint64_t store_id = 0;
  };

  static Result<std::unique_ptr<PackWriter>> create(FileSystem& files, Place place);
  ~PackWriter();
  PackWriter(const PackWriter&) = delete;
  PackWriter& operator=(const PackWriter&) = delete;

  // An extent of one stream's own bytes: begin, the bytes in order (at least one), end.
  Status begin_extent(StreamId id, Framing framing, std::uint64_t from);
  Status add_bytes(std::string_view bytes);
  // kBytes only: an append ends at this position of the stream, which comes after the last one
  // told. Those among the bytes of one add_bytes() are told before the next.
  void add_append_end(std::uint64_t position);
  Result<Extent> end_extent();

  // The index: replaced packs first, then streams and removed ones together in ascending order of
  // their ids, each once. kTooLarge: a name in it is longer than any that the store takes.

  // This pack holds all that was alive of an older one.
  Status index_replaced(PackId id);
  Status index_stream(const PackEntry& entry);
  // The stream is gone since `lsn`: older packs that name it are not to be believed.
  Status index_removed(StreamId id, Lsn lsn);

  // Makes the pack durable under its name. `live_bytes` of what it returns are all its bytes.
  Result<PackInfo> finish();

  std::uint64_t stream_bytes() const { return stream_bytes_; }

 private:
  PackWriter(FileSystem& files, Place place, std::unique_ptr<File> file);

  std::string path() const;
  std::uint64_t position() const { return flushed_ + buffer_.size(); }
  Status write_full_blocks();
  void write_block(std::string_view data);
  void write_block_ends(std::uint64_t first);
  Status flush(bool all);
  Status add_item(std::string_view item);
  void close_page();
  void note_entry(StreamId id, Lsn lsn);

  FileSystem& files_;
  const Place place_;
  std::unique_ptr<File> file_;  // null once finished
  Status status_;

  std::string buffer_;
  std::uint64_t flushed_ = 0;  // bytes of the file that were written out before the buffer

  // The extent being written. What the last call added stays here until its append ends are known.
  bool in_extent_ = false;
  StreamId stream_ = 0;
  Framing framing_ = Framing::kBytes;
  Extent extent_;  // `to` is where the blocks written so far end
  std::string data_;
  std::uint64_t last_end_ = 0;
  std::vector<std::uint64_t> ends_;           // of appends, not yet in a block
  std::vector<std::uint64_t> block_offsets_;  // of all but the first

  std::uint64_t index_offset_ = 0;  // 0: no item yet
  std::string page_;
  std::string item_;
  StreamId last_id_ = 0;
  std::uint64_t entries_ = 0;
  std::uint64_t stream_bytes_ = 0;
  Lsn lowest_lsn_ = 0;
  Lsn highest_lsn_ = 0;
};

}  // namespace durable_streams

// Writes a pack: the settled bytes of many streams in one immutable file (docs/disk-format.md, "Packs").
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/file/catalog.h"
#include "store/file/file_system.h"

namespace durable_streams {

struct ProducerEntry {
  std::string id;
  ProducerState state;
};

// What a pack's index tells of one stream: all that a catalog needs to be made anew.
struct PackEntry {
  SettledStream stream;
  std::vector<Extent> extents;  // in this pack
  std::vector<ProducerEntry> producers;  // those that changed since the packs before
};

// First the bytes of all streams, then the index, then finish(). Written under a temporary name and flushed as it grows; a
// pack that was not finished leaves a file that the next start removes. Threads: one at a time.
class PackWriter {
 public:
  struct Place {
    std::string directory;
    PackId id = 0;
    std::uint64_t store_id = 0;
  };

  static Result<std::unique_ptr<PackWriter>> create(FileSystem& files, Place place);
  virtual ~PackWriter() = default;

  // An extent of one stream's own bytes: begin, the bytes in order, where appends end among them (kBytes only; positions
  // in the stream, each after the last one and not after what was added), end.
  virtual Status begin_extent(StreamId id, Framing framing, std::uint64_t from) = 0;
  virtual Status add_bytes(std::string_view bytes) = 0;
  virtual void add_append_end(std::uint64_t position) = 0;
  virtual Result<Extent> end_extent() = 0;

  virtual Status index_stream(const PackEntry& entry) = 0;
  // The stream is gone since `lsn`: older packs that name it are not to be believed.
  virtual Status index_removed(StreamId id, Lsn lsn) = 0;
  // This pack holds all that was alive of an older one.
  virtual Status index_replaced(PackId id) = 0;

  // Makes the pack durable under its name. `live_bytes` of what it returns are all its bytes.
  virtual Result<PackInfo> finish() = 0;
};

// `0000000000000042.pack`
std::string pack_file_name(PackId id);

}  // namespace durable_streams

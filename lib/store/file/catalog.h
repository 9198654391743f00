// Where every settled stream is: the checkpoint that spares a start from reading all packs. It can
// be rebuilt from them.
#pragma once

#include <durable_streams/store.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace durable_streams {

// The number of a change in the journal; 0 comes before the first.
using Lsn = std::uint64_t;

// Names a pack file; never reused.
using PackId = std::uint64_t;

// A stream's record as the change `lsn` left it.
struct SettledStream {
  StreamRecord record;
  Lsn lsn = 0;
  std::uint32_t releases_owed = 0;  // of its forks, those that are gone without a ReleaseChange
};

// A run of a stream's own bytes in a pack.
struct Extent {
  std::uint64_t from = 0;  // positions in the stream
  std::uint64_t to = 0;
  PackId pack = 0;
  std::uint64_t offset = 0;  // in the file, of the extent's first block
  std::uint64_t directory =
      0;  // in the file, of the extent's block directory; 0: it has but one block

  friend bool operator==(const Extent&, const Extent&) = default;
};

struct PackInfo {
  PackId id = 0;
  std::uint64_t file_bytes = 0;
  std::uint64_t stream_bytes = 0;  // of streams, when it was written
  std::uint64_t live_bytes = 0;    // of those, what extents in the catalog refer to

  friend bool operator==(const PackInfo&, const PackInfo&) = default;
};

struct CatalogMeta {
  std::uint64_t store_id = 0;  // drawn when the directory was made
  Lsn settled = 0;             // every change up to here is in the catalog
  Lsn settling = 0;            // changes after `settled` up to here may be, stream by stream
  StreamId next_stream_id = 1;
  PackId next_pack_id = 1;
  bool clean = false;     // closed in order, nothing to replay
  bool may_lose = false;  // until it is closed in order: what readers see may not be on the disk
  std::uint64_t read_sequence = 0;  // of all that is new
  WallTime ttl_floor =
      WallTime{};  // a sliding deadline is at least this plus the stream's TTL; see FileStore

  friend bool operator==(const CatalogMeta&, const CatalogMeta&) = default;
};

// Of all streams together.
struct CatalogTotals {
  std::uint64_t streams = 0;
  std::uint64_t stored_bytes = 0;  // in extents
  std::uint64_t releases_owed = 0;
  std::uint64_t producers = 0;  // their entries' number, which is written nowhere else

  friend bool operator==(const CatalogTotals&, const CatalogTotals&) = default;
};

struct DueStream {
  WallTime deadline;
  StreamId id = 0;

  friend auto operator<=>(const DueStream&, const DueStream&) = default;
};

// Reads see the last committed update, each call by itself. An answer that fails its checksum is
// kCorruption and names what it was about. The totals and what each pack has alive are the
// catalog's own account of what it was given, true after every update. Threads: any; one update at
// a time.
class Catalog {
 public:
  // Changes that are committed together or not at all. Each builds on those before it; the catalog
  // shows them only after commit(). Threads: the one that began it.
  class Update {
   public:
    virtual ~Update() = default;  // without commit(): nothing has happened

    // Enters a stream, or replaces its record: by path, by id and by deadline (soft-deleted ones
    // have none).
    virtual Status put(const SettledStream& stream) = 0;
    // Takes a stream out, with its producers and extents. Fine if it is not there.
    virtual Status erase(StreamId id) = 0;
    virtual Status put_producer(StreamId id, std::string_view producer_id, ProducerState state) = 0;
    // Fine if it is not there.
    virtual Status erase_producer(StreamId id, std::string_view producer_id) = 0;
    // A stream's extents do not overlap; one with the same beginning is replaced.
    virtual Status put_extent(StreamId id, const Extent& extent) = 0;
    // Replaces the stream's extents that lie in [extent.from, extent.to) by `extent`; `freed`
    // receives them. Fails with kInvalidArgument when it would cut one in two.
    virtual Status replace_extents(StreamId id, const Extent& extent,
                                   std::vector<Extent>& freed) = 0;
    // Enters a pack, no later than in the update of the first extent that refers to it. Its
    // `live_bytes` are the catalog's to know.
    virtual Status put_pack(const PackInfo& pack) = 0;
    virtual Status erase_pack(PackId id) = 0;
    virtual Status put_meta(const CatalogMeta& meta) = 0;

    // Durable when it returns.
    virtual Status commit() = 0;
  };

  virtual ~Catalog() = default;

  virtual Result<std::unique_ptr<Update>> begin() = 0;

  // As last put; the defaults before that.
  virtual Result<CatalogMeta> meta() = 0;
  virtual Result<CatalogTotals> totals() = 0;
  virtual Result<std::optional<StreamId>> find_path(std::string_view path) = 0;
  virtual Result<std::optional<SettledStream>> find(StreamId id) = 0;
  virtual Result<std::optional<ProducerState>> find_producer(StreamId id,
                                                             std::string_view producer_id) = 0;
  virtual Result<std::uint64_t> count_producers(StreamId id) = 0;
  // All of a stream's, in order of their ids.
  virtual Result<std::vector<UsedProducer>> producers(StreamId id) = 0;

  // The stream's extents that hold bytes in [from, to), in order.
  virtual Result<std::vector<Extent>> extents(StreamId id, std::uint64_t from,
                                              std::uint64_t to) = 0;

  // The first `count_max` deadlines that come after `after` and not after `until`, earliest first.
  virtual Result<std::vector<DueStream>> due(DueStream after, WallTime until,
                                             std::size_t count_max) = 0;

  virtual Result<std::vector<PackInfo>> packs() = 0;

  // Up to `count_max` paths that begin with `prefix` and come after `after`, in the order of bytes.
  virtual Result<std::vector<std::string>> paths_after(std::string_view prefix,
                                                       std::string_view after,
                                                       std::size_t count_max) = 0;

  // Makes a catalog of its own, with what this one holds but for `meta`, in an empty directory.
  // Durable when it returns. kInvalidArgument: this one is not on a disk.
  virtual Status copy_to(const std::string& directory, const CatalogMeta& meta);

  // Up to `count_max` streams with ids greater than `after`, in order of id: to walk over all of
  // them.
  virtual Result<std::vector<SettledStream>> streams_after(StreamId after,
                                                           std::size_t count_max) = 0;
};

inline Status Catalog::copy_to(const std::string& directory, const CatalogMeta&) {
  return Error{.code = ErrorCode::kInvalidArgument,
               .message = "copy the catalog to " + directory + ": it is in memory only",
               .detail = {}};
}

}  // namespace durable_streams

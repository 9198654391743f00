// One settling: what a frozen memtable holds goes into one pack and into the catalog.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "store/file/catalog.h"
#include "store/file/file_system.h"
#include "store/file/memtable.h"
#include "store/file/pack_writer.h"

namespace durable_streams {

// A settling that fails may be tried again from the start: it says first how far it goes, every
// stream is whole in one transaction, and a record is not applied to a stream that says it knows it
// already. Threads: one at a time.
class Settling {
 public:
  struct Place {
    FileSystem& files;
    Catalog& catalog;
    std::string directory;  // of the packs
  };

  // `memtable` takes no change any more. `meta` is the catalog's, with the `next_stream_id` that
  // shall be true after this settling.
  Settling(Place place, const Memtable& memtable, CatalogMeta meta);

  // Returns what the catalog's meta then is.
  Result<CatalogMeta> run();

 private:
  Status write_pack();
  Result<std::optional<Extent>> write_extent(PackWriter& writer, const DirtyStream& stream);
  Status index(PackWriter& writer, const DirtyStream& stream);
  Status begin_catalog();
  Status update_catalog();
  Status update(const DirtyStream& stream);
  Status finish_catalog();
  // Makes room for `updates` more in the transaction.
  Status make_room(std::size_t updates);

  const Place place_;
  const Memtable& memtable_;
  const std::vector<const DirtyStream*> streams_;
  CatalogMeta meta_;
  std::optional<PackInfo> pack_;  // none: no stream had to be told of
  std::unordered_map<StreamId, Extent> extents_;
  std::unique_ptr<Catalog::Update> update_;
  std::size_t updates_ = 0;
};

}  // namespace durable_streams

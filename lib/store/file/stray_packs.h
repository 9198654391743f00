// Packs that the catalog does not refer to: work that was cut short has left them, or somebody has
// put an older catalog there, or brought back what was missing when the catalog was made anew. A
// start and a repair do the same with them.
#pragma once

#include <durable_streams/function.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "store/file/catalog.h"
#include "store/file/file_system.h"
#include "store/file/pack.h"

namespace durable_streams {

struct StrayPack {
  enum class Kind : std::uint8_t {
    kUseless,     // what is in it the journal still has, or packs that are known
    kUnreadable,  // nobody knows what is in it: it may be all that there is of a stream
    kUntold,      // nothing shows that what is in it is elsewhere
    kNeeded,  // an older catalog is in place: it does not know of the pack's changes, or what it
              // knows has become this pack
  };

  std::string name;
  Kind kind = Kind::kUseless;
  Lsn last = 0;       // of its changes, where it can be read
  std::string aside;  // where it is after clear_stray_packs(), if it was put aside
};

struct PacksPlace {
  FileSystem& files;
  std::string directory;
  std::uint64_t store_id = 0;

  Result<std::unique_ptr<Pack>> open(PackId id) const;
};

// What operators are told of one that the catalog refers to, and that is not there.
std::string missing_pack(const PackInfo& pack);

// What they are told of one that is put aside.
std::string unknown_pack(const StrayPack& pack);

// What catalog and journal tell of.
struct ToldChanges {
  Lsn settled = 0;          // the catalog
  Lsn last = 0;             // the two together
  PackId next_pack_id = 1;  // the catalog has not come to know of packs from here on
};

// Looks at those that are not `known`, in order of their names. Files that only look like packs are
// nobody's business.
Result<std::vector<StrayPack>> find_stray_packs(const PacksPlace& place,
                                                Function<bool(PackId)> known,
                                                const ToldChanges& told);

// Removes those of no use, durably. What cannot be read, or is not told of, is put aside, and what
// is needed stays.
Status clear_stray_packs(const PacksPlace& place, std::vector<StrayPack>& packs);

}  // namespace durable_streams

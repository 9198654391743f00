// Merging: what is still alive in some packs goes into one new pack, so that extents stay few and
// the space of what was deleted comes back.
#pragma once

#include <durable_streams/function.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "store/file/catalog.h"
#include "store/file/file_system.h"
#include "store/file/open_packs.h"
#include "store/file/pack_writer.h"

namespace durable_streams {

// Made by plan_merge().
struct PackMerge {
  std::vector<PackId> inputs;
  PackWriter::Place output;

  // The lowest change that any pack but the inputs names; UINT64_MAX: no other names one. A removed
  // stream is remembered only where one of those may name the stream: it was changed before it was
  // removed.
  Lsn others_from = 0;

  // Called after each mebibyte that was read of streams, to keep a pace. An error ends the merge
  // and is returned.
  Function<Status()> pace = [] { return Status{}; };
};

// What one merge has written, not yet in the catalog.
struct MergedPack {
  struct Moved {
    StreamId id = 0;
    Extent extent;
  };

  PackInfo pack;
  std::vector<PackId> inputs;
  std::vector<Moved> moved;  // in order of stream and position
};

// Looks at all packs of the catalog. Of a merge whose apply_merged_pack() did not come to its end,
// the new pack and those it has replaced are taken together or not at all: when one is asked for,
// `inputs` gets the others as well.
Result<PackMerge> plan_merge(Catalog& catalog, OpenPacks& packs, std::vector<PackId> inputs,
                             PackWriter::Place output);

// Writes one pack that holds all that is alive of the inputs: each stream's bytes that the catalog
// places in them, adjacent extents as one; of each stream the record with the highest LSN that
// their indices have, and of each of its producers the newest state. Reads the packs one at a time.
// The inputs must be settled wholly: no extent in them is yet to enter the catalog. When it fails
// there is no new pack.
Result<MergedPack> write_merged_pack(FileSystem& files, Catalog& catalog, OpenPacks& packs,
                                     PackMerge& merge);

// Makes the catalog refer to the new pack instead of the inputs, in transactions of at most
// `updates_max` updates, of which each leaves it whole: a crash between two costs no more than the
// space of what both hold. What was erased from the catalog meanwhile does not come back. After it
// the inputs may be removed; a reader that finds one gone asks the catalog again. kCorruption:
// something in an input is alive that its index does not name; that input stays in the catalog.
Status apply_merged_pack(Catalog& catalog, const MergedPack& merged,
                         std::size_t updates_max = 20'000);

}  // namespace durable_streams

// The catalog on disk, kept by LMDB (docs/disk-format.md, "Catalog").
#pragma once

#include <durable_streams/result.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "store/file/catalog.h"

namespace durable_streams {

struct LmdbCatalogOptions {
  std::string directory;  // exists
  // Address space, not memory nor disk: how large the catalog can grow. On 64-bit systems there is
  // plenty; sanitizers and tests need less.
  std::uint64_t map_bytes = std::uint64_t{1} << 40;
  unsigned readers_max = 126;  // calls that read at the same time
  bool read_only = false;      // there must be a catalog; begin() is refused
  // One thread uses it, one call at a time, and no lock file is made: that is mapped, and on a full
  // disk the first touch of it would kill the process.
  bool unshared = false;
};

// Opens the catalog of a directory, or makes an empty one, durably; its file may be read and
// written by its owner alone. The caller's own lock keeps everything else from opening it
// meanwhile, in this process or another. kInvalidArgument: a newer version of this software made
// it; kNotFound: no directory or, to read only, no catalog.
//
// Errors of all calls name the directory. kNoSpace: the disk, a quota or the map is full, and the
// update has not happened. kTooMany: no descriptor or reader is left. kCorruption: LMDB's pages or
// an entry are damaged; a catalog can be made anew from packs and journal. kIo: all else; when it
// befell a commit, there are no more updates until it is opened again, for what the disk holds is
// then unknown. An update belongs to the thread that began it, and an error of any of its calls
// ends it: those that follow return the same, commit() too.
Result<std::unique_ptr<Catalog>> open_lmdb_catalog(const LmdbCatalogOptions& options);

}  // namespace durable_streams

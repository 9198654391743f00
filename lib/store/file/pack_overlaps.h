// The same bytes of a stream in two packs. A settling that was tried twice leaves that; packs that
// tell of different pasts, because one was away while the store went on without it, do as well.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "store/file/catalog.h"
#include "store/file/file_system.h"

namespace durable_streams {

struct PackOverlap {
  StreamId id = 0;
  Extent one;
  Extent other;
};

// Whether what both extents hold is the same, byte by byte. Fails as reads of packs do.
Result<bool> holds_the_same(FileSystem& files, const std::string& directory, std::uint64_t store_id,
                            const PackOverlap& overlap);

}  // namespace durable_streams

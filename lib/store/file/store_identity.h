// Which store the files of a directory are of: packs and segments carry its id, so that one from
// elsewhere is not taken for its own.
#pragma once

#include <durable_streams/result.h>

#include <cstdint>
#include <string>

#include "store/file/file_system.h"

namespace durable_streams {

// By all headers of packs and segments that can be read. kNotFound: there is none. kCorruption:
// they are of more than one store, and the message names some of each.
Result<std::uint64_t> find_store_id(FileSystem& files, const std::string& directory);

// kCorruption: packs and segments are all of one store, and the catalog, which has this id, is of
// another. Where they differ among themselves each tells for itself.
Status expect_own_catalog(FileSystem& files, const std::string& directory, std::uint64_t store_id);

}  // namespace durable_streams

// Keeps what a repair takes away: a damaged file stays beside the others, under a name that nobody
// reads, and none that was kept before it is overwritten.
#pragma once

#include <durable_streams/function.h>
#include <durable_streams/result.h>

#include <optional>
#include <string>
#include <string_view>

#include "store/file/file_system.h"

namespace durable_streams {

// Renames a file of the directory to one that ends with `.damaged`, or `.damaged.2` and so on where
// there is one; returns the path. Durable after sync_directory().
Result<std::string> put_aside(FileSystem& files, const std::string& directory,
                              const std::string& name);

// The same, but the file keeps its own name too.
Result<std::string> keep_aside(FileSystem& files, const std::string& directory,
                               const std::string& name);

// The name that a file had before it was put aside; nothing if it was not.
std::optional<std::string_view> name_before_aside(std::string_view name);

// Gives a file a second name; where the disk has no links for that, a copy that is synced, before
// each piece of which `go_on` may end it.
Status link_or_copy(FileSystem& files, const std::string& from, const std::string& to,
                    Function<Status()>& go_on);

}  // namespace durable_streams

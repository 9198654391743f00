// Compares what the store says of itself now with what it said before.
#include "server/store_watch.h"

#include <fmt/format.h>

#include <utility>

namespace durable_streams::server {

std::vector<std::string> StoreWatch::look(const FileStoreStats& now) {
  std::vector<std::string> lines;
  if (now.read_only && !std::exchange(read_only_, true)) {
    lines.push_back(
        fmt::format("{} takes no changes until the server is started again: a write has failed: {}",
                    directory_, now.read_only_reason));
  }
  if (now.short_of_room != std::exchange(short_of_room_, now.short_of_room)) {
    lines.push_back(now.short_of_room
                        ? fmt::format("{}: the disk is full; streams can be deleted, and nothing "
                                      "else changed, until there is room",
                                      directory_)
                        : fmt::format("{}: the disk has room again", directory_));
  }
  if (const std::uint64_t more = now.failed_reads - std::exchange(failed_reads_, now.failed_reads);
      more > 0) {
    lines.push_back(
        fmt::format("{}: {} failed; the last: {}", directory_,
                    more == 1 ? std::string("a read has") : fmt::format("{} reads have", more),
                    now.last_failed_read));
  }
  return lines;
}

}  // namespace durable_streams::server

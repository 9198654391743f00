// What the operator should hear of a durable store: each turn of events once, however many requests
// meet it.
#pragma once

#include <durable_streams/file_store.h>

#include <cstdint>
#include <string>
#include <vector>

namespace durable_streams::server {

// Threads: one at a time.
class StoreWatch {
 public:
  explicit StoreWatch(std::string directory) : directory_(std::move(directory)) {}

  // What has happened since the last look, a line each.
  std::vector<std::string> look(const FileStoreStats& now);

 private:
  const std::string directory_;
  bool read_only_ = false;
  bool short_of_room_ = false;
  std::uint64_t failed_reads_ = 0;
};

}  // namespace durable_streams::server

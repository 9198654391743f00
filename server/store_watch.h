// Tells the operator what becomes of the store: each event once, however many requests meet it.
#pragma once

#include <durable_streams/file_store.h>

#include <cstddef>
#include <string>
#include <utility>

#include "server/log/logger.h"

namespace durable_streams::server {

// Threads: one at a time.
class StoreWatch {
 public:
  StoreWatch(std::string directory, Logger log) : directory_(std::move(directory)), log_(log) {}

  // What the opening found.
  void opened(const FileStoreOpening& opening);

  // What is new since the last look.
  void look(const FileStoreStats& stats);

 private:
  const std::string directory_;
  const Logger log_;
  bool read_only_ = false;
  bool short_of_room_ = false;
  std::size_t damages_ = 0;
};

}  // namespace durable_streams::server

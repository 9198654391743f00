// Tells the operator what becomes of the store: each event once, however many requests meet it.
#pragma once

#include <durable_streams/file_store.h>
#include <durable_streams/function.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace durable_streams::server {

// Threads: one at a time.
class StoreWatch {
 public:
  using Log = Function<void(std::string_view)>;

  StoreWatch(std::string directory, Log log)
      : directory_(std::move(directory)), log_(std::move(log)) {}

  // What the opening found.
  void opened(const FileStoreOpening& opening);

  // What is new since the last look.
  void look(const FileStoreStats& stats);

 private:
  void say(std::string_view line);

  const std::string directory_;
  Log log_;
  bool read_only_ = false;
  bool short_of_room_ = false;
  std::size_t damages_ = 0;
};

}  // namespace durable_streams::server

// The catalog's updates: one at a time, and none any more once a commit left it unknown what the
// disk holds.
#pragma once

#include <durable_streams/result.h>

#include <atomic>
#include <memory>
#include <optional>

#include "base/mutex.h"
#include "store/file/catalog.h"
#include "store/file/lmdb_tables.h"

namespace durable_streams {

// Outlives its updates. Threads: any; one update at a time.
class LmdbUpdates {
 public:
  explicit LmdbUpdates(LmdbTables& tables) : tables_(tables) {}
  LmdbUpdates(const LmdbUpdates&) = delete;
  LmdbUpdates& operator=(const LmdbUpdates&) = delete;
  ~LmdbUpdates();

  Result<std::unique_ptr<Catalog::Update>> begin();

  // What an update says when it is over.
  void ended() { running_.store(false); }
  void failed(const Error& error);  // there will be no other

 private:
  LmdbTables& tables_;
  std::atomic<bool> running_{false};
  Mutex mutex_;
  std::optional<Error> stopped_ DURABLE_STREAMS_GUARDED_BY(mutex_);
};

}  // namespace durable_streams

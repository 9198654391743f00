// A catalog in memory, whose updates are atomic and durable by construction: what tests and
// simulations stand in for LMDB's.
#pragma once

#include <durable_streams/function.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "store/file/catalog.h"

namespace durable_streams {

// Threads: any; one update at a time.
class MapCatalog final : public Catalog {
 public:
  MapCatalog();
  ~MapCatalog() override;
  MapCatalog(const MapCatalog&) = delete;
  MapCatalog& operator=(const MapCatalog&) = delete;

  // What a start would find after a crash now: all committed updates, and nothing of one that is
  // not. Costs no more than a shared pointer, so that every crash point can have its own.
  std::unique_ptr<MapCatalog> copy() const;

  // Runs in commit() before anything has happened; an error from it is commit()'s.
  void set_before_commit(Function<Status()> before_commit);

  // Takes what copy_to() makes, as on a disk; without one, that fails.
  using Keeper = Function<Status(const std::string& directory, std::unique_ptr<MapCatalog> copy)>;
  void set_keeper(Keeper keeper);

  Result<std::unique_ptr<Update>> begin() override;
  Result<CatalogMeta> meta() override;
  Result<CatalogTotals> totals() override;
  Result<std::optional<StreamId>> find_path(std::string_view path) override;
  Result<std::optional<SettledStream>> find(StreamId id) override;
  Result<std::optional<ProducerState>> find_producer(StreamId id,
                                                     std::string_view producer_id) override;
  Result<std::uint64_t> count_producers(StreamId id) override;
  Result<std::vector<UsedProducer>> producers(StreamId id) override;
  Result<std::vector<Extent>> extents(StreamId id, std::uint64_t from, std::uint64_t to) override;
  Result<std::vector<DueStream>> due(DueStream after, WallTime until,
                                     std::size_t count_max) override;
  Result<std::vector<PackInfo>> packs() override;
  Result<std::vector<std::string>> paths_after(std::string_view prefix, std::string_view after,
                                               std::size_t count_max) override;
  Status copy_to(const std::string& directory, const CatalogMeta& meta) override;
  Result<std::vector<SettledStream>> streams_after(StreamId after, std::size_t count_max) override;

 private:
  class MapUpdate;
  struct State;

  explicit MapCatalog(std::shared_ptr<const State> state);
  std::shared_ptr<const State> state() const;

  mutable Mutex mutex_;
  std::shared_ptr<const State> state_
      DURABLE_STREAMS_GUARDED_BY(mutex_);  // replaced, never changed
  bool updating_ DURABLE_STREAMS_GUARDED_BY(mutex_) = false;
  Function<Status()> before_commit_;
  Keeper keeper_;
};

}  // namespace durable_streams

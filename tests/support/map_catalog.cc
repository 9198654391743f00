// The catalog's rules over ordered maps. An update works on a copy of them, which commit() puts in
// their place.
#include "tests/support/map_catalog.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "base/assert.h"
#include "store/file/catalog_accounts.h"

namespace durable_streams {

struct MapCatalog::State {
  CatalogMeta meta;
  CatalogTotals totals;
  std::map<std::string, StreamId, std::less<>> paths;
  std::map<StreamId, SettledStream> streams;
  std::map<StreamId, std::map<std::uint64_t, Extent>> extents;
  std::map<StreamId, std::map<std::string, ProducerState, std::less<>>> producers;
  std::set<DueStream> deadlines;
  std::map<PackId, PackInfo> packs;

  std::vector<Extent> overlapping(StreamId id, std::uint64_t from, std::uint64_t to) const;
  void free_path(const StreamRecord& record);
};

std::vector<Extent> MapCatalog::State::overlapping(StreamId id, std::uint64_t from,
                                                   std::uint64_t to) const {
  std::vector<Extent> found;
  const auto of = extents.find(id);
  if (of == extents.end()) return found;
  for (const auto& [begin, extent] : of->second) {
    if (extent.to > from && begin < to && from < to) found.push_back(extent);
  }
  return found;
}

void MapCatalog::State::free_path(const StreamRecord& record) {
  const auto holder = paths.find(record.path);
  if (holder != paths.end() && holder->second == record.id) paths.erase(holder);
}

class MapCatalog::MapUpdate final : public Catalog::Update {
 public:
  MapUpdate(MapCatalog& catalog, const State& state)
      : catalog_(catalog), state_(std::make_shared<State>(state)) {}
  MapUpdate(const MapUpdate&) = delete;
  MapUpdate& operator=(const MapUpdate&) = delete;
  ~MapUpdate() override {
    if (state_ == nullptr) return;
    const MutexLock lock(catalog_.mutex_);
    catalog_.updating_ = false;
  }

  Status put(const SettledStream& stream) override {
    if (!status_) return status_;
    const StreamRecord& record = stream.record;
    if (record.path.empty() || record.path.size() > kKeyBytesMax) {
      return fail(ErrorCode::kPathTooLong, "a path of this length cannot be kept");
    }
    const auto old = state_->streams.find(record.id);
    const bool known = old != state_->streams.end();
    const bool same_path = known && old->second.record.path == record.path;
    if (known && !same_path) state_->free_path(old->second.record);
    if (!same_path) state_->paths[record.path] = record.id;
    if (known) state_->deadlines.erase({old->second.record.deadline, record.id});
    accounts_.entered(known ? &old->second : nullptr, stream);
    if (!record.soft_deleted && record.deadline != kNever) {
      state_->deadlines.insert({record.deadline, record.id});
    }
    state_->streams[record.id] = stream;
    return {};
  }

  Status erase(StreamId id) override {
    if (!status_) return status_;
    const auto old = state_->streams.find(id);
    if (old != state_->streams.end()) {
      state_->free_path(old->second.record);
      state_->deadlines.erase({old->second.record.deadline, id});
      accounts_.erased(old->second);
      state_->streams.erase(old);
    }
    for (const auto& [from, extent] : state_->extents[id]) accounts_.freed(extent);
    state_->extents.erase(id);
    state_->producers.erase(id);
    return {};
  }

  Status put_producer(StreamId id, std::string_view producer_id, ProducerState producer) override {
    if (!status_) return status_;
    if (producer_id.size() + sizeof(id) > kKeyBytesMax) {
      return fail(ErrorCode::kTooLarge, "a producer's id is too long for the catalog");
    }
    state_->producers[id].insert_or_assign(std::string(producer_id), producer);
    return {};
  }

  Status erase_producer(StreamId id, std::string_view producer_id) override {
    if (!status_) return status_;
    const auto of = state_->producers.find(id);
    if (of == state_->producers.end()) return {};
    const auto found = of->second.find(producer_id);
    if (found != of->second.end()) of->second.erase(found);
    return {};
  }

  Status put_extent(StreamId id, const Extent& extent) override {
    if (!status_) return status_;
    if (extent.from >= extent.to) return fail(ErrorCode::kInvalidArgument, "the extent is empty");
    place(id, extent);
    return {};
  }

  Status replace_extents(StreamId id, const Extent& extent, std::vector<Extent>& freed) override {
    if (!status_) return status_;
    if (extent.from >= extent.to) return fail(ErrorCode::kInvalidArgument, "the extent is empty");
    const std::vector<Extent> old = state_->overlapping(id, extent.from, extent.to);
    for (const Extent& each : old) {
      if (each.from < extent.from || each.to > extent.to) {
        return fail(ErrorCode::kInvalidArgument, "the extent would cut another");
      }
    }
    for (const Extent& each : old) {
      accounts_.freed(each);
      state_->extents[id].erase(each.from);
    }
    freed.insert(freed.end(), old.begin(), old.end());
    place(id, extent);
    return {};
  }

  Status put_pack(const PackInfo& pack) override {
    if (!status_) return status_;
    PackInfo& entered = state_->packs[pack.id];
    const std::uint64_t live_bytes = entered.live_bytes;
    entered = pack;
    entered.live_bytes = live_bytes;
    return {};
  }

  Status erase_pack(PackId id) override {
    if (status_) state_->packs.erase(id);
    return status_;
  }

  Status put_meta(const CatalogMeta& meta) override {
    if (status_) state_->meta = meta;
    return status_;
  }

  Status commit() override {
    DURABLE_STREAMS_ASSERT(state_ != nullptr);
    if (status_ && catalog_.before_commit_) status_ = catalog_.before_commit_();
    if (!status_) return status_;
    accounts_.add_to(state_->totals);
    for (const auto& [id, bytes] : accounts_.alive()) {
      const auto pack = state_->packs.find(id);
      if (pack != state_->packs.end()) CatalogAccounts::add(pack->second.live_bytes, bytes);
    }
    const MutexLock lock(catalog_.mutex_);
    catalog_.state_ = std::move(state_);
    catalog_.updating_ = false;
    return {};
  }

 private:
  static constexpr std::size_t kKeyBytesMax = 511;  // LMDB's

  void place(StreamId id, const Extent& extent) {
    std::map<std::uint64_t, Extent>& extents = state_->extents[id];
    if (const auto old = extents.find(extent.from); old != extents.end())
      accounts_.freed(old->second);
    accounts_.placed(extent);
    extents[extent.from] = extent;
  }

  Status fail(ErrorCode code, std::string message) {
    status_ = Error{code, std::move(message), {}};
    return status_;
  }

  MapCatalog& catalog_;
  std::shared_ptr<State> state_;
  CatalogAccounts accounts_;
  Status status_;
};

MapCatalog::MapCatalog() : MapCatalog(std::make_shared<const State>()) {}

MapCatalog::MapCatalog(std::shared_ptr<const State> state) : state_(std::move(state)) {}

MapCatalog::~MapCatalog() = default;

std::shared_ptr<const MapCatalog::State> MapCatalog::state() const {
  const MutexLock lock(mutex_);
  return state_;
}

std::unique_ptr<MapCatalog> MapCatalog::copy() const {
  return std::unique_ptr<MapCatalog>(new MapCatalog(state()));
}

void MapCatalog::set_before_commit(Function<Status()> before_commit) {
  before_commit_ = std::move(before_commit);
}

void MapCatalog::set_keeper(Keeper keeper) { keeper_ = std::move(keeper); }

Status MapCatalog::copy_to(const std::string& directory, const CatalogMeta& meta) {
  if (!keeper_) return Catalog::copy_to(directory, meta);
  auto copied = std::make_shared<State>(*state());
  copied->meta = meta;
  return keeper_(directory, std::unique_ptr<MapCatalog>(new MapCatalog(std::move(copied))));
}

Result<std::unique_ptr<Catalog::Update>> MapCatalog::begin() {
  std::shared_ptr<const State> from;
  {
    const MutexLock lock(mutex_);
    DURABLE_STREAMS_ASSERT(!updating_);
    updating_ = true;
    from = state_;
  }
  return std::unique_ptr<Update>(std::make_unique<MapUpdate>(*this, *from));
}

Result<CatalogMeta> MapCatalog::meta() { return state()->meta; }
Result<CatalogTotals> MapCatalog::totals() {
  const std::shared_ptr<const State> now = state();
  CatalogTotals totals = now->totals;
  for (const auto& [id, producers] : now->producers) totals.producers += producers.size();
  return totals;
}

Result<std::optional<StreamId>> MapCatalog::find_path(std::string_view path) {
  const auto now = state();
  const auto found = now->paths.find(path);
  return found == now->paths.end() ? std::optional<StreamId>() : found->second;
}

Result<std::optional<SettledStream>> MapCatalog::find(StreamId id) {
  const auto now = state();
  const auto found = now->streams.find(id);
  return found == now->streams.end() ? std::optional<SettledStream>() : found->second;
}

Result<std::optional<ProducerState>> MapCatalog::find_producer(StreamId id,
                                                               std::string_view producer_id) {
  const auto now = state();
  std::optional<ProducerState> producer;
  const auto of = now->producers.find(id);
  if (of == now->producers.end()) return producer;
  const auto found = of->second.find(producer_id);
  if (found != of->second.end()) producer = found->second;
  return producer;
}

Result<std::uint64_t> MapCatalog::count_producers(StreamId id) {
  const auto now = state();
  const auto of = now->producers.find(id);
  return of == now->producers.end() ? std::uint64_t{0} : std::uint64_t{of->second.size()};
}

Result<std::vector<UsedProducer>> MapCatalog::producers(StreamId id) {
  const auto now = state();
  std::vector<UsedProducer> producers;
  const auto of = now->producers.find(id);
  if (of == now->producers.end()) return producers;
  for (const auto& [name, state] : of->second)
    producers.push_back({.last_used = state.last_used, .id = name});
  return producers;
}

Result<std::vector<Extent>> MapCatalog::extents(StreamId id, std::uint64_t from, std::uint64_t to) {
  return state()->overlapping(id, from, to);
}

Result<std::vector<DueStream>> MapCatalog::due(DueStream after, WallTime until,
                                               std::size_t count_max) {
  const auto now = state();
  std::vector<DueStream> found;
  for (auto it = now->deadlines.upper_bound(after); it != now->deadlines.end(); ++it) {
    if (it->deadline > until || found.size() == count_max) break;
    found.push_back(*it);
  }
  return found;
}

Result<std::vector<PackInfo>> MapCatalog::packs() {
  const auto now = state();
  std::vector<PackInfo> packs;
  for (const auto& [id, pack] : now->packs) packs.push_back(pack);
  return packs;
}

Result<std::vector<std::string>> MapCatalog::paths_after(std::string_view prefix,
                                                         std::string_view after,
                                                         std::size_t count_max) {
  const auto now = state();
  std::vector<std::string> paths;
  for (auto it = now->paths.lower_bound(std::max(prefix, after)); it != now->paths.end(); ++it) {
    if (paths.size() == count_max || !it->first.starts_with(prefix)) break;
    if (it->first > after) paths.push_back(it->first);
  }
  return paths;
}

Result<std::vector<SettledStream>> MapCatalog::streams_after(StreamId after,
                                                             std::size_t count_max) {
  const auto now = state();
  std::vector<SettledStream> streams;
  for (auto it = now->streams.upper_bound(after); it != now->streams.end(); ++it) {
    if (streams.size() == count_max) break;
    streams.push_back(it->second);
  }
  return streams;
}

}  // namespace durable_streams

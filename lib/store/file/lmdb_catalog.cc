// The catalog over LMDB's tables: one reading transaction a call, one writing transaction an
// update.
#include "store/file/lmdb_catalog.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "store/file/catalog_codec.h"
#include "store/file/catalog_lookup.h"
#include "store/file/lmdb_tables.h"
#include "store/file/lmdb_updates.h"

namespace durable_streams {
namespace {

// Threads: any; one update at a time.
class OpenLmdbCatalog final : public Catalog {
 public:
  OpenLmdbCatalog(std::unique_ptr<LmdbTables> tables, bool read_only)
      : tables_(std::move(tables)), updates_(*tables_), read_only_(read_only) {}

  Result<std::unique_ptr<Update>> begin() override {
    if (!read_only_) return updates_.begin();
    return Error{ErrorCode::kUnavailable,
                 fmt::format("catalog {}: opened to be read only", tables_->directory()),
                 {}};
  }

  Result<CatalogMeta> meta() override {
    const LmdbSnapshot snapshot(*tables_);
    if (Status begun = snapshot.status(); !begun) return begun.error();
    return find_meta(snapshot.transaction());
  }

  Result<CatalogTotals> totals() override {
    const LmdbSnapshot snapshot(*tables_);
    if (Status begun = snapshot.status(); !begun) return begun.error();
    return find_totals(snapshot.transaction());
  }

  Result<std::optional<StreamId>> find_path(std::string_view path) override {
    const LmdbSnapshot snapshot(*tables_);
    if (Status begun = snapshot.status(); !begun) return begun.error();
    return find_path_entry(snapshot.transaction(), path);
  }

  Result<std::optional<SettledStream>> find(StreamId id) override {
    const LmdbSnapshot snapshot(*tables_);
    if (Status begun = snapshot.status(); !begun) return begun.error();
    return find_stream(snapshot.transaction(), id);
  }

  Result<std::optional<ProducerState>> find_producer(StreamId id,
                                                     std::string_view producer_id) override {
    const LmdbSnapshot snapshot(*tables_);
    if (Status begun = snapshot.status(); !begun) return begun.error();
    return find_producer_state(snapshot.transaction(), id, producer_id);
  }

  Result<std::uint64_t> count_producers(StreamId id) override {
    const LmdbSnapshot snapshot(*tables_);
    if (Status begun = snapshot.status(); !begun) return begun.error();
    const CatalogKey stream = id_key(id);
    LmdbWalk walk(snapshot.transaction(), CatalogTable::kProducers);
    std::uint64_t count = 0;
    Result<bool> found = walk.seek(stream.view());
    for (; found && *found && walk.key_starts_with(stream.view()); found = walk.next()) ++count;
    if (!found) return found.error();
    return count;
  }

  Result<std::vector<UsedProducer>> producers(StreamId id) override {
    const LmdbSnapshot snapshot(*tables_);
    if (Status begun = snapshot.status(); !begun) return begun.error();
    const CatalogKey stream = id_key(id);
    LmdbWalk walk(snapshot.transaction(), CatalogTable::kProducers);
    std::vector<UsedProducer> producers;
    Result<bool> found = walk.seek(stream.view());
    for (; found && *found && walk.key_starts_with(stream.view()); found = walk.next()) {
      Result<std::string_view> value = walk.value();
      if (!value) return value.error();
      ProducerState state;
      if (!decode_producer(*value, state)) return walk.damaged();
      producers.push_back({.last_used = state.last_used,
                           .id = std::string(walk.key().substr(stream.view().size()))});
    }
    if (!found) return found.error();
    return producers;
  }

  Result<std::vector<Extent>> extents(StreamId id, std::uint64_t from, std::uint64_t to) override {
    const LmdbSnapshot snapshot(*tables_);
    if (Status begun = snapshot.status(); !begun) return begun.error();
    return find_extents(snapshot.transaction(), id, from, to);
  }

  Result<std::vector<DueStream>> due(DueStream after, WallTime until,
                                     std::size_t count_max) override {
    const LmdbSnapshot snapshot(*tables_);
    if (Status begun = snapshot.status(); !begun) return begun.error();
    std::vector<DueStream> found;
    LmdbWalk walk(snapshot.transaction(), CatalogTable::kDeadlines);
    Result<bool> more = walk.seek(deadline_key(after).view());
    for (; more && *more && found.size() < count_max; more = walk.next()) {
      Result<std::string_view> value = walk.value();
      if (!value) return value.error();
      DueStream stream;
      if (!decode_deadline(walk.key(), *value, stream)) return walk.damaged();
      if (stream == after) continue;
      if (stream.deadline > until) break;
      found.push_back(stream);
    }
    if (!more) return more.error();
    return found;
  }

  Result<std::vector<PackInfo>> packs() override {
    const LmdbSnapshot snapshot(*tables_);
    if (Status begun = snapshot.status(); !begun) return begun.error();
    std::vector<PackInfo> packs;
    LmdbWalk walk(snapshot.transaction(), CatalogTable::kPacks);
    Result<bool> more = walk.first();
    for (; more && *more; more = walk.next()) {
      Result<std::string_view> value = walk.value();
      if (!value) return value.error();
      PackInfo pack;
      if (!decode_pack(walk.key(), *value, pack)) return walk.damaged();
      packs.push_back(pack);
    }
    if (!more) return more.error();
    return packs;
  }

  Status copy_to(const std::string& directory, const CatalogMeta& meta) override {
    if (Status copied = tables_->copy_to(directory); !copied) return copied;
    const Result<std::uint64_t> map_bytes = tables_->map_bytes();
    if (!map_bytes) return map_bytes.error();
    Result<std::unique_ptr<Catalog>> copy =
        open_lmdb_catalog({.directory = directory, .map_bytes = *map_bytes, .unshared = true});
    if (!copy) return copy.error();
    Result<std::unique_ptr<Update>> update = (*copy)->begin();
    if (!update) return update.error();
    if (Status put = (*update)->put_meta(meta); !put) return put;
    return (*update)->commit();
  }

  Result<std::vector<std::string>> paths_after(std::string_view prefix, std::string_view after,
                                               std::size_t count_max) override {
    std::vector<std::string> paths;
    const LmdbSnapshot snapshot(*tables_);
    if (Status begun = snapshot.status(); !begun) return begun.error();
    LmdbWalk walk(snapshot.transaction(), CatalogTable::kPaths);
    // LMDB looks up no empty key, and none that is longer than one may be.
    const std::string_view from = std::max(prefix, after).substr(0, kCatalogKeyBytesMax);
    Result<bool> more = from.empty() ? walk.first() : walk.seek(from);
    for (; more && *more && paths.size() < count_max; more = walk.next()) {
      if (walk.key() <= after) continue;
      if (!walk.key_starts_with(prefix)) {
        if (walk.key() > prefix) break;
        continue;
      }
      paths.emplace_back(walk.key());
    }
    if (!more) return more.error();
    return paths;
  }

  Result<std::vector<SettledStream>> streams_after(StreamId after, std::size_t count_max) override {
    std::vector<SettledStream> streams;
    if (after == std::numeric_limits<StreamId>::max()) return streams;
    const LmdbSnapshot snapshot(*tables_);
    if (Status begun = snapshot.status(); !begun) return begun.error();
    LmdbWalk walk(snapshot.transaction(), CatalogTable::kStreams);
    Result<bool> more = walk.seek(id_key(after + 1).view());
    for (; more && *more && streams.size() < count_max; more = walk.next()) {
      Result<std::string_view> value = walk.value();
      if (!value) return value.error();
      if (!decode_stream(walk.key(), *value, streams.emplace_back())) return walk.damaged();
    }
    if (!more) return more.error();
    return streams;
  }

 private:
  const std::unique_ptr<LmdbTables> tables_;
  LmdbUpdates updates_;
  const bool read_only_;
};

}  // namespace

Result<std::unique_ptr<Catalog>> open_lmdb_catalog(const LmdbCatalogOptions& options) {
  Result<std::unique_ptr<LmdbTables>> tables = LmdbTables::open(options);
  if (!tables) return tables.error();
  return std::unique_ptr<Catalog>(
      std::make_unique<OpenLmdbCatalog>(std::move(*tables), options.read_only));
}

}  // namespace durable_streams

#include "store/file/catalog_lookup.h"

#include "store/file/catalog_codec.h"

namespace durable_streams {
namespace {

Result<Extent> read_extent(const LmdbWalk& walk) {
  const Result<std::string_view> value = walk.value();
  if (!value) return value.error();
  Extent extent;
  if (!decode_extent(walk.key(), *value, extent)) return walk.damaged();
  return extent;
}

}  // namespace

Result<std::optional<StreamId>> find_path_entry(const LmdbTransaction& transaction,
                                                std::string_view path) {
  std::optional<StreamId> id;
  if (path.empty() || !CatalogKey::fits(path.size(), 0)) return id;
  const auto value = transaction.get(CatalogTable::kPaths, path);
  if (!value) return value.error();
  if (!*value) return id;
  if (!decode_path_entry(**value, id.emplace())) {
    return transaction.tables().damaged(CatalogTable::kPaths, path);
  }
  return id;
}

Result<std::optional<SettledStream>> find_stream(const LmdbTransaction& transaction, StreamId id) {
  const CatalogKey key = id_key(id);
  const auto value = transaction.get(CatalogTable::kStreams, key.view());
  if (!value) return value.error();
  std::optional<SettledStream> stream;
  if (!*value) return stream;
  stream.emplace();
  if (!decode_stream(key.view(), **value, *stream)) {
    return transaction.tables().damaged(CatalogTable::kStreams, key.view());
  }
  return stream;
}

Result<std::optional<ProducerState>> find_producer_state(const LmdbTransaction& transaction,
                                                         StreamId id,
                                                         std::string_view producer_id) {
  std::optional<ProducerState> state;
  if (!CatalogKey::fits(producer_id.size(), 1)) return state;
  const CatalogKey key = producer_key(id, producer_id);
  const auto value = transaction.get(CatalogTable::kProducers, key.view());
  if (!value) return value.error();
  if (*value && !decode_producer(**value, state.emplace())) {
    return transaction.tables().damaged(CatalogTable::kProducers, key.view());
  }
  return state;
}

Result<std::optional<PackInfo>> find_pack(const LmdbTransaction& transaction, PackId id) {
  const CatalogKey key = id_key(id);
  const auto value = transaction.get(CatalogTable::kPacks, key.view());
  if (!value) return value.error();
  std::optional<PackInfo> pack;
  if (*value && !decode_pack(key.view(), **value, pack.emplace())) {
    return transaction.tables().damaged(CatalogTable::kPacks, key.view());
  }
  return pack;
}

Result<CatalogMeta> find_meta(const LmdbTransaction& transaction) {
  const auto value = transaction.get(CatalogTable::kMeta, kMetaKey);
  if (!value) return value.error();
  CatalogMeta meta;
  if (*value && !decode_meta(**value, meta)) {
    return transaction.tables().damaged(CatalogTable::kMeta, kMetaKey);
  }
  return meta;
}

Result<CatalogTotals> find_totals(const LmdbTransaction& transaction) {
  const auto value = transaction.get(CatalogTable::kMeta, kTotalsKey);
  if (!value) return value.error();
  CatalogTotals totals;
  if (*value && !decode_totals(**value, totals)) {
    return transaction.tables().damaged(CatalogTable::kMeta, kTotalsKey);
  }
  const Result<std::uint64_t> producers = transaction.count(CatalogTable::kProducers);
  if (!producers) return producers.error();
  totals.producers = *producers;
  return totals;
}

Result<std::vector<Extent>> find_extents(const LmdbTransaction& transaction, StreamId id,
                                         std::uint64_t from, std::uint64_t to) {
  std::vector<Extent> extents;
  if (from >= to) return extents;
  const CatalogKey stream = id_key(id);
  LmdbWalk walk(transaction, CatalogTable::kExtents);

  // The extent that begins before `from` may reach into the range.
  Result<bool> found = walk.seek_before(extent_key(id, from).view());
  if (!found) return found.error();
  if (*found && walk.key_starts_with(stream.view())) {
    Result<Extent> extent = read_extent(walk);
    if (!extent) return extent.error();
    if (extent->to > from) extents.push_back(*extent);
  }

  for (found = walk.seek(extent_key(id, from).view()); found && *found; found = walk.next()) {
    if (!walk.key_starts_with(stream.view())) break;
    Result<Extent> extent = read_extent(walk);
    if (!extent) return extent.error();
    if (extent->from >= to) break;
    extents.push_back(*extent);
  }
  if (!found) return found.error();
  return extents;
}

}  // namespace durable_streams

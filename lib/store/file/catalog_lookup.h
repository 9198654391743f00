// What a transaction shows of the catalog when it is asked for one entry, or for one stream's
// extents.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "store/file/catalog.h"
#include "store/file/lmdb_tables.h"

namespace durable_streams {

// nullopt: there is none. kCorruption names the entry that is damaged.
Result<std::optional<StreamId>> find_path_entry(const LmdbTransaction& transaction,
                                                std::string_view path);
Result<std::optional<SettledStream>> find_stream(const LmdbTransaction& transaction, StreamId id);
Result<std::optional<ProducerState>> find_producer_state(const LmdbTransaction& transaction,
                                                         StreamId id, std::string_view producer_id);
Result<std::optional<PackInfo>> find_pack(const LmdbTransaction& transaction, PackId id);

// The defaults before they were first written.
Result<CatalogMeta> find_meta(const LmdbTransaction& transaction);
Result<CatalogTotals> find_totals(const LmdbTransaction& transaction);

// The extents of a stream that hold bytes in [from, to), in order.
Result<std::vector<Extent>> find_extents(const LmdbTransaction& transaction, StreamId id,
                                         std::uint64_t from, std::uint64_t to);

}  // namespace durable_streams

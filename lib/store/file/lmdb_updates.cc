#include "store/file/lmdb_updates.h"

#include <fmt/format.h>

#include <array>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "store/file/catalog_accounts.h"
#include "store/file/catalog_codec.h"
#include "store/file/catalog_lookup.h"

namespace durable_streams {
namespace {

bool has_deadline(const StreamRecord& record) {
  return !record.soft_deleted && record.deadline != kNever;
}

// A writing transaction. An error sticks: LMDB's transaction is then void. Threads: the one that
// began it.
class LmdbUpdate final : public Catalog::Update {
 public:
  LmdbUpdate(LmdbUpdates& updates, std::unique_ptr<LmdbWriting> writing)
      : updates_(updates),
        writing_(std::move(writing)),
        transaction_(writing_->transaction()),
        tables_(transaction_.tables()) {}
  LmdbUpdate(const LmdbUpdate&) = delete;
  LmdbUpdate& operator=(const LmdbUpdate&) = delete;
  ~LmdbUpdate() override {
    if (writing_ == nullptr) return;
    writing_.reset();
    updates_.ended();
  }

  Status put(const SettledStream& stream) override {
    return keep(status_ ? enter(stream) : status_);
  }

  Status erase(StreamId id) override { return keep(status_ ? take_out(id) : status_); }

  Status put_producer(StreamId id, std::string_view producer_id, ProducerState state) override {
    if (!status_) return status_;
    if (!CatalogKey::fits(producer_id.size(), 1)) {
      return keep(Error{ErrorCode::kTooLarge, "a producer's id is too long for the catalog", {}});
    }
    encode_producer(state, value_);
    return keep(store(CatalogTable::kProducers, producer_key(id, producer_id).view()));
  }

  Status erase_producer(StreamId id, std::string_view producer_id) override {
    if (!status_ || !CatalogKey::fits(producer_id.size(), 1)) return status_;
    return keep(transaction_.erase(CatalogTable::kProducers, producer_key(id, producer_id).view()));
  }

  Status put_extent(StreamId id, const Extent& extent) override {
    if (!status_) return status_;
    return keep(place(id, extent));
  }

  Status replace_extents(StreamId id, const Extent& extent, std::vector<Extent>& freed) override {
    return keep(status_ ? exchange_extents(id, extent, freed) : status_);
  }

  Status put_pack(const PackInfo& pack) override {
    return keep(status_ ? enter_pack(pack) : status_);
  }

  Status erase_pack(PackId id) override {
    return keep(status_ ? transaction_.erase(CatalogTable::kPacks, id_key(id).view()) : status_);
  }

  Status put_meta(const CatalogMeta& meta) override {
    if (!status_) return status_;
    encode_meta(meta, value_);
    return keep(store(CatalogTable::kMeta, kMetaKey));
  }

  Status commit() override {
    DURABLE_STREAMS_ASSERT(writing_ != nullptr);
    if (!status_) return status_;
    if (!keep(write_accounts())) return status_;
    status_ = writing_->commit();
    writing_.reset();
    updates_.ended();
    if (!status_ && status_.error().code == ErrorCode::kIo) updates_.failed(status_.error());
    return status_;
  }

 private:
  Status keep(Status status) {
    if (!status && status_) status_ = std::move(status);
    return status_;
  }

  Error empty_extent(StreamId id, const Extent& extent) const {
    return {ErrorCode::kInvalidArgument,
            fmt::format("catalog {}: stream {}: extent {} to {} is empty", tables_.directory(), id,
                        extent.from, extent.to),
            {}};
  }

  // Writes `value_`, sealed. Ids, packs and most deadlines only grow, so that most comes last.
  Status store(CatalogTable table, std::string_view key) {
    Result<bool> last = comes_last(table, key);
    if (!last) return last.error();
    seal_value(table, key, value_);
    return transaction_.put(table, key, value_, *last);
  }

  Result<bool> comes_last(CatalogTable table, std::string_view key) {
    std::optional<std::string>& last = last_[static_cast<std::size_t>(table)];
    if (!last) {
      LmdbWalk walk(transaction_, table);
      Result<bool> found = walk.last();
      if (!found) return found;
      last.emplace(*found ? walk.key() : std::string_view());
    }
    if (key <= *last) return false;
    last->assign(key);
    return true;
  }

  Status enter(const SettledStream& stream) {
    const StreamRecord& record = stream.record;
    if (record.path.empty() || !CatalogKey::fits(record.path.size(), 0)) {
      return Error{ErrorCode::kPathTooLong,
                   fmt::format("catalog {}: stream {}: a path of {} bytes cannot be kept",
                               tables_.directory(), record.id, record.path.size()),
                   {}};
    }
    Result<std::optional<SettledStream>> old = find_stream(transaction_, record.id);
    if (!old) return old.error();

    const bool same_path = *old && (*old)->record.path == record.path;
    if (*old && !same_path) {
      if (Status done = free_path((*old)->record); !done) return done;
    }
    if (!same_path) {
      encode_path_entry(record.id, value_);
      if (Status done = store(CatalogTable::kPaths, record.path); !done) return done;
    }
    if (Status done = move_deadline(*old ? &(*old)->record : nullptr, record); !done) return done;
    accounts_.entered(*old ? &**old : nullptr, stream);
    encode_stream(stream, value_);
    return store(CatalogTable::kStreams, id_key(record.id).view());
  }

  Status move_deadline(const StreamRecord* old, const StreamRecord& record) {
    const bool had = old != nullptr && has_deadline(*old);
    const bool has = has_deadline(record);
    if (had && has && old->deadline == record.deadline) return {};
    if (had) {
      if (Status done = free_deadline(*old); !done) return done;
    }
    if (!has) return {};
    value_.clear();
    return store(CatalogTable::kDeadlines, deadline_key({record.deadline, record.id}).view());
  }

  Status free_deadline(const StreamRecord& record) {
    return transaction_.erase(CatalogTable::kDeadlines,
                              deadline_key({record.deadline, record.id}).view());
  }

  // The path may be another stream's by now.
  Status free_path(const StreamRecord& record) {
    Result<std::optional<StreamId>> holder = find_path_entry(transaction_, record.path);
    if (!holder) return holder.error();
    if (*holder != record.id) return {};
    return transaction_.erase(CatalogTable::kPaths, record.path);
  }

  Status take_out(StreamId id) {
    Result<std::optional<SettledStream>> old = find_stream(transaction_, id);
    if (!old) return old.error();
    if (*old) {
      const StreamRecord& record = (*old)->record;
      if (Status done = free_path(record); !done) return done;
      if (has_deadline(record)) {
        if (Status done = free_deadline(record); !done) return done;
      }
      if (Status done = transaction_.erase(CatalogTable::kStreams, id_key(id).view()); !done)
        return done;
      accounts_.erased(**old);
    }
    Result<std::vector<Extent>> extents =
        find_extents(transaction_, id, 0, std::numeric_limits<std::uint64_t>::max());
    if (!extents) return extents.error();
    if (Status done = remove_extents(id, *extents); !done) return done;
    return remove_producers(id);
  }

  Status remove_extents(StreamId id, const std::vector<Extent>& extents) {
    for (const Extent& extent : extents) {
      Status done = transaction_.erase(CatalogTable::kExtents, extent_key(id, extent.from).view());
      if (!done) return done;
      accounts_.freed(extent);
    }
    return {};
  }

  Status place(StreamId id, const Extent& extent) {
    if (extent.from >= extent.to) return empty_extent(id, extent);
    const CatalogKey key = extent_key(id, extent.from);
    const auto value = transaction_.get(CatalogTable::kExtents, key.view());
    if (!value) return value.error();
    if (*value) {
      Extent old;
      if (!decode_extent(key.view(), **value, old))
        return tables_.damaged(CatalogTable::kExtents, key.view());
      accounts_.freed(old);
    }
    accounts_.placed(extent);
    encode_extent(extent, value_);
    return store(CatalogTable::kExtents, key.view());
  }

  Status enter_pack(PackInfo pack) {
    const Result<std::optional<PackInfo>> known = find_pack(transaction_, pack.id);
    if (!known) return known.error();
    pack.live_bytes = *known ? (*known)->live_bytes : 0;
    return store_pack(pack);
  }

  Status store_pack(const PackInfo& pack) {
    encode_pack(pack, value_);
    return store(CatalogTable::kPacks, id_key(pack.id).view());
  }

  Status write_accounts() {
    for (const auto& [id, bytes] : accounts_.alive()) {
      Result<std::optional<PackInfo>> pack = find_pack(transaction_, id);
      if (!pack) return pack.error();
      if (!*pack) continue;
      CatalogAccounts::add((*pack)->live_bytes, bytes);
      if (Status done = store_pack(**pack); !done) return done;
    }
    if (!accounts_.changes_totals()) return {};
    Result<CatalogTotals> totals = find_totals(transaction_);
    if (!totals) return totals.error();
    accounts_.add_to(*totals);
    encode_totals(*totals, value_);
    return store(CatalogTable::kMeta, kTotalsKey);
  }

  Status remove_producers(StreamId id) {
    const CatalogKey stream = id_key(id);
    while (true) {
      // Sought anew for each, for a deletion leaves no cursor where it was.
      std::string key;
      {
        LmdbWalk walk(transaction_, CatalogTable::kProducers);
        Result<bool> found = walk.seek(stream.view());
        if (!found) return found.error();
        if (!*found || !walk.key_starts_with(stream.view())) return {};
        key = walk.key();
      }
      if (Status done = transaction_.erase(CatalogTable::kProducers, key); !done) return done;
    }
  }

  Status exchange_extents(StreamId id, const Extent& extent, std::vector<Extent>& freed) {
    if (extent.from >= extent.to) return empty_extent(id, extent);
    Result<std::vector<Extent>> old = find_extents(transaction_, id, extent.from, extent.to);
    if (!old) return old.error();
    for (const Extent& each : *old) {
      if (each.from >= extent.from && each.to <= extent.to) continue;
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("catalog {}: stream {}: extent {} to {} would cut extent {} to {}",
                               tables_.directory(), id, extent.from, extent.to, each.from, each.to),
                   {}};
    }
    if (Status done = remove_extents(id, *old); !done) return done;
    freed.insert(freed.end(), old->begin(), old->end());
    return place(id, extent);
  }

  LmdbUpdates& updates_;
  std::unique_ptr<LmdbWriting> writing_;
  const LmdbTransaction transaction_;
  const LmdbTables& tables_;
  Status status_;
  CatalogAccounts accounts_;
  std::string value_;  // being built; reused
  // The greatest key each table may hold, once it was asked for.
  std::array<std::optional<std::string>, kCatalogTables> last_;
};

}  // namespace

LmdbUpdates::~LmdbUpdates() { DURABLE_STREAMS_ASSERT(!running_.load()); }

Result<std::unique_ptr<Catalog::Update>> LmdbUpdates::begin() {
  {
    const MutexLock lock(mutex_);
    if (stopped_) {
      return Error{ErrorCode::kUnavailable,
                   fmt::format("no updates since one failed: {}", stopped_->message),
                   {}};
    }
  }
  const bool running = running_.exchange(true);
  DURABLE_STREAMS_ASSERT(!running);
  Result<std::unique_ptr<LmdbWriting>> writing = LmdbWriting::begin(tables_);
  if (!writing) {
    running_.store(false);
    return writing.error();
  }
  return std::unique_ptr<Catalog::Update>(std::make_unique<LmdbUpdate>(*this, std::move(*writing)));
}

void LmdbUpdates::failed(const Error& error) {
  const MutexLock lock(mutex_);
  stopped_ = error;
}

}  // namespace durable_streams

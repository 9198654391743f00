// LMDB behind the catalog's interface: seven tables in one file, one reading transaction a call,
// one writing transaction an update.
#include "store/file/lmdb_catalog.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <lmdb.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/mutex.h"
#include "store/file/catalog_accounts.h"
#include "store/file/catalog_codec.h"

namespace durable_streams {
namespace {

// Transactions belong to calls, not to threads, so that any thread may take one that lies ready.
// The system may read ahead (no MDB_NORDAHEAD): a catalog is mostly smaller than memory, and then
// warms up many times faster so. Commits are synced in full (neither MDB_NOSYNC, with which a crash
// can break the file, nor MDB_NOMETASYNC, with which the last commit can be lost): the second sync
// costs nothing beside the thousands of updates that share it.
constexpr unsigned kFlags = MDB_NOTLS;
constexpr mdb_mode_t kFileMode = 0600;

constexpr std::uint64_t kIdMax = std::numeric_limits<std::uint64_t>::max();

MDB_val to_lmdb(std::string_view bytes) {
  return {bytes.size(), const_cast<char*>(bytes.data())};  // LMDB only reads it
}

std::string_view from_lmdb(const MDB_val& value) {
  return {static_cast<const char*>(value.mv_data), value.mv_size};
}

ErrorCode code_of(int failure) {
  switch (failure) {
    case MDB_MAP_FULL:
    case ENOSPC:
    case EDQUOT:
      return ErrorCode::kNoSpace;
    case MDB_PAGE_NOTFOUND:
    case MDB_CORRUPTED:
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
    case MDB_INCOMPATIBLE:
    case MDB_CURSOR_FULL:
    case MDB_PAGE_FULL:
      return ErrorCode::kCorruption;
    case MDB_READERS_FULL:
    case EMFILE:
    case ENFILE:
      return ErrorCode::kTooMany;
    case EAGAIN:
      return ErrorCode::kUnavailable;
    default:
      return ErrorCode::kIo;
  }
}

// Lets a file system know of the names in a directory for good.
int sync_directory(const std::string& directory) {
  const int descriptor = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return errno;
  const int failure = ::fsync(descriptor) == 0 ? 0 : errno;
  ::close(descriptor);
  return failure;
}

// LMDB maps its lock file, and where the disk has no room for a page of it the first touch would
// kill the process: so the room is taken before. Returns 0 or an errno.
int allocate_lock_file(const LmdbCatalogOptions& options) {
  constexpr std::size_t kReaderBytes = 64;
  constexpr std::size_t kHeadBytes = 4096;
  const std::string path = options.directory + "/lock.mdb";
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kFileMode);
  if (descriptor < 0) return errno;
  const auto bytes = static_cast<off_t>(kHeadBytes + options.readers_max * kReaderBytes);
  int failure = ::fallocate(descriptor, 0, 0, bytes) == 0 ? 0 : errno;
  if (failure == EOPNOTSUPP) failure = 0;  // then it is as likely as with any file
  ::close(descriptor);
  return failure;
}

// The open file with the handles of its tables. Threads: any.
struct Environment {
  Environment() = default;
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  ~Environment() { mdb_env_close(env); }

  MDB_dbi table(CatalogTable of) const { return tables[static_cast<std::size_t>(of)]; }

  Error failure(int code, std::string_view doing) const {
    return {
        code_of(code), fmt::format("catalog {}: {}: {}", directory, doing, mdb_strerror(code)), {}};
  }

  Error damaged(CatalogTable of, std::string_view key) const {
    return {ErrorCode::kCorruption,
            fmt::format("catalog {}: {}: the entry of {} is damaged", directory, to_string(of),
                        describe_key(of, key)),
            {}};
  }

  // The entry's value, verified; nullopt: there is none.
  Result<std::optional<std::string_view>> get(MDB_txn* txn, CatalogTable of,
                                              std::string_view key) const {
    MDB_val at = to_lmdb(key);
    MDB_val value{};
    const int code = mdb_get(txn, table(of), &at, &value);
    if (code == MDB_NOTFOUND) return std::optional<std::string_view>();
    if (code != 0) return failure(code, "read");
    const std::optional<std::string_view> body = open_value(of, key, from_lmdb(value));
    if (!body) return damaged(of, key);
    return body;
  }

  MDB_env* env = nullptr;
  std::array<MDB_dbi, kCatalogTables> tables{};
  std::string directory;
};

// Reading transactions that lie ready, so that a call need not enter itself into LMDB's table of
// readers, which takes a lock: each thread looks first where it put its last one.
//
// LMDB reads the number of the last update, then its head page, of which there are two in turn. A
// thread that is held up between the two meets the head of the next update but one, while that is
// being written: half of it, or one that a later look does not show yet. So what was begun while a
// commit began is begun again. Threads: any.
class ReadTransactions {
 public:
  // `commits` counts the updates whose commit has begun; it outlives this.
  ReadTransactions(MDB_env* env, std::atomic<std::uint64_t>& commits)
      : env_(env), commits_(commits) {}
  ReadTransactions(const ReadTransactions&) = delete;
  ReadTransactions& operator=(const ReadTransactions&) = delete;
  ~ReadTransactions() {
    for (Slot& slot : idle_) {
      if (MDB_txn* txn = slot.txn.load()) mdb_txn_abort(txn);
    }
  }

  // Begins one that sees the last committed update; 0 or LMDB's error.
  int take(MDB_txn*& out) {
    std::uint64_t before = commits_.load(std::memory_order_acquire);
    out = take_idle();
    int code = out != nullptr ? renew(out) : mdb_txn_begin(env_, nullptr, MDB_RDONLY, &out);
    while (code == 0 && began_another(before)) {
      mdb_txn_reset(out);
      code = renew(out);
    }
    return code;
  }

  void give_back(MDB_txn* txn) {
    mdb_txn_reset(txn);
    for (std::size_t i = 0; i < idle_.size(); ++i) {
      MDB_txn* none = nullptr;
      Slot& slot = idle_[(own_slot() + i) % idle_.size()];
      if (slot.txn.compare_exchange_strong(none, txn, std::memory_order_release)) return;
    }
    mdb_txn_abort(txn);
  }

 private:
  struct alignas(64) Slot {  // each on a cache line of its own
    std::atomic<MDB_txn*> txn{nullptr};
  };

  static std::size_t own_slot() {
    static std::atomic<std::size_t> threads{0};
    thread_local std::size_t own = threads.fetch_add(1, std::memory_order_relaxed);
    return own;
  }

  MDB_txn* take_idle() {
    for (std::size_t i = 0; i < idle_.size(); ++i) {
      Slot& slot = idle_[(own_slot() + i) % idle_.size()];
      if (slot.txn.load(std::memory_order_relaxed) == nullptr) continue;
      if (MDB_txn* txn = slot.txn.exchange(nullptr, std::memory_order_acquire)) return txn;
    }
    return nullptr;
  }

  // Whether a commit began since there were `before`, which becomes their present number.
  bool began_another(std::uint64_t& before) {
    // Not a load: that could come before LMDB's own.
    const std::uint64_t now = commits_.fetch_add(0, std::memory_order_acq_rel);
    return std::exchange(before, now) != now;
  }

  static int renew(MDB_txn*& txn) {
    const int code = mdb_txn_renew(txn);
    if (code != 0) mdb_txn_abort(std::exchange(txn, nullptr));
    return code;
  }

  MDB_env* const env_;
  std::atomic<std::uint64_t>& commits_;
  std::array<Slot, 32> idle_;
};

// One look at the catalog. What it shows lives as long as it does. Threads: one at a time.
class Snapshot {
 public:
  Snapshot(const Environment& environment, ReadTransactions& transactions)
      : environment_(environment), transactions_(transactions), code_(transactions.take(txn_)) {}
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;
  ~Snapshot() {
    if (code_ == 0) transactions_.give_back(txn_);
  }

  Status status() const {
    if (code_ != 0) return environment_.failure(code_, "begin to read");
    return {};
  }
  MDB_txn* txn() const { return txn_; }

  Result<std::optional<std::string_view>> get(CatalogTable table, std::string_view key) const {
    if (code_ != 0) return environment_.failure(code_, "begin to read");
    return environment_.get(txn_, table, key);
  }

 private:
  const Environment& environment_;
  ReadTransactions& transactions_;
  MDB_txn* txn_ = nullptr;
  const int code_;
};

// Goes over a table in order of keys. Its moves say whether they found an entry; key and value live
// until the next change of the table. Threads: one at a time.
class Walk {
 public:
  Walk(const Environment& environment, MDB_txn* txn, CatalogTable table)
      : environment_(environment), table_(table) {
    code_ = mdb_cursor_open(txn, environment.table(table), &cursor_);
  }
  Walk(const Walk&) = delete;
  Walk& operator=(const Walk&) = delete;
  ~Walk() {
    if (cursor_ != nullptr) mdb_cursor_close(cursor_);
  }

  // To the first entry whose key is not less.
  Result<bool> seek(std::string_view key) {
    key_ = to_lmdb(key);
    return move(MDB_SET_RANGE);
  }

  // To the last entry whose key is less.
  Result<bool> seek_before(std::string_view key) {
    Result<bool> found = seek(key);
    if (!found) return found;
    return move(*found ? MDB_PREV : MDB_LAST);
  }

  Result<bool> first() { return move(MDB_FIRST); }
  Result<bool> next() { return move(MDB_NEXT); }
  Result<bool> last() { return move(MDB_LAST); }

  std::string_view key() const { return from_lmdb(key_); }
  bool key_starts_with(std::string_view prefix) const { return key().starts_with(prefix); }

  Result<std::string_view> value() const {
    const std::optional<std::string_view> body = open_value(table_, key(), from_lmdb(value_));
    if (!body) return damaged();
    return *body;
  }
  Error damaged() const { return environment_.damaged(table_, key()); }

 private:
  Result<bool> move(MDB_cursor_op how) {
    if (code_ == 0) code_ = mdb_cursor_get(cursor_, &key_, &value_, how);
    const int code = code_ == MDB_NOTFOUND ? std::exchange(code_, 0) : code_;
    if (code == MDB_NOTFOUND) return false;
    if (code != 0) return environment_.failure(code, "walk");
    return true;
  }

  const Environment& environment_;
  const CatalogTable table_;
  MDB_cursor* cursor_ = nullptr;
  MDB_val key_{};
  MDB_val value_{};
  int code_ = 0;
};

Result<Extent> read_extent(const Walk& walk) {
  const Result<std::string_view> value = walk.value();
  if (!value) return value.error();
  Extent extent;
  if (!decode_extent(walk.key(), *value, extent)) return walk.damaged();
  return extent;
}

// The extents of a stream that hold bytes in [from, to), in order.
Result<std::vector<Extent>> overlapping(const Environment& environment, MDB_txn* txn, StreamId id,
                                        std::uint64_t from, std::uint64_t to) {
  std::vector<Extent> extents;
  if (from >= to) return extents;
  const CatalogKey stream = id_key(id);
  Walk walk(environment, txn, CatalogTable::kExtents);

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

Result<std::optional<SettledStream>> find_stream(const Environment& environment, MDB_txn* txn,
                                                 StreamId id) {
  const CatalogKey key = id_key(id);
  const auto value = environment.get(txn, CatalogTable::kStreams, key.view());
  if (!value) return value.error();
  std::optional<SettledStream> stream;
  if (!*value) return stream;
  stream.emplace();
  if (!decode_stream(key.view(), **value, *stream)) {
    return environment.damaged(CatalogTable::kStreams, key.view());
  }
  return stream;
}

Result<std::optional<StreamId>> find_path_entry(const Environment& environment, MDB_txn* txn,
                                                std::string_view path) {
  std::optional<StreamId> id;
  if (path.empty() || !CatalogKey::fits(path.size(), 0)) return id;
  const auto value = environment.get(txn, CatalogTable::kPaths, path);
  if (!value) return value.error();
  if (!*value) return id;
  if (!decode_path_entry(**value, id.emplace())) {
    return environment.damaged(CatalogTable::kPaths, path);
  }
  return id;
}

// Zeros before the first stream.
Result<CatalogTotals> read_totals(const Environment& environment, MDB_txn* txn) {
  const auto value = environment.get(txn, CatalogTable::kMeta, kTotalsKey);
  if (!value) return value.error();
  CatalogTotals totals;
  if (*value && !decode_totals(**value, totals)) {
    return environment.damaged(CatalogTable::kMeta, kTotalsKey);
  }
  return totals;
}

// nullopt: there is no such pack.
Result<std::optional<PackInfo>> find_pack(const Environment& environment, MDB_txn* txn, PackId id) {
  const CatalogKey key = id_key(id);
  const auto value = environment.get(txn, CatalogTable::kPacks, key.view());
  if (!value) return value.error();
  std::optional<PackInfo> pack;
  if (*value && !decode_pack(key.view(), **value, pack.emplace())) {
    return environment.damaged(CatalogTable::kPacks, key.view());
  }
  return pack;
}

bool has_deadline(const StreamRecord& record) {
  return !record.soft_deleted && record.deadline != kNever;
}

// Whether there may be updates. Threads: any.
struct Updates {
  std::atomic<bool> running{false};
  std::atomic<std::uint64_t> commits{0};  // that have begun
  Mutex mutex;
  // Of a commit that left it unknown what the disk holds.
  std::optional<Error> stopped DURABLE_STREAMS_GUARDED_BY(mutex);
};

// A writing transaction. An error sticks: LMDB's transaction is then void. Threads: the one that
// began it.
class LmdbUpdate final : public Catalog::Update {
 public:
  LmdbUpdate(const Environment& environment, Updates& updates, MDB_txn* txn)
      : environment_(environment), updates_(updates), txn_(txn) {}
  LmdbUpdate(const LmdbUpdate&) = delete;
  LmdbUpdate& operator=(const LmdbUpdate&) = delete;
  ~LmdbUpdate() override {
    if (txn_ == nullptr) return;
    mdb_txn_abort(txn_);
    updates_.running.store(false);
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
    return keep(remove(CatalogTable::kProducers, producer_key(id, producer_id).view()));
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
    return keep(status_ ? remove(CatalogTable::kPacks, id_key(id).view()) : status_);
  }

  Status put_meta(const CatalogMeta& meta) override {
    if (!status_) return status_;
    encode_meta(meta, value_);
    return keep(store(CatalogTable::kMeta, kMetaKey));
  }

  Status commit() override {
    DURABLE_STREAMS_ASSERT(txn_ != nullptr);
    if (!status_) return status_;
    if (!keep(write_accounts())) return status_;
    // LMDB writes the new pages beside the old ones and syncs them, and only then, with a synced
    // write of its own, the page that makes them count.
    updates_.commits.fetch_add(1);
    const int code = mdb_txn_commit(std::exchange(txn_, nullptr));
    updates_.running.store(false);
    if (code == 0) return {};
    status_ = environment_.failure(code, "commit");
    if (status_.error().code == ErrorCode::kIo) {
      const MutexLock lock(updates_.mutex);
      updates_.stopped = status_.error();
    }
    return status_;
  }

 private:
  Status keep(Status status) {
    if (!status && status_) status_ = std::move(status);
    return status_;
  }

  Error empty_extent(StreamId id, const Extent& extent) const {
    return {ErrorCode::kInvalidArgument,
            fmt::format("catalog {}: stream {}: extent {} to {} is empty", environment_.directory,
                        id, extent.from, extent.to),
            {}};
  }

  // Writes `value_`, sealed. What comes after all other entries is appended: LMDB then leaves full
  // pages behind instead of halves, and ids, packs and most deadlines only grow.
  Status store(CatalogTable table, std::string_view key) {
    Result<bool> last = comes_last(table, key);
    if (!last) return last.error();
    seal_value(table, key, value_);
    MDB_val at = to_lmdb(key);
    MDB_val value = to_lmdb(value_);
    const unsigned flags = *last ? MDB_APPEND : 0;
    const int code = mdb_put(txn_, environment_.table(table), &at, &value, flags);
    if (code != 0) return environment_.failure(code, "write");
    return {};
  }

  Result<bool> comes_last(CatalogTable table, std::string_view key) {
    std::optional<std::string>& last = last_[static_cast<std::size_t>(table)];
    if (!last) {
      Walk walk(environment_, txn_, table);
      Result<bool> found = walk.last();
      if (!found) return found;
      last.emplace(*found ? walk.key() : std::string_view());
    }
    if (key <= *last) return false;
    last->assign(key);
    return true;
  }

  // Fine if it is not there.
  Status remove(CatalogTable table, std::string_view key) {
    MDB_val at = to_lmdb(key);
    const int code = mdb_del(txn_, environment_.table(table), &at, nullptr);
    if (code != 0 && code != MDB_NOTFOUND) return environment_.failure(code, "erase");
    return {};
  }

  Status enter(const SettledStream& stream) {
    const StreamRecord& record = stream.record;
    if (record.path.empty() || !CatalogKey::fits(record.path.size(), 0)) {
      return Error{ErrorCode::kPathTooLong,
                   fmt::format("catalog {}: stream {}: a path of {} bytes cannot be kept",
                               environment_.directory, record.id, record.path.size()),
                   {}};
    }
    Result<std::optional<SettledStream>> old = find_stream(environment_, txn_, record.id);
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
    return remove(CatalogTable::kDeadlines, deadline_key({record.deadline, record.id}).view());
  }

  // The path may be another stream's by now.
  Status free_path(const StreamRecord& record) {
    Result<std::optional<StreamId>> holder = find_path_entry(environment_, txn_, record.path);
    if (!holder) return holder.error();
    if (*holder != record.id) return {};
    return remove(CatalogTable::kPaths, record.path);
  }

  Status take_out(StreamId id) {
    Result<std::optional<SettledStream>> old = find_stream(environment_, txn_, id);
    if (!old) return old.error();
    if (*old) {
      const StreamRecord& record = (*old)->record;
      if (Status done = free_path(record); !done) return done;
      if (has_deadline(record)) {
        if (Status done = free_deadline(record); !done) return done;
      }
      if (Status done = remove(CatalogTable::kStreams, id_key(id).view()); !done) return done;
      accounts_.erased(**old);
    }
    Result<std::vector<Extent>> extents = overlapping(environment_, txn_, id, 0, kIdMax);
    if (!extents) return extents.error();
    if (Status done = remove_extents(id, *extents); !done) return done;
    return remove_producers(id);
  }

  Status remove_extents(StreamId id, const std::vector<Extent>& extents) {
    for (const Extent& extent : extents) {
      Status done = remove(CatalogTable::kExtents, extent_key(id, extent.from).view());
      if (!done) return done;
      accounts_.freed(extent);
    }
    return {};
  }

  Status place(StreamId id, const Extent& extent) {
    if (extent.from >= extent.to) return empty_extent(id, extent);
    const CatalogKey key = extent_key(id, extent.from);
    const auto value = environment_.get(txn_, CatalogTable::kExtents, key.view());
    if (!value) return value.error();
    if (*value) {
      Extent old;
      if (!decode_extent(key.view(), **value, old))
        return environment_.damaged(CatalogTable::kExtents, key.view());
      accounts_.freed(old);
    }
    accounts_.placed(extent);
    encode_extent(extent, value_);
    return store(CatalogTable::kExtents, key.view());
  }

  Status enter_pack(PackInfo pack) {
    const Result<std::optional<PackInfo>> known = find_pack(environment_, txn_, pack.id);
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
      Result<std::optional<PackInfo>> pack = find_pack(environment_, txn_, id);
      if (!pack) return pack.error();
      if (!*pack) continue;
      CatalogAccounts::add((*pack)->live_bytes, bytes);
      if (Status done = store_pack(**pack); !done) return done;
    }
    if (!accounts_.changes_totals()) return {};
    Result<CatalogTotals> totals = read_totals(environment_, txn_);
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
        Walk walk(environment_, txn_, CatalogTable::kProducers);
        Result<bool> found = walk.seek(stream.view());
        if (!found) return found.error();
        if (!*found || !walk.key_starts_with(stream.view())) return {};
        key = walk.key();
      }
      if (Status done = remove(CatalogTable::kProducers, key); !done) return done;
    }
  }

  Status exchange_extents(StreamId id, const Extent& extent, std::vector<Extent>& freed) {
    if (extent.from >= extent.to) return empty_extent(id, extent);
    Result<std::vector<Extent>> old = overlapping(environment_, txn_, id, extent.from, extent.to);
    if (!old) return old.error();
    for (const Extent& each : *old) {
      if (each.from >= extent.from && each.to <= extent.to) continue;
      return Error{
          ErrorCode::kInvalidArgument,
          fmt::format("catalog {}: stream {}: extent {} to {} would cut extent {} to {}",
                      environment_.directory, id, extent.from, extent.to, each.from, each.to),
          {}};
    }
    if (Status done = remove_extents(id, *old); !done) return done;
    freed.insert(freed.end(), old->begin(), old->end());
    return place(id, extent);
  }

  const Environment& environment_;
  Updates& updates_;
  MDB_txn* txn_;
  Status status_;
  CatalogAccounts accounts_;
  std::string value_;  // being built; reused
  // The greatest key each table may hold, once it was asked for.
  std::array<std::optional<std::string>, kCatalogTables> last_;
};

// Threads: any; one update at a time.
class OpenLmdbCatalog final : public Catalog {
 public:
  OpenLmdbCatalog(std::unique_ptr<Environment> environment, bool read_only)
      : environment_(std::move(environment)),
        transactions_(environment_->env, updates_.commits),
        read_only_(read_only) {}
  OpenLmdbCatalog(const OpenLmdbCatalog&) = delete;
  OpenLmdbCatalog& operator=(const OpenLmdbCatalog&) = delete;
  ~OpenLmdbCatalog() override { DURABLE_STREAMS_ASSERT(!updates_.running.load()); }

  Result<std::unique_ptr<Update>> begin() override {
    if (read_only_) {
      return Error{ErrorCode::kUnavailable,
                   fmt::format("catalog {}: opened to be read only", environment_->directory),
                   {}};
    }
    {
      const MutexLock lock(updates_.mutex);
      if (updates_.stopped) {
        return Error{ErrorCode::kUnavailable,
                     fmt::format("no updates since one failed: {}", updates_.stopped->message),
                     {}};
      }
    }
    const bool running = updates_.running.exchange(true);
    DURABLE_STREAMS_ASSERT(!running);
    MDB_txn* txn = nullptr;
    const int code = mdb_txn_begin(environment_->env, nullptr, 0, &txn);
    if (code != 0) {
      updates_.running.store(false);
      return environment_->failure(code, "begin to write");
    }
    return std::unique_ptr<Update>(std::make_unique<LmdbUpdate>(*environment_, updates_, txn));
  }

  Result<CatalogMeta> meta() override {
    const Snapshot snapshot(*environment_, transactions_);
    const auto value = snapshot.get(CatalogTable::kMeta, kMetaKey);
    if (!value) return value.error();
    CatalogMeta meta;
    if (*value && !decode_meta(**value, meta)) {
      return environment_->damaged(CatalogTable::kMeta, kMetaKey);
    }
    return meta;
  }

  Result<CatalogTotals> totals() override {
    const Snapshot snapshot(*environment_, transactions_);
    if (Status begun = snapshot.status(); !begun) return begun.error();
    return read_totals(*environment_, snapshot.txn());
  }

  Result<std::optional<StreamId>> find_path(std::string_view path) override {
    const Snapshot snapshot(*environment_, transactions_);
    if (Status begun = snapshot.status(); !begun) return begun.error();
    return find_path_entry(*environment_, snapshot.txn(), path);
  }

  Result<std::optional<SettledStream>> find(StreamId id) override {
    const Snapshot snapshot(*environment_, transactions_);
    if (Status begun = snapshot.status(); !begun) return begun.error();
    return find_stream(*environment_, snapshot.txn(), id);
  }

  Result<std::optional<ProducerState>> find_producer(StreamId id,
                                                     std::string_view producer_id) override {
    std::optional<ProducerState> state;
    if (!CatalogKey::fits(producer_id.size(), 1)) return state;
    const CatalogKey key = producer_key(id, producer_id);
    const Snapshot snapshot(*environment_, transactions_);
    const auto value = snapshot.get(CatalogTable::kProducers, key.view());
    if (!value) return value.error();
    if (!*value) return state;
    if (!decode_producer(**value, state.emplace())) {
      return environment_->damaged(CatalogTable::kProducers, key.view());
    }
    return state;
  }

  Result<std::uint64_t> count_producers(StreamId id) override {
    const Snapshot snapshot(*environment_, transactions_);
    if (Status begun = snapshot.status(); !begun) return begun.error();
    const CatalogKey stream = id_key(id);
    Walk walk(*environment_, snapshot.txn(), CatalogTable::kProducers);
    std::uint64_t count = 0;
    Result<bool> found = walk.seek(stream.view());
    for (; found && *found && walk.key_starts_with(stream.view()); found = walk.next()) ++count;
    if (!found) return found.error();
    return count;
  }

  Result<std::vector<UsedProducer>> producers(StreamId id) override {
    const Snapshot snapshot(*environment_, transactions_);
    if (Status begun = snapshot.status(); !begun) return begun.error();
    const CatalogKey stream = id_key(id);
    Walk walk(*environment_, snapshot.txn(), CatalogTable::kProducers);
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
    const Snapshot snapshot(*environment_, transactions_);
    if (Status begun = snapshot.status(); !begun) return begun.error();
    return overlapping(*environment_, snapshot.txn(), id, from, to);
  }

  Result<std::vector<DueStream>> due(DueStream after, WallTime until,
                                     std::size_t count_max) override {
    const Snapshot snapshot(*environment_, transactions_);
    if (Status begun = snapshot.status(); !begun) return begun.error();
    std::vector<DueStream> found;
    Walk walk(*environment_, snapshot.txn(), CatalogTable::kDeadlines);
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
    const Snapshot snapshot(*environment_, transactions_);
    if (Status begun = snapshot.status(); !begun) return begun.error();
    std::vector<PackInfo> packs;
    Walk walk(*environment_, snapshot.txn(), CatalogTable::kPacks);
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
    if (Status copied = copy_file(directory + "/data.mdb"); !copied) return copied;
    if (const int code = sync_directory(directory); code != 0)
      return environment_->failure(code, "copy to " + directory);
    MDB_envinfo info{};
    if (const int code = mdb_env_info(environment_->env, &info); code != 0)
      return environment_->failure(code, "copy to " + directory);
    Result<std::unique_ptr<Catalog>> copy =
        open_lmdb_catalog({.directory = directory, .map_bytes = info.me_mapsize, .unshared = true});
    if (!copy) return copy.error();
    Result<std::unique_ptr<Update>> update = (*copy)->begin();
    if (!update) return update.error();
    if (Status put = (*update)->put_meta(meta); !put) return put;
    return (*update)->commit();
  }

  Result<std::vector<std::string>> paths_after(std::string_view prefix, std::string_view after,
                                               std::size_t count_max) override {
    std::vector<std::string> paths;
    const Snapshot snapshot(*environment_, transactions_);
    if (Status begun = snapshot.status(); !begun) return begun.error();
    Walk walk(*environment_, snapshot.txn(), CatalogTable::kPaths);
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
    if (after == kIdMax) return streams;
    const Snapshot snapshot(*environment_, transactions_);
    if (Status begun = snapshot.status(); !begun) return begun.error();
    Walk walk(*environment_, snapshot.txn(), CatalogTable::kStreams);
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
  // By a descriptor of our own: LMDB would let others read what it makes.
  Status copy_file(const std::string& path) {
    const std::string doing = "copy to " + path;
    const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kFileMode);
    if (descriptor < 0) return environment_->failure(errno, doing);
    int code = mdb_env_copyfd2(environment_->env, descriptor, MDB_CP_COMPACT);
    if (code == 0 && ::fsync(descriptor) != 0) code = errno;
    ::close(descriptor);
    if (code != 0) return environment_->failure(code, doing);
    return {};
  }

  const std::unique_ptr<Environment> environment_;
  Updates updates_;
  ReadTransactions transactions_;
  const bool read_only_;
};

// Opens the handles of all tables in `txn`, making them if there are none; `made` says so.
Status open_tables(Environment& environment, MDB_txn* txn, bool read_only, bool& made) {
  for (std::size_t i = 0; i < kCatalogTables; ++i) {
    const std::string name(to_string(static_cast<CatalogTable>(i)));
    int code = mdb_dbi_open(txn, name.c_str(), 0, &environment.tables[i]);
    if (code == MDB_NOTFOUND && (i == 0 || made)) {
      if (read_only) {
        return Error{
            ErrorCode::kNotFound, fmt::format("catalog {}: is empty", environment.directory), {}};
      }
      made = true;
      code = mdb_dbi_open(txn, name.c_str(), MDB_CREATE, &environment.tables[i]);
    }
    if (code == MDB_NOTFOUND) {
      return Error{
          ErrorCode::kCorruption,
          fmt::format("catalog {}: the table '{}' is missing", environment.directory, name),
          {}};
    }
    if (code != 0) return environment.failure(code, fmt::format("open the table '{}'", name));
  }
  return {};
}

Status write_format(const Environment& environment, MDB_txn* txn) {
  std::string value;
  encode_format(kCatalogFormat, value);
  seal_value(CatalogTable::kMeta, kFormatKey, value);
  MDB_val key = to_lmdb(kFormatKey);
  MDB_val sealed = to_lmdb(value);
  const int code = mdb_put(txn, environment.table(CatalogTable::kMeta), &key, &sealed, 0);
  if (code != 0) return environment.failure(code, "write the format");
  return {};
}

Status check_format(const Environment& environment, MDB_txn* txn) {
  const auto value = environment.get(txn, CatalogTable::kMeta, kFormatKey);
  if (!value) return value.error();
  std::uint32_t format = 0;
  if (!*value || !decode_format(**value, format) || format == 0) {
    return environment.damaged(CatalogTable::kMeta, kFormatKey);
  }
  if (format <= kCatalogFormat) return {};
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("catalog {}: has format {}, of a newer version; this one reads up to {}",
                           environment.directory, format, kCatalogFormat),
               {}};
}

// Brings the tables and the format up, in one transaction: a catalog has all of them or is none.
Status prepare(Environment& environment, bool read_only) {
  MDB_txn* txn = nullptr;
  int code = mdb_txn_begin(environment.env, nullptr, read_only ? MDB_RDONLY : 0, &txn);
  if (code != 0) return environment.failure(code, "open");
  bool made = false;
  Status done = open_tables(environment, txn, read_only, made);
  if (done) done = made ? write_format(environment, txn) : check_format(environment, txn);
  if (!done) {
    mdb_txn_abort(txn);
    return done;
  }
  // In a transaction that only reads, too, it is this that keeps the handles.
  code = mdb_txn_commit(txn);
  if (code == 0 && made) code = sync_directory(environment.directory);
  if (code != 0) return environment.failure(code, "open");
  return {};
}

// A map beyond the file's end raises SIGBUS where it is touched, so a file that lost its end is
// padded: LMDB takes a page of zeros for a damaged one. A file may also lack pages at its end that
// were taken and given back unwritten.
Status pad_file(const Environment& environment) {
  MDB_envinfo info{};
  MDB_stat stat{};
  int descriptor = -1;
  int code = mdb_env_info(environment.env, &info);
  if (code == 0) code = mdb_env_stat(environment.env, &stat);
  if (code == 0) code = mdb_env_get_fd(environment.env, &descriptor);
  if (code != 0) return environment.failure(code, "open");

  struct ::stat file {};
  if (::fstat(descriptor, &file) != 0) return environment.failure(errno, "open");
  const std::uint64_t needed = (std::uint64_t{info.me_last_pgno} + 1) * stat.ms_psize;
  if (static_cast<std::uint64_t>(file.st_size) >= needed) return {};
  // By its name: the descriptor may be open for reading only.
  const std::string path = environment.directory + "/data.mdb";
  if (::truncate(path.c_str(), static_cast<off_t>(needed)) != 0) {
    return Error{ErrorCode::kCorruption,
                 fmt::format("catalog {}: data.mdb has {} bytes and needs {}",
                             environment.directory, file.st_size, needed),
                 {}};
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Catalog>> open_lmdb_catalog(const LmdbCatalogOptions& options) {
  auto environment = std::make_unique<Environment>();
  environment->directory = options.directory;
  int code = mdb_env_create(&environment->env);
  if (code == 0) code = mdb_env_set_mapsize(environment->env, options.map_bytes);
  if (code == 0) code = mdb_env_set_maxreaders(environment->env, options.readers_max);
  if (code == 0) code = mdb_env_set_maxdbs(environment->env, kCatalogTables);
  if (code == 0 && !options.read_only && !options.unshared) code = allocate_lock_file(options);
  if (code == 0) {
    const unsigned flags =
        kFlags | (options.read_only ? MDB_RDONLY : 0U) | (options.unshared ? MDB_NOLOCK : 0U);
    code = mdb_env_open(environment->env, options.directory.c_str(), flags, kFileMode);
  }
  if (code == ENOMEM) {
    return environment->failure(code,
                                fmt::format("map {} bytes of address space", options.map_bytes));
  }
  if (code == ENOENT) {
    Error error = environment->failure(code, "open");
    error.code = ErrorCode::kNotFound;
    return error;
  }
  if (code != 0) return environment->failure(code, "open");
  if (Status padded = pad_file(*environment); !padded) return padded.error();
  if (Status ready = prepare(*environment, options.read_only); !ready) return ready.error();
  return std::unique_ptr<Catalog>(
      std::make_unique<OpenLmdbCatalog>(std::move(environment), options.read_only));
}

}  // namespace durable_streams

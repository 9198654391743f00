#include "store/file/lmdb_tables.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <lmdb.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <type_traits>
#include <utility>

namespace durable_streams {
namespace {

static_assert(std::is_same_v<MDB_dbi, unsigned>);

// Transactions belong to calls, not to threads, so that any thread may take one that lies ready.
// The system may read ahead (no MDB_NORDAHEAD): a catalog is mostly smaller than memory, and then
// warms up many times faster so. Commits are synced in full (neither MDB_NOSYNC, with which a crash
// can break the file, nor MDB_NOMETASYNC, with which the last commit can be lost): the second sync
// costs nothing beside the thousands of updates that share it.
constexpr unsigned kFlags = MDB_NOTLS;
constexpr mdb_mode_t kFileMode = 0600;

// LMDB believes what a page says of its entries. Where an entry stands and how long its key is are
// 16 bits each, so that with values held to their limit it reaches no further than this from the
// page, and where the file goes on for so long a damaged one is read, and found to be damaged.
constexpr std::uint64_t kReachBytesMax = (128 << 10) + kCatalogValueBytesMax;

// Where a page makes no sense to LMDB it ends the process, after these words.
void say_last_words(MDB_env* env, const char* assertion) {
  const auto& tables = *static_cast<const LmdbTables*>(mdb_env_get_userctx(env));
  std::fprintf(stderr,
               "durable_streams: catalog %s: its pages are damaged (%s); "
               "`durable-streams-server fsck --repair` makes it anew\n",
               tables.directory().c_str(), assertion);
}

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

// Begins a reading transaction again, or ends it for good and leaves null.
int renew(MDB_txn*& txn) {
  const int code = mdb_txn_renew(txn);
  if (code != 0) mdb_txn_abort(std::exchange(txn, nullptr));
  return code;
}

Status write_format(const LmdbTransaction& transaction) {
  std::string value;
  encode_format(kCatalogFormat, value);
  seal_value(CatalogTable::kMeta, kFormatKey, value);
  return transaction.put(CatalogTable::kMeta, kFormatKey, value, false);
}

Status check_format(const LmdbTransaction& transaction) {
  const auto value = transaction.get(CatalogTable::kMeta, kFormatKey);
  if (!value) return value.error();
  const LmdbTables& tables = transaction.tables();
  std::uint32_t format = 0;
  if (!*value || !decode_format(**value, format) || format == 0) {
    return tables.damaged(CatalogTable::kMeta, kFormatKey);
  }
  if (format <= kCatalogFormat) return {};
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("catalog {}: has format {}, of a newer version; this one reads up to {}",
                           tables.directory(), format, kCatalogFormat),
               {}};
}

}  // namespace

Result<std::unique_ptr<LmdbTables>> LmdbTables::open(const LmdbCatalogOptions& options) {
  MDB_env* env = nullptr;
  const int code = mdb_env_create(&env);
  std::unique_ptr<LmdbTables> tables(new LmdbTables(env, options.directory));
  if (code != 0) return tables->failure(code, "open");
  if (Status opened = tables->open_file(options); !opened) return opened.error();
  if (!options.read_only) {
    if (Status padded = tables->pad_file(); !padded) return padded.error();
  }
  if (Status ready = tables->prepare(options.read_only); !ready) return ready.error();
  return tables;
}

LmdbTables::~LmdbTables() {
  while (MDB_txn* txn = idle_.take()) mdb_txn_abort(txn);
  mdb_env_close(env_);
}

Error LmdbTables::failure(int code, std::string_view doing) const {
  return {
      code_of(code), fmt::format("catalog {}: {}: {}", directory_, doing, mdb_strerror(code)), {}};
}

Error LmdbTables::damaged(CatalogTable table, std::string_view key) const {
  return {ErrorCode::kCorruption,
          fmt::format("catalog {}: {}: the entry of {} is damaged", directory_, to_string(table),
                      describe_key(table, key)),
          {}};
}

Status LmdbTables::open_file(const LmdbCatalogOptions& options) {
  int code = mdb_env_set_mapsize(env_, options.map_bytes);
  if (code == 0) code = mdb_env_set_maxreaders(env_, options.readers_max);
  if (code == 0) code = mdb_env_set_maxdbs(env_, kCatalogTables);
  if (code == 0 && !options.read_only && !options.unshared) {
    code = allocate_lock_file(options);
    if (code != 0 && code != ENOENT) return failure(code, "open lock.mdb");
  }
  if (code == 0) {
    const unsigned flags =
        kFlags | (options.read_only ? MDB_RDONLY : 0U) | (options.unshared ? MDB_NOLOCK : 0U);
    code = mdb_env_open(env_, directory_.c_str(), flags, kFileMode);
  }
  if (code == ENOMEM) {
    return failure(code, fmt::format("map {} bytes of address space", options.map_bytes));
  }
  if (code == ENOENT) {
    Error error = failure(code, "open");
    error.code = ErrorCode::kNotFound;
    return error;
  }
  if (code == 0) code = mdb_env_set_userctx(env_, this);
  if (code == 0) code = mdb_env_set_assert(env_, say_last_words);
  if (code != 0) return failure(code, "open");
  return {};
}

// A map beyond the file's end raises SIGBUS where it is touched, so a file that lost its end is
// padded: LMDB takes a page of zeros for a damaged one. Half a page it would believe, so that goes.
// A file may also lack pages at its end that were taken and given back unwritten. Who only reads
// leaves it as it is, and may die of it.
Status LmdbTables::pad_file() const {
  MDB_envinfo info{};
  MDB_stat stat{};
  int descriptor = -1;
  int code = mdb_env_info(env_, &info);
  if (code == 0) code = mdb_env_stat(env_, &stat);
  if (code == 0) code = mdb_env_get_fd(env_, &descriptor);
  if (code != 0) return failure(code, "open");

  struct ::stat file {};
  if (::fstat(descriptor, &file) != 0) return failure(errno, "open");
  const auto size = static_cast<std::uint64_t>(file.st_size);
  const std::uint64_t needed = (std::uint64_t{info.me_last_pgno} + 1) * stat.ms_psize;
  const std::uint64_t in_page = size % stat.ms_psize;
  if (size < needed && in_page > 0) {
    if (Status cut = resize_file(descriptor, size - in_page); !cut) return cut;
  }
  if (size >= needed + kReachBytesMax) return {};
  Status padded = resize_file(descriptor, needed + kReachBytesMax);
  if (padded.ok() || size >= needed) return {};  // what is there can be read
  return padded;
}

Status LmdbTables::resize_file(int descriptor, std::uint64_t bytes) const {
  if (::ftruncate(descriptor, static_cast<off_t>(bytes)) == 0) return {};
  const int code = errno;
  Error error = failure(code, fmt::format("make data.mdb {} bytes long", bytes));
  // It counts more pages than any file can have.
  if (code == EFBIG || code == EINVAL) error.code = ErrorCode::kCorruption;
  return error;
}

// Brings the tables and the format up, in one transaction: a catalog has all of them or is none.
Status LmdbTables::prepare(bool read_only) {
  MDB_txn* txn = nullptr;
  int code = mdb_txn_begin(env_, nullptr, read_only ? MDB_RDONLY : 0, &txn);
  if (code != 0) return failure(code, "open");
  bool made = false;
  Status done = open_tables(txn, read_only, made);
  if (done) {
    const LmdbTransaction transaction(*this, txn);
    done = made ? write_format(transaction) : check_format(transaction);
  }
  if (!done) {
    mdb_txn_abort(txn);
    return done;
  }
  // In a transaction that only reads, too, it is this that keeps the handles.
  code = mdb_txn_commit(txn);
  if (code == 0 && made) code = sync_directory(directory_);
  if (code != 0) return failure(code, "open");
  return {};
}

// Opens the handles of all tables in `txn`, making them if there are none; `made` says so.
Status LmdbTables::open_tables(MDB_txn* txn, bool read_only, bool& made) {
  for (std::size_t i = 0; i < kCatalogTables; ++i) {
    const std::string name(to_string(static_cast<CatalogTable>(i)));
    int code = mdb_dbi_open(txn, name.c_str(), 0, &handles_[i]);
    if (code == MDB_NOTFOUND && (i == 0 || made)) {
      if (read_only) {
        return Error{ErrorCode::kNotFound, fmt::format("catalog {}: is empty", directory_), {}};
      }
      made = true;
      code = mdb_dbi_open(txn, name.c_str(), MDB_CREATE, &handles_[i]);
    }
    if (code == MDB_NOTFOUND) {
      return Error{ErrorCode::kCorruption,
                   fmt::format("catalog {}: the table '{}' is missing", directory_, name),
                   {}};
    }
    if (code != 0) return failure(code, fmt::format("open the table '{}'", name));
  }
  return {};
}

Result<std::uint64_t> LmdbTables::map_bytes() const {
  MDB_envinfo info{};
  if (const int code = mdb_env_info(env_, &info); code != 0) {
    return failure(code, "ask for the size of the map");
  }
  return std::uint64_t{info.me_mapsize};
}

Status LmdbTables::copy_to(const std::string& directory) const {
  if (Status copied = copy_file(directory + "/data.mdb"); !copied) return copied;
  if (const int code = sync_directory(directory); code != 0) {
    return failure(code, "copy to " + directory);
  }
  return {};
}

// By a descriptor of our own: LMDB would let others read what it makes.
Status LmdbTables::copy_file(const std::string& path) const {
  const std::string doing = "copy to " + path;
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kFileMode);
  if (descriptor < 0) return failure(errno, doing);
  int code = mdb_env_copyfd2(env_, descriptor, MDB_CP_COMPACT);
  if (code == 0 && ::fsync(descriptor) != 0) code = errno;
  ::close(descriptor);
  if (code != 0) return failure(code, doing);
  return {};
}

// LMDB reads the number of the last update, then its head page, of which there are two in turn. A
// thread that is held up between the two meets the head of the next update but one, while that is
// being written: half of it, or one that a later look does not show yet. So what was begun while a
// commit began is begun again.
int LmdbTables::begin_reading(MDB_txn*& out) {
  std::uint64_t before = commits_.load(std::memory_order_acquire);
  out = idle_.take();
  int code = out != nullptr ? renew(out) : mdb_txn_begin(env_, nullptr, MDB_RDONLY, &out);
  while (code == 0 && began_another_commit(before)) {
    mdb_txn_reset(out);
    code = renew(out);
  }
  return code;
}

void LmdbTables::end_reading(MDB_txn* txn) {
  mdb_txn_reset(txn);
  if (!idle_.put(txn)) mdb_txn_abort(txn);
}

// Whether a commit began since there were `before`, which becomes their present number.
bool LmdbTables::began_another_commit(std::uint64_t& before) {
  // Not a load: that could come before LMDB's own.
  const std::uint64_t now = commits_.fetch_add(0, std::memory_order_acq_rel);
  return std::exchange(before, now) != now;
}

Result<std::optional<std::string_view>> LmdbTransaction::get(CatalogTable table,
                                                             std::string_view key) const {
  MDB_val at = to_lmdb(key);
  MDB_val value{};
  const int code = mdb_get(txn_, tables_->handle(table), &at, &value);
  if (code == MDB_NOTFOUND) return std::optional<std::string_view>();
  if (code != 0) return tables_->failure(code, "read");
  if (value.mv_size > kCatalogValueBytesMax) return tables_->damaged(table, key);
  const std::optional<std::string_view> body = open_value(table, key, from_lmdb(value));
  if (!body) return tables_->damaged(table, key);
  return body;
}

Result<std::uint64_t> LmdbTransaction::count(CatalogTable table) const {
  MDB_stat stat{};
  const int code = mdb_stat(txn_, tables_->handle(table), &stat);
  if (code != 0) return tables_->failure(code, "count");
  return std::uint64_t{stat.ms_entries};
}

Status LmdbTransaction::put(CatalogTable table, std::string_view key, std::string_view sealed,
                            bool comes_last) const {
  MDB_val at = to_lmdb(key);
  MDB_val value = to_lmdb(sealed);
  const int code = mdb_put(txn_, tables_->handle(table), &at, &value, comes_last ? MDB_APPEND : 0U);
  if (code != 0) return tables_->failure(code, "write");
  return {};
}

Status LmdbTransaction::erase(CatalogTable table, std::string_view key) const {
  MDB_val at = to_lmdb(key);
  const int code = mdb_del(txn_, tables_->handle(table), &at, nullptr);
  if (code != 0 && code != MDB_NOTFOUND) return tables_->failure(code, "erase");
  return {};
}

Status LmdbSnapshot::status() const {
  if (code_ != 0) return tables_.failure(code_, "begin to read");
  return {};
}

Result<std::unique_ptr<LmdbWriting>> LmdbWriting::begin(LmdbTables& tables) {
  MDB_txn* txn = nullptr;
  const int code = mdb_txn_begin(tables.env_, nullptr, 0, &txn);
  if (code != 0) return tables.failure(code, "begin to write");
  return std::unique_ptr<LmdbWriting>(new LmdbWriting(tables, txn));
}

LmdbWriting::~LmdbWriting() {
  if (txn_ != nullptr) mdb_txn_abort(txn_);
}

// LMDB writes the new pages beside the old ones and syncs them, and only then, with a synced write
// of its own, the page that makes them count.
Status LmdbWriting::commit() {
  tables_.commits_.fetch_add(1);
  const int code = mdb_txn_commit(std::exchange(txn_, nullptr));
  if (code != 0) return tables_.failure(code, "commit");
  return {};
}

LmdbWalk::LmdbWalk(const LmdbTransaction& transaction, CatalogTable table)
    : tables_(transaction.tables()), table_(table) {
  code_ = mdb_cursor_open(transaction.txn_, tables_.handle(table), &cursor_);
}

LmdbWalk::~LmdbWalk() {
  if (cursor_ != nullptr) mdb_cursor_close(cursor_);
}

Result<bool> LmdbWalk::seek(std::string_view key) {
  key_ = key;
  return move(MDB_SET_RANGE);
}

Result<bool> LmdbWalk::seek_before(std::string_view key) {
  Result<bool> found = seek(key);
  if (!found) return found;
  return move(*found ? MDB_PREV : MDB_LAST);
}

Result<bool> LmdbWalk::first() { return move(MDB_FIRST); }
Result<bool> LmdbWalk::next() { return move(MDB_NEXT); }
Result<bool> LmdbWalk::last() { return move(MDB_LAST); }

Result<std::string_view> LmdbWalk::value() const {
  if (value_.size() > kCatalogValueBytesMax) return damaged();
  const std::optional<std::string_view> body = open_value(table_, key_, value_);
  if (!body) return damaged();
  return *body;
}

Result<bool> LmdbWalk::move(int how) {
  MDB_val key = to_lmdb(key_);
  MDB_val value{};
  if (code_ == 0) code_ = mdb_cursor_get(cursor_, &key, &value, static_cast<MDB_cursor_op>(how));
  const int code = code_ == MDB_NOTFOUND ? std::exchange(code_, 0) : code_;
  if (code == MDB_NOTFOUND) return false;
  if (code != 0) return tables_.failure(code, "walk");
  if (key.mv_size > kCatalogKeyBytesMax) {
    key_ = {};
    return damaged();
  }
  key_ = from_lmdb(key);
  value_ = from_lmdb(value);
  return true;
}

}  // namespace durable_streams

// The catalog's file as LMDB keeps it: seven tables, transactions and cursors, each ended by its
// destructor, and LMDB's errors in the words of the library. Its source is the only one that knows
// lmdb.h.
#pragma once

#include <durable_streams/result.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "store/file/catalog_codec.h"
#include "store/file/idle_transactions.h"
#include "store/file/lmdb_catalog.h"

struct MDB_cursor;
struct MDB_env;
struct MDB_txn;

namespace durable_streams {

// The open file with the handles of its tables. Outlives its transactions. Threads: any.
class LmdbTables {
 public:
  // As open_lmdb_catalog().
  static Result<std::unique_ptr<LmdbTables>> open(const LmdbCatalogOptions& options);
  LmdbTables(const LmdbTables&) = delete;
  LmdbTables& operator=(const LmdbTables&) = delete;
  ~LmdbTables();

  const std::string& directory() const { return directory_; }
  Result<std::uint64_t> map_bytes() const;

  // Copies what is committed into an empty directory, durably.
  Status copy_to(const std::string& directory) const;

  // What an LMDB code or an errno says of `doing`.
  Error failure(int code, std::string_view doing) const;
  Error damaged(CatalogTable table, std::string_view key) const;

 private:
  friend class LmdbTransaction;
  friend class LmdbSnapshot;
  friend class LmdbWriting;
  friend class LmdbWalk;

  LmdbTables(MDB_env* env, std::string directory) : env_(env), directory_(std::move(directory)) {}

  Status open_file(const LmdbCatalogOptions& options);
  Status pad_file() const;
  Status resize_file(int descriptor, std::uint64_t bytes) const;
  Status prepare(bool read_only);
  Status open_tables(MDB_txn* txn, bool read_only, bool& made);
  Status copy_file(const std::string& path) const;

  unsigned handle(CatalogTable table) const { return handles_[static_cast<std::size_t>(table)]; }
  int begin_reading(MDB_txn*& out);
  void end_reading(MDB_txn* txn);
  bool began_another_commit(std::uint64_t& before);

  MDB_env* const env_;
  const std::string directory_;
  std::array<unsigned, kCatalogTables> handles_{};
  IdleTransactions idle_;
  std::atomic<std::uint64_t> commits_{0};  // that have begun
};

// A transaction that somebody else began and ends. Threads: one at a time.
class LmdbTransaction {
 public:
  LmdbTransaction(const LmdbTables& tables, MDB_txn* txn) : tables_(&tables), txn_(txn) {}

  const LmdbTables& tables() const { return *tables_; }

  // The entry's value, verified; nullopt: there is none. It lives until the next change.
  Result<std::optional<std::string_view>> get(CatalogTable table, std::string_view key) const;

  // How many entries the table has; LMDB keeps count.
  Result<std::uint64_t> count(CatalogTable table) const;

  // Writes a sealed value. `comes_last`: the key is greater than all others of the table, and LMDB
  // leaves full pages behind instead of halves.
  Status put(CatalogTable table, std::string_view key, std::string_view sealed,
             bool comes_last) const;

  // Fine if it is not there.
  Status erase(CatalogTable table, std::string_view key) const;

 private:
  friend class LmdbWalk;

  const LmdbTables* tables_;
  MDB_txn* txn_;
};

// One look at the last committed update. What it shows lives as long as it does. Threads: one at a
// time.
class LmdbSnapshot {
 public:
  explicit LmdbSnapshot(LmdbTables& tables)
      : tables_(tables), code_(tables.begin_reading(txn_)), transaction_(tables, txn_) {}
  LmdbSnapshot(const LmdbSnapshot&) = delete;
  LmdbSnapshot& operator=(const LmdbSnapshot&) = delete;
  ~LmdbSnapshot() {
    if (code_ == 0) tables_.end_reading(txn_);
  }

  // Whether there is anything to look at: asked before transaction().
  Status status() const;
  const LmdbTransaction& transaction() const { return transaction_; }

 private:
  LmdbTables& tables_;
  MDB_txn* txn_ = nullptr;
  const int code_;
  const LmdbTransaction transaction_;
};

// The one transaction that writes; without commit() nothing has happened. Threads: the one that
// began it.
class LmdbWriting {
 public:
  static Result<std::unique_ptr<LmdbWriting>> begin(LmdbTables& tables);
  LmdbWriting(const LmdbWriting&) = delete;
  LmdbWriting& operator=(const LmdbWriting&) = delete;
  ~LmdbWriting();

  const LmdbTransaction& transaction() const { return transaction_; }

  // Durable when it returns; it is over even if it fails.
  Status commit();

 private:
  LmdbWriting(LmdbTables& tables, MDB_txn* txn)
      : tables_(tables), txn_(txn), transaction_(tables, txn) {}

  LmdbTables& tables_;
  MDB_txn* txn_;
  const LmdbTransaction transaction_;
};

// Goes over a table in order of keys. Its moves say whether they found an entry; key and value live
// until the next change of the table. Threads: one at a time.
class LmdbWalk {
 public:
  LmdbWalk(const LmdbTransaction& transaction, CatalogTable table);
  LmdbWalk(const LmdbWalk&) = delete;
  LmdbWalk& operator=(const LmdbWalk&) = delete;
  ~LmdbWalk();

  // To the first entry whose key is not less.
  Result<bool> seek(std::string_view key);
  // To the last entry whose key is less.
  Result<bool> seek_before(std::string_view key);
  Result<bool> first();
  Result<bool> next();
  Result<bool> last();

  std::string_view key() const { return key_; }
  bool key_starts_with(std::string_view prefix) const { return key_.starts_with(prefix); }

  Result<std::string_view> value() const;
  Error damaged() const { return tables_.damaged(table_, key_); }

 private:
  Result<bool> move(int how);  // LMDB's MDB_cursor_op

  const LmdbTables& tables_;
  const CatalogTable table_;
  MDB_cursor* cursor_ = nullptr;
  std::string_view key_;
  std::string_view value_;
  int code_ = 0;
};

}  // namespace durable_streams

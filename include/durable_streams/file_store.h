// Streams kept in files: what was acknowledged survives a crash of the process, of the machine and
// of its power.
#pragma once

#include <durable_streams/clock.h>
#include <durable_streams/store.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace durable_streams {

// When a change counts as committed: answered, and shown to readers. A crash of the process loses
// none that was; docs/operations.md has a table of what each mode promises. Where a crash of the
// machine may have lost some, streams go on with a higher read sequence, so that no offset ever
// names two different contents.
enum class Durability : std::uint8_t {
  kAlways,    // when it is on the disk. Nothing acknowledged is ever lost
  kInterval,  // when it is written; it is on the disk `sync_interval` later. A crash of the machine
              // may lose that much
  kOff,  // when it is written; the system decides when it is on the disk. A crash of the machine
         // may lose much
};

struct FileStoreOptions {
  // Made, for its owner alone, if it is not there. One store at a time uses it.
  std::string directory;

  Durability durability = Durability::kAlways;
  std::chrono::milliseconds sync_interval{100};  // of kInterval

  // How many packs are held open at a time.
  std::size_t max_file_handles = 100;

  // Streams are settled into packs when the journal or what is held of it in memory has grown so
  // large, or after so long. At twice a limit changes are refused with kUnavailable until settling
  // has caught up.
  std::uint64_t journal_bytes_max = std::uint64_t{512} << 20;
  std::uint64_t memtable_bytes_max = std::uint64_t{128} << 20;
  std::chrono::milliseconds settle_interval = std::chrono::seconds(60);

  // Kept on the disk for the time when it is full: creates and appends are then refused with
  // kNoSpace, and streams can still be deleted, expire and be settled. Once there is so much room
  // again, all changes are taken. Settling needs as much as the memtable holds, so with less than
  // that it may have to wait for room from elsewhere. 0: none is kept.
  std::uint64_t reserve_bytes = std::uint64_t{160} << 20;

  // Changes that wait to be written. Past it more are refused with kUnavailable.
  std::uint64_t in_flight_bytes_max = std::uint64_t{64} << 20;

  // Behind everything else, all that is settled is read and verified, so many bytes a second, and
  // again after a rest: damage shows (FileStoreStats::damage) while backups still have what is
  // damaged. 0: it is not.
  std::uint64_t scrub_bytes_per_second = std::uint64_t{4} << 20;
  std::chrono::milliseconds scrub_rest = std::chrono::hours(24);

  // Blocks of settled streams that are held in memory, verified, once they have been read twice;
  // the least recently read make way. 0: none are.
  std::uint64_t read_cache_bytes_max = std::uint64_t{128} << 20;

  // Threads for what has to wait for the disk.
  std::size_t read_threads = 2;

  // The size of one file of the journal, and how large the catalog may grow. The latter is address
  // space, not memory.
  std::uint64_t segment_bytes = std::uint64_t{64} << 20;
  std::uint64_t catalog_bytes_max = std::uint64_t{1} << 40;

  // Wall time, for deadlines after a crash; must outlive the store. Null: the system's clock.
  const Clock* clock = nullptr;
};

// What the opening of a directory found.
struct FileStoreOpening {
  bool clean = true;           // it was closed in order, or is new
  bool may_have_lost = false;  // committed changes that were not on the disk; see Durability
  std::uint64_t replayed = 0;  // changes taken from the journal
  std::uint64_t torn_bytes =
      0;                        // of an unfinished write at its end, never acknowledged and cut off
  std::string torn_where = {};  // file and offset of them
};

// A distribution: how many values were at most each of the bounds, and above the bound before. The
// last count is of those above all bounds.
inline constexpr std::array<std::uint64_t, 10> kCommitSizeBounds = {1,  2,  4,   8,   16,
                                                                    32, 64, 128, 256, 1024};
inline constexpr std::array<std::chrono::microseconds, 12> kSyncTimeBounds = {
    std::chrono::microseconds{50},      std::chrono::microseconds{100},
    std::chrono::microseconds{250},     std::chrono::microseconds{500},
    std::chrono::microseconds{1'000},   std::chrono::microseconds{2'500},
    std::chrono::microseconds{5'000},   std::chrono::microseconds{10'000},
    std::chrono::microseconds{25'000},  std::chrono::microseconds{100'000},
    std::chrono::microseconds{250'000}, std::chrono::microseconds{1'000'000}};

struct FileStoreStats {
  std::uint64_t commits = 0;  // writes of the journal, each for all changes that had gathered
  std::uint64_t committed_changes = 0;  // the sum of the sizes that are counted next
  std::array<std::uint64_t, kCommitSizeBounds.size() + 1> commit_sizes = {};  // changes a commit
  std::uint64_t syncs = 0;                // of the journal, that were made for commits
  std::chrono::nanoseconds sync_time{0};  // of all of them together
  std::array<std::uint64_t, kSyncTimeBounds.size() + 1> sync_times = {};
  // Since it was opened; with what was appended, how much more is written than that. The catalog's
  // pages are not among them.
  std::uint64_t journal_written_bytes = 0;
  std::uint64_t pack_written_bytes = 0;
  std::uint64_t in_flight_changes = 0;  // submitted, and not yet committed or refused
  // How long the oldest change that is not settled has been committed; 0: all are settled.
  std::chrono::milliseconds unsettled_age{0};
  std::uint64_t journal_bytes = 0;  // not yet settled
  std::uint64_t memtable_bytes = 0;
  std::uint64_t in_flight_bytes = 0;
  std::uint64_t settlings = 0;
  std::uint64_t merges = 0;
  std::uint64_t packs = 0;
  std::uint64_t pack_bytes = 0;
  std::uint64_t open_packs = 0;
  std::uint64_t read_cache_bytes = 0;   // held of settled streams
  std::uint64_t read_cache_hits = 0;    // blocks of up to 64 KiB that reads found there
  std::uint64_t read_cache_misses = 0;  // and that they read and verified
  bool short_of_room = false;           // the disk is full: creates and appends are refused
  bool read_only = false;               // a write has failed; `read_only_reason` says how
  std::string read_only_reason = {};
  std::uint64_t backups = 0;         // that are whole
  std::uint64_t scrubbed_bytes = 0;  // since it was opened
  std::uint64_t scrubs = 0;          // passes over all packs
  // What reads, merges and scrubbing have found that could not be read: pack, stream and range of
  // each, in the order they were found, each once, and only the first hundred.
  std::vector<std::string> damage = {};
};

// Commits in groups: all changes that gather while one write is made durable become durable with
// the next. Threads: any.
class DURABLE_STREAMS_EXPORT FileStore final : public Store {
 public:
  // Opens a directory, or makes one. kUnavailable: another store uses it. kCorruption: it is
  // damaged; the message says where, and `durable-streams-server fsck` more.
  static Result<std::unique_ptr<FileStore>> open(FileStoreOptions options);

  // Settles what is not settled, and closes in order.
  ~FileStore() override;
  FileStore(const FileStore&) = delete;
  FileStore& operator=(const FileStore&) = delete;

  const FileStoreOpening& opening() const;
  FileStoreStats file_stats() const;

  // Makes a directory that opens as a store of its own, with what one moment's readers see: all
  // that was acknowledged before the call, and nothing that was submitted after some later change
  // that it lacks. Changes and reads go on meanwhile; packs are not merged. It shares packs with
  // this store where both are on one disk, by links. Until it is whole it is called
  // `DIRECTORY.partial`, which is removed when it fails. `done` is called once, on a thread of the
  // store. kConflict: the directory is there and not empty; kUnavailable: the store is read-only;
  // kNoSpace; kCanceled: the store was closed meanwhile.
  void backup(std::string directory, Function<void(Status)> done);

  std::string_view kind() const override;
  bool commits_at_once() const override;
  void set_listener(CommitListener* listener) override;
  StreamId next_stream_id() override;
  std::uint64_t read_sequence() const override;
  Result<Submitted> submit(const Change& change, Ticket ticket) override;
  void flush() override;
  void flush_waiting() override;
  std::optional<Result<bool>> load_now(std::string_view path, StreamRecord& out) override;
  void load(std::string_view path, Done<std::optional<StreamRecord>> done) override;
  std::optional<Result<bool>> load_producer_now(StreamId id, std::string_view producer_id,
                                                ProducerState& out) override;
  void load_producer(StreamId id, std::string_view producer_id,
                     Done<std::optional<ProducerState>> done) override;
  std::optional<Result<std::vector<UsedProducer>>> oldest_producers_now(
      StreamId id, std::size_t count_max) override;
  void oldest_producers(StreamId id, std::size_t count_max,
                        Done<std::vector<UsedProducer>> done) override;
  std::optional<Status> read_now(const ReadRange& range, StoredBytes& out) override;
  void read(const ReadRange& range, Done<StoredBytes> done) override;
  std::optional<Result<std::uint64_t>> append_end_now(StreamId id, std::uint64_t position) override;
  void append_end(StreamId id, std::uint64_t position, Done<std::uint64_t> done) override;
  WallTime earliest_deadline() const override;
  std::optional<Result<std::vector<ExpiredStream>>> expired_now(WallTime now,
                                                                std::size_t count_max) override;
  void expired(WallTime now, std::size_t count_max, Done<std::vector<ExpiredStream>> done) override;
  std::optional<Result<StreamList>> list_now(const ListRange& range) override;
  void list(const ListRange& range, Done<StreamList> done) override;
  StoreStats stats() const override;
  Result<std::vector<ForkPoint>> owed_releases() override;

 private:
  class Threads;
  explicit FileStore(std::unique_ptr<Threads> threads);

  std::unique_ptr<Threads> threads_;
};

}  // namespace durable_streams

// The file store without its threads: what a change, a commit, a settling and a read do, each in
// the thread that calls. The store runs them on threads of its own, simulations one by one.
#pragma once

#include <durable_streams/file_store.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "store/file/backup.h"
#include "store/file/catalog.h"
#include "store/file/commit_sizes.h"
#include "store/file/distribution.h"
#include "store/file/file_system.h"
#include "store/file/journal.h"
#include "store/file/memtable.h"
#include "store/file/open_packs.h"
#include "store/file/pack.h"
#include "store/file/place_cache.h"
#include "store/file/reservations.h"
#include "store/file/room_reserve.h"
#include "store/file/stream_shape.h"
#include "store/file/sync_history.h"

namespace durable_streams {

struct StrayPack;

// Locks are taken in this order: the commit's, the gathering's, the generations', that of the
// catalog's first deadline, those of a memtable. Threads: any; commit() and settle() are called by
// one thread at a time each.
class FileState {
 public:
  using Wait = Pack::Wait;

  // The disk and the catalog are borrowed.
  struct Place {
    FileSystem& files;
    Catalog& catalog;
    const Clock& clock;
  };

  // Keeps the directory, made if need be, to one user. To be held before the catalog in it is
  // opened.
  static Result<std::unique_ptr<DirectoryLock>> lock(FileSystem& files,
                                                     const std::string& directory);

  // For a catalog that is new: opening would put all packs aside, which it does not know, and take
  // the journal for another store's. Where there are any another catalog was lost.
  static Status expect_no_streams(FileSystem& files, const std::string& directory);

  // Brings the directory to the state of all that was committed, and removes what unfinished work
  // has left there.
  static Result<std::unique_ptr<FileState>> open(Place place, const FileStoreOptions& options);
  ~FileState();
  FileState(const FileState&) = delete;
  FileState& operator=(const FileState&) = delete;

  const FileStoreOpening& opening() const { return opening_; }

  // file_stats.cc
  StoreStats stats() const;
  FileStoreStats file_stats() const;

  // file_changes.cc
  void set_listener(CommitListener* listener);
  std::uint64_t read_sequence() const { return read_sequence_; }
  StreamId next_stream_id() { return next_stream_id_.fetch_add(1, std::memory_order_relaxed); }
  Result<Submitted> submit(const Change& change, Ticket ticket);
  bool has_gathered() const { return in_gathering_.load(std::memory_order_acquire) > 0; }
  // Commits what has gathered. False: nothing had.
  bool commit();
  // The same, unless another thread holds the commit: false.
  bool try_commit();
  // Whether a thread with other work should commit what has gathered: it is little, and the last
  // syncs were short.
  bool leading_pays() const;
  // Makes durable what was only written.
  Status sync();

  // settle.cc
  bool wants_settling() const;
  // Moves all that is committed into a pack and the catalog. Fails when the disk does; then nothing
  // is lost, and it may be tried again.
  Status settle();
  // Merges some packs if there is reason to; `pace` is called for each mebibyte, and its error ends
  // the merge. False: there was no reason. By the thread that settles.
  Result<bool> merge(Function<Status()> pace);
  // Ends in order: settles, and says so in the catalog. No change may follow.
  Status close();
  // Whether creates and appends are refused because the disk was full.
  bool short_of_room() const { return short_of_room_.load(std::memory_order_relaxed); }
  // Ends that, if the disk has room again. By the thread that settles.
  Status find_room();
  // The journal's files for the time to come.
  bool wants_journal_files() const { return !short_of_room() && journal_->wants_spares(); }
  Status prepare_journal() { return journal_->prepare(); }

  // upkeep.cc
  // Settles all that is committed and puts the catalog into the backup; returns the packs that it
  // refers to, which stay until end_backup(). By the thread that settles.
  Result<std::vector<PackInfo>> begin_backup(Backup& backup);
  void end_backup(const Status& outcome);
  // Reads and verifies all that is settled, once. `pace` is called between any two reads of the
  // disk, with the bytes of the last, and its error ends the pass. By one thread at a time.
  Status scrub(Function<Status(std::uint64_t bytes)> pace);
  // Remembers for file_stats() an error that says something stored cannot be read; ignores others.
  void note_damage(const Error& error);

  // file_reads.cc; nullopt only with kNo: it would have to wait for the disk.
  std::optional<Result<bool>> load(Wait wait, std::string_view path, StreamRecord& out);
  std::optional<Result<bool>> load_producer(Wait wait, StreamId id, std::string_view producer_id,
                                            ProducerState& out);
  std::optional<Result<std::vector<UsedProducer>>> oldest_producers(Wait wait, StreamId id,
                                                                    std::size_t count_max);
  std::optional<Status> read(Wait wait, const ReadRange& range, StoredBytes& out);
  std::optional<Result<std::uint64_t>> append_end(Wait wait, StreamId id, std::uint64_t position);
  // Waits.
  Result<StreamList> list(const ListRange& range);
  // Looks at all streams, if any is owed one.
  Result<std::vector<ForkPoint>> owed_releases();

  // file_deadlines.cc
  WallTime earliest_deadline() const;
  std::optional<Result<std::vector<ExpiredStream>>> expired(Wait wait, WallTime now,
                                                            std::size_t count_max);

 private:
  // Changes on their way to the disk.
  struct Gathering {
    JournalBatch batch;
    std::vector<Ticket> tickets;
    Reservations::Keys keys;

    void clear();
  };

  // A part of what a stream shows, held by itself or by one ancestor.
  struct Segment {
    StreamId id = 0;
    std::uint64_t from = 0;
    std::uint64_t to = 0;
    bool ends_at_fork = false;
  };

  FileState(Place place, FileStoreOptions options);

  // recovery.cc
  Status recover();
  Status read_meta();
  Status expect_journal() const;
  Status read_packs();
  Status sweep_packs();
  Status note_pack_names();
  Status note_missing_packs();
  Error older_catalog(const StrayPack& pack) const;
  Status replay();
  Status begin_life();
  Status take_reserve();
  std::string journal_directory() const;
  std::string packs_directory() const;

  // file_changes.cc
  Reservations::Committed committed();
  Result<Submitted> gather(const Change& change, Ticket ticket)
      DURABLE_STREAMS_REQUIRES(gather_mutex_);
  bool commit_and_tell() DURABLE_STREAMS_RELEASE(commit_mutex_);
  // False: nothing had gathered.
  bool commit_gathered(std::vector<CommitOutcome>& outcomes)
      DURABLE_STREAMS_REQUIRES(commit_mutex_);
  Status timed_sync() DURABLE_STREAMS_REQUIRES(commit_mutex_);
  void apply(Lsn first, std::vector<CommitOutcome>& outcomes)
      DURABLE_STREAMS_REQUIRES(commit_mutex_);
  // Refuses all that is in flight, and with `for_good` all that will come.
  void refuse(Error error, bool for_good, std::vector<CommitOutcome>& outcomes)
      DURABLE_STREAMS_REQUIRES(commit_mutex_);
  // The disk is full: gives up what was kept for that. False: nothing was.
  bool use_reserve();
  void note_unsettled() DURABLE_STREAMS_REQUIRES(gather_mutex_);
  void fail_for_good(const Error& cause) DURABLE_STREAMS_REQUIRES(gather_mutex_);
  static Error told(const Error& cause);

  // settle.cc
  Status settle_frozen();
  void freeze();
  Status take_over(const CatalogMeta& settled_meta);
  Status remove_spent_packs();
  void note_totals(const CatalogTotals& totals);
  void note_settling_failed(const Error& error);
  Status put_meta();
  std::unordered_map<PackId, PackInfo> pack_infos() const;
  std::vector<PackId> packs_to_merge() const;

  // file_reads.cc
  std::optional<Result<StreamId>> find_path(Wait wait, std::string_view path);
  std::optional<Result<std::optional<SettledStream>>> find(Wait wait, StreamId id);
  // As the active memtable needs it: what is frozen, or settled.
  Result<std::optional<SettledStream>> find_below_active(StreamId id);
  std::optional<Result<StreamShape>> shape(Wait wait, StreamId id);
  std::optional<Result<std::vector<Segment>>> segments(Wait wait, StreamId id, std::uint64_t from,
                                                       std::uint64_t to);
  bool read_from_active(const ReadRange& range, StoredBytes& out) const;
  std::optional<Status> gather(Wait wait, StreamId id, std::uint64_t from, std::uint64_t to,
                               bool cut_at_append, StoredBytes& out);
  std::optional<Status> cut_at_message(Wait wait, const ReadRange& range, StoredBytes& out);
  bool in_memory(StreamId id) const;
  bool held(StreamId id) const;                      // the same, with `generations_mutex_`
  std::vector<const Memtable*> generations() const;  // newest first; with `generations_mutex_`

  // file_deadlines.cc
  std::optional<Result<std::vector<DueStream>>> due_streams(Wait wait, WallTime now,
                                                            std::size_t count_max);
  std::vector<DueStream> due_in_memory(WallTime now, std::size_t count_max) const;
  Result<std::vector<DueStream>> due_in_catalog(WallTime now, std::size_t count_max);
  Result<DueStream> next_in_catalog(DueStream after, Function<bool(StreamId)> shadowed);
  Status pass_below_active(StreamId id);
  Result<DueStream> first_below_active();
  void set_catalog_first(DueStream first);
  WallTime catalog_deadline() const {
    return WallTime(WallTime::duration(catalog_deadline_ms_.load(std::memory_order_acquire)));
  }
  static DueStream before_all() { return {.deadline = WallTime::min(), .id = 0}; }
  WallTime true_deadline(const StreamRecord& record) const;

  // file_stats.cc
  std::uint64_t memtable_bytes() const;
  std::chrono::milliseconds unsettled_age() const;

  // own_bytes.cc: what a stream holds itself, settled and not
  static constexpr std::uint64_t kNoEnd = UINT64_MAX;
  std::optional<Status> add_settled(Wait wait, StreamId id, std::uint64_t from, std::uint64_t to,
                                    std::vector<Slice>& out);
  using ExtentVisitor = Function<std::optional<Status>(Pack&, const Extent&)>;
  // Visits the extents that hold [from, to) with their packs, in order; perhaps the first ones
  // twice.
  std::optional<Status> with_extents(Wait wait, StreamId id, std::uint64_t from, std::uint64_t to,
                                     ExtentVisitor visit);
  // The same with extents that are known; returns up to where they reach. kNotFound: a pack is
  // gone.
  std::optional<Result<std::uint64_t>> visit_extents(Wait wait, const std::vector<Extent>& extents,
                                                     std::uint64_t from, std::uint64_t to,
                                                     ExtentVisitor& visit);
  std::optional<Status> add_own(Wait wait, StreamId id, std::uint64_t from, std::uint64_t to,
                                std::vector<Slice>& out);
  // The last end of an append after `from` and not after `to`; kNoEnd: none.
  std::optional<Result<std::uint64_t>> last_append_end(Wait wait, StreamId id, std::uint64_t from,
                                                       std::uint64_t to);
  // Where the append that covers the byte at `position` ends.
  std::optional<Result<std::uint64_t>> append_end_after(Wait wait, StreamId id,
                                                        std::uint64_t position);

  // upkeep.cc
  Status scrub_pack(PackId id, Function<Status(std::uint64_t)>& pace);
  Status scrub_extent(StreamId id, const Extent& extent, Function<Status(std::uint64_t)>& pace);
  // What scrubbing a pack met. An error: it has to be tried again later.
  Status note_scrubbed(PackId id, const Error& error);
  // Whether the error is only that a merge has removed the pack meanwhile.
  bool merged_away(PackId id, const Error& error) const;

  FileSystem& files_;
  Catalog& catalog_;
  const Clock& clock_;
  const FileStoreOptions options_;
  FileStoreOpening opening_;
  std::shared_ptr<BlockCache> blocks_;  // null: none
  std::unique_ptr<OpenPacks> packs_;
  PlaceCache places_;
  std::unique_ptr<Journal> journal_;
  RoomReserve reserve_;
  std::atomic<bool> short_of_room_{false};
  CatalogMeta meta_;  // as last committed; of the settling thread
  // Of settlings and merges that failed, and what merges have replaced; of the settling thread.
  std::set<PackId> spent_packs_;

  std::atomic<StreamId> next_stream_id_{1};
  std::uint64_t read_sequence_ = 0;  // never changes once it is open

  // Who commits.
  Mutex commit_mutex_;
  Gathering committing_ DURABLE_STREAMS_GUARDED_BY(commit_mutex_);
  Lsn durable_ DURABLE_STREAMS_GUARDED_BY(commit_mutex_) = 0;

  // Who submits.
  mutable Mutex gather_mutex_;
  Gathering gathering_ DURABLE_STREAMS_GUARDED_BY(gather_mutex_);
  Reservations reservations_ DURABLE_STREAMS_GUARDED_BY(gather_mutex_){committed()};
  std::optional<Error> failed_ DURABLE_STREAMS_GUARDED_BY(gather_mutex_);  // for good
  std::string failure_
      DURABLE_STREAMS_GUARDED_BY(gather_mutex_);  // what made it so, for the operator
  // A slid deadline was refused: the next start can't rely on those that are saved.
  bool deadline_lost_ DURABLE_STREAMS_GUARDED_BY(gather_mutex_) = false;
  bool unsettled_full_ DURABLE_STREAMS_GUARDED_BY(gather_mutex_) = false;
  std::optional<Error> settling_error_
      DURABLE_STREAMS_GUARDED_BY(gather_mutex_);  // of the last try
  std::atomic<std::size_t> in_gathering_{0};
  std::atomic<std::uint64_t> in_flight_bytes_{0};
  SyncHistory syncs_;
  CommitSizes commit_sizes_;
  std::atomic<std::uint64_t> in_flight_changes_{0};
  Distribution<std::uint64_t, kCommitSizeBounds.size()> commit_size_counts_{kCommitSizeBounds};
  Distribution<std::chrono::microseconds, kSyncTimeBounds.size()> sync_time_counts_{
      kSyncTimeBounds};
  std::atomic<std::uint64_t> syncs_made_{0};
  std::atomic<std::chrono::nanoseconds::rep> sync_time_{0};
  // When the oldest change of a memtable was committed; kNoTime: it is empty.
  using Steady = std::chrono::steady_clock;
  static constexpr Steady::rep kNoTime = 0;
  std::atomic<Steady::rep> active_since_{kNoTime};
  std::atomic<Steady::rep> frozen_since_{kNoTime};
  std::atomic<std::uint64_t> commits_{0};
  std::atomic<std::uint64_t> committed_changes_{0};

  // Taken before the commit's lock is given back, so that outcomes are heard in order.
  Mutex listener_mutex_;
  CommitListener* listener_ DURABLE_STREAMS_GUARDED_BY(listener_mutex_) = nullptr;

  // `frozen_` is being settled; below both lies the catalog. Held shared while they are looked at.
  mutable std::shared_mutex generations_mutex_;
  std::unique_ptr<Memtable> active_;
  std::unique_ptr<Memtable> frozen_;
  // Of the catalog: the earliest deadline of a stream that the memtables do not know better. By the
  // one who commits, with `generations_mutex_` shared, or by the one who settles, with it alone.
  DueStream catalog_first_{.deadline = kNever, .id = 0};
  std::atomic<WallTime::rep> catalog_deadline_ms_{kNever.time_since_epoch().count()};

  std::atomic<WallTime::rep> ttl_floor_ms_{0};

  // Totals of what is settled.
  std::atomic<std::uint64_t> settled_streams_{0};
  std::atomic<std::uint64_t> settled_bytes_{0};
  std::atomic<std::uint64_t> settled_releases_owed_{0};
  std::atomic<std::uint64_t> settled_producers_{0};

  mutable Mutex packs_mutex_;
  std::unordered_map<PackId, PackInfo> pack_infos_ DURABLE_STREAMS_GUARDED_BY(packs_mutex_);
  std::atomic<std::uint64_t> pack_written_bytes_{0};
  std::atomic<std::uint64_t> settlings_{0};
  std::atomic<std::uint64_t> merges_{0};

  std::atomic<bool> packs_held_{false};  // by a backup: none may be removed
  std::atomic<std::uint64_t> backups_{0};
  std::atomic<std::uint64_t> scrubs_{0};
  std::atomic<std::uint64_t> scrubbed_bytes_{0};
  mutable Mutex damage_mutex_;
  std::vector<std::string> damage_ DURABLE_STREAMS_GUARDED_BY(damage_mutex_);
};

}  // namespace durable_streams

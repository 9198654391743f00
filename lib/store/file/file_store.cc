// The threads of a file store: one commits, one settles, one makes backups and scrubs, a few read
// what has to come from the disk.
#include <durable_streams/file_store.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <thread>
#include <utility>

#include "base/mutex.h"
#include "store/file/file_state.h"
#include "store/file/lmdb_catalog.h"
#include "store/file/posix_file_system.h"

namespace durable_streams {

namespace {

// How many commits in a row a loop leads before it goes back to its own work.
constexpr int kLeadsMax = 2;

// How long settling rests after it failed, before it tries again.
constexpr auto kRetryInterval = std::chrono::seconds(1);

// What clients may know of a failure: no file's name.
Error for_clients(Error error) {
  switch (error.code) {
    case ErrorCode::kIo:
      return {
          .code = ErrorCode::kIo, .message = "the disk did not give what is stored", .detail = {}};
    case ErrorCode::kCorruption:
      return {.code = ErrorCode::kCorruption,
              .message = "what is stored here is damaged",
              .detail = {}};
    case ErrorCode::kTooMany:
      return {.code = ErrorCode::kUnavailable,
              .message = "the store has no file descriptor left",
              .detail = {}};
    default:
      return error;
  }
}

// For who starts a store that is damaged.
Error with_way_on(Error error) {
  if (error.code == ErrorCode::kCorruption && error.message.find("fsck") == std::string::npos)
    error.message += "; `durable-streams-server fsck` says what can be kept";
  return error;
}

const Clock& system_clock() {
  static SystemClock clock;
  return clock;
}

}  // namespace

class FileStore::Threads {
 public:
  struct Parts {
    std::unique_ptr<DirectoryLock> lock;
    std::unique_ptr<PosixFileSystem> files;
    std::unique_ptr<Catalog> catalog;
    std::unique_ptr<FileState> state;
  };

  struct WantedBackup {
    std::string directory;
    Function<void(Status)> done;
  };

  Threads(Parts parts, FileStoreOptions options)
      : parts_(std::move(parts)), options_(std::move(options)) {
    threads_.emplace_back([this] { commit_loop(); });
    threads_.emplace_back([this] { settle_loop(); });
    threads_.emplace_back([this] { upkeep_loop(); });
    for (std::size_t i = 0; i < std::max<std::size_t>(options_.read_threads, 1); ++i) {
      threads_.emplace_back([this] { read_loop(); });
    }
    if (options_.durability == Durability::kInterval)
      threads_.emplace_back([this] { sync_loop(); });
  }

  ~Threads() {
    {
      const MutexLock lock(mutex_);
      stopping_ = true;
    }
    commit_wanted_.notify_all();
    settle_wanted_.notify_all();
    read_wanted_.notify_all();
    sync_wanted_.notify_all();
    upkeep_wanted_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    for (WantedBackup& backup : backups_) backup.done(closing());
    ignore(state().close(), "what could not be settled is in the journal");
  }

  FileState& state() const { return *parts_.state; }

  // What becomes of an outcome before a client hears of it; damage is kept for the operator.
  template <class T>
  Result<T> told(Result<T> outcome) {
    if (!outcome.ok()) return told(std::move(outcome).error());
    return outcome;
  }
  template <class T>
  std::optional<Result<T>> told(std::optional<Result<T>> outcome) {
    if (!outcome) return std::nullopt;
    return told(*std::move(outcome));
  }
  Error told(Error error) {
    // That a stream is gone is no damage.
    if (error.code != ErrorCode::kNotFound) state().note_damage(error);
    return for_clients(std::move(error));
  }

  void wake_committer() {
    if (!state().has_gathered()) return;
    {
      const MutexLock lock(mutex_);
      commit_asked_ = true;
    }
    commit_wanted_.notify_one();
  }

  // Commits here if that is the shortest way: while nobody else does, for few changes, and on a
  // disk that syncs fast.
  void commit_or_wake() {
    if (!state().has_gathered()) return;
    if (!state().leading_pays()) return wake_committer();
    // Who holds the commit now may have looked already for what gathered.
    for (int commits = 0; state().has_gathered() && commits < kLeadsMax; ++commits) {
      if (!state().try_commit()) return wake_committer();
    }
    if (state().has_gathered()) wake_committer();
    wake_settler();
  }

  void read_later(Function<void()> read) {
    {
      const MutexLock lock(mutex_);
      reads_.push_back(std::move(read));
    }
    read_wanted_.notify_one();
  }

  void back_up_later(WantedBackup backup) {
    {
      const MutexLock lock(mutex_);
      backups_.push_back(std::move(backup));
    }
    upkeep_wanted_.notify_one();
  }

 private:
  using Lock = std::unique_lock<std::mutex>;
  using TimePoint = std::chrono::steady_clock::time_point;

  // Sleeps shorter than this cost more than they spare.
  static constexpr auto kShortestSleep = std::chrono::milliseconds(5);
  static constexpr auto kLongestSleep = std::chrono::hours(24);

  static Error closing() {
    return {.code = ErrorCode::kCanceled, .message = "the store is being closed", .detail = {}};
  }

  void commit_loop() DURABLE_STREAMS_NO_THREAD_SAFETY_ANALYSIS {
    while (true) {
      {
        Lock lock(mutex_.native());
        commit_wanted_.wait(lock, [this]() DURABLE_STREAMS_NO_THREAD_SAFETY_ANALYSIS {
          return commit_asked_ || stopping_;
        });
        if (!commit_asked_) break;
        commit_asked_ = false;
      }
      while (state().commit()) {
      }
      wake_settler();
    }
    while (state().commit()) {
    }
  }

  void settle_loop() DURABLE_STREAMS_NO_THREAD_SAFETY_ANALYSIS {
    auto next = std::chrono::steady_clock::now() + options_.settle_interval;
    while (true) {
      {
        Lock lock(mutex_.native());
        settle_wanted_.wait_until(lock, next, [this]() DURABLE_STREAMS_NO_THREAD_SAFETY_ANALYSIS {
          return stopping_ || has_to_settle() || state().wants_journal_files();
        });
        if (stopping_) return;
      }
      bool failed = false;
      {
        const MutexLock lock(settling_);
        // First what a commit would otherwise have to make itself.
        failed = state().wants_journal_files() && !state().prepare_journal();
        if (has_to_settle() || std::chrono::steady_clock::now() >= next) {
          failed = !state().settle() || !merge() || failed;
          next = std::chrono::steady_clock::now() + options_.settle_interval;
        }
        if (state().short_of_room()) failed = !state().find_room() || failed;
      }
      if (failed) rest();
    }
  }

  void wake_settler() {
    if (has_to_settle() || state().wants_journal_files()) settle_wanted_.notify_one();
  }

  bool has_to_settle() const { return state().wants_settling() || state().short_of_room(); }

  // Merges as long as there is something to merge and nothing more urgent.
  bool merge() {
    while (!state().wants_settling()) {
      const Result<bool> merged = state().merge([this] { return go_on(); });
      if (!merged && merged.error().code == ErrorCode::kCorruption)
        state().note_damage(merged.error());
      if (!merged) return merged.error().code == ErrorCode::kCanceled;
      if (!*merged) return true;
    }
    return true;
  }

  Status go_on() {
    const MutexLock lock(mutex_);
    if (!stopping_ && backups_.empty() && !state().wants_settling()) return {};
    return Error{.code = ErrorCode::kCanceled, .message = "merging makes way", .detail = {}};
  }

  void rest() DURABLE_STREAMS_NO_THREAD_SAFETY_ANALYSIS {
    Lock lock(mutex_.native());
    settle_wanted_.wait_for(lock, kRetryInterval,
                            [this]()
                                DURABLE_STREAMS_NO_THREAD_SAFETY_ANALYSIS { return stopping_; });
  }

  void sync_loop() DURABLE_STREAMS_NO_THREAD_SAFETY_ANALYSIS {
    while (true) {
      {
        Lock lock(mutex_.native());
        sync_wanted_.wait_for(lock, options_.sync_interval,
                              [this]()
                                  DURABLE_STREAMS_NO_THREAD_SAFETY_ANALYSIS { return stopping_; });
        if (stopping_) return;
      }
      ignore(state().sync(), "changes are refused from then on, and say why");
    }
  }

  void upkeep_loop() {
    TimePoint next = std::chrono::steady_clock::now();
    while (true) {
      run_backups();
      if (scrubs() && std::chrono::steady_clock::now() >= next) {
        scrub_until_ = std::chrono::steady_clock::now();
        const Status scrubbed = state().scrub([this](std::uint64_t bytes) { return pace(bytes); });
        // With no descriptor free it is tried again soon.
        next = std::chrono::steady_clock::now() +
               (scrubbed.ok() ? options_.scrub_rest : std::chrono::milliseconds(kRetryInterval));
      }
      if (!sleep_until(scrubs() ? next : std::chrono::steady_clock::now() + kLongestSleep)) return;
    }
  }

  bool scrubs() const { return options_.scrub_bytes_per_second > 0; }

  // Lets so much time pass as reading so many bytes is to take. Backups don't wait for that.
  Status pace(std::uint64_t bytes) {
    using Seconds = std::chrono::duration<double>;
    const auto rate = static_cast<double>(options_.scrub_bytes_per_second);
    const TimePoint now = std::chrono::steady_clock::now();
    scrub_until_ =
        std::max(scrub_until_, now - kShortestSleep) +
        std::chrono::duration_cast<TimePoint::duration>(Seconds(static_cast<double>(bytes) / rate));
    do {
      run_backups();
      const TimePoint until = scrub_until_ - std::chrono::steady_clock::now() < kShortestSleep
                                  ? TimePoint()
                                  : scrub_until_;
      if (!sleep_until(until)) return closing();
    } while (scrub_until_ - std::chrono::steady_clock::now() >= kShortestSleep);
    return {};
  }

  // Or until a backup is wanted. False: the store is being closed.
  bool sleep_until(TimePoint until) DURABLE_STREAMS_NO_THREAD_SAFETY_ANALYSIS {
    Lock lock(mutex_.native());
    upkeep_wanted_.wait_until(lock, until, [this]() DURABLE_STREAMS_NO_THREAD_SAFETY_ANALYSIS {
      return stopping_ || !backups_.empty();
    });
    return !stopping_;
  }

  void run_backups() {
    while (true) {
      WantedBackup* wanted = nullptr;
      {
        const MutexLock lock(mutex_);
        if (stopping_ || backups_.empty()) return;
        wanted = &backups_.front();  // stays where it is, and keeps merges away
      }
      Status done = back_up(wanted->directory);
      Function<void(Status)> tell = std::move(wanted->done);
      {
        const MutexLock lock(mutex_);
        backups_.pop_front();
      }
      tell(std::move(done));
    }
  }

  // Settling goes on as soon as the catalog is copied, so that changes need not wait for a backup
  // that takes long.
  Status back_up(const std::string& directory) {
    Result<std::unique_ptr<Backup>> backup = Backup::begin(*parts_.files, directory);
    if (!backup) return backup.error();
    Status done = copy_into(**backup);
    state().end_backup(done);
    return done;
  }

  Status copy_into(Backup& backup) {
    Result<std::vector<PackInfo>> packs = begin_backup(backup);
    if (!packs) return packs.error();
    Status copied = backup.copy_packs(options_.directory + "/packs", *packs, [this]() -> Status {
      const MutexLock lock(mutex_);
      if (stopping_) return closing();
      return {};
    });
    if (!copied) return copied;
    return backup.finish();
  }

  Result<std::vector<PackInfo>> begin_backup(Backup& backup) {
    const MutexLock lock(settling_);
    return state().begin_backup(backup);
  }

  void read_loop() DURABLE_STREAMS_NO_THREAD_SAFETY_ANALYSIS {
    while (true) {
      Function<void()> read;
      {
        Lock lock(mutex_.native());
        read_wanted_.wait(lock, [this]() DURABLE_STREAMS_NO_THREAD_SAFETY_ANALYSIS {
          return stopping_ || !reads_.empty();
        });
        if (reads_.empty()) return;
        read = std::move(reads_.front());
        reads_.pop_front();
      }
      read();
    }
  }

  Parts parts_;
  const FileStoreOptions options_;

  Mutex settling_;         // held by who settles or merges; taken before all others
  TimePoint scrub_until_;  // of the thread for upkeep

  Mutex mutex_;
  std::condition_variable commit_wanted_;
  std::condition_variable settle_wanted_;
  std::condition_variable read_wanted_;
  std::condition_variable sync_wanted_;
  std::condition_variable upkeep_wanted_;
  bool stopping_ DURABLE_STREAMS_GUARDED_BY(mutex_) = false;
  bool commit_asked_ DURABLE_STREAMS_GUARDED_BY(mutex_) = false;
  std::deque<WantedBackup> backups_ DURABLE_STREAMS_GUARDED_BY(mutex_);  // the first is under way
  std::deque<Function<void()>> reads_ DURABLE_STREAMS_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_;
};

Result<std::unique_ptr<FileStore>> FileStore::open(FileStoreOptions options) {
  Threads::Parts parts;
  parts.files = std::make_unique<PosixFileSystem>();
  Result<std::unique_ptr<DirectoryLock>> lock = FileState::lock(*parts.files, options.directory);
  if (!lock) return lock.error();
  parts.lock = std::move(lock).value();
  const std::string catalog_directory = options.directory + "/catalog";
  if (Status made = parts.files->create_directories(catalog_directory); !made) return made.error();
  // Before there is a new one, which a repair would have to tell from one that is right.
  const Result<std::vector<std::string>> found = parts.files->list(catalog_directory);
  if (!found) return found.error();
  if (std::find(found->begin(), found->end(), "data.mdb") == found->end()) {
    if (Status none = FileState::expect_no_streams(*parts.files, options.directory); !none)
      return none.error();
  }
  Result<std::unique_ptr<Catalog>> catalog =
      open_lmdb_catalog({.directory = catalog_directory, .map_bytes = options.catalog_bytes_max});
  if (!catalog) return with_way_on(std::move(catalog).error());
  parts.catalog = std::move(catalog).value();
  const Clock& clock = options.clock != nullptr ? *options.clock : system_clock();
  Result<std::unique_ptr<FileState>> state =
      FileState::open({.files = *parts.files, .catalog = *parts.catalog, .clock = clock}, options);
  if (!state) return with_way_on(std::move(state).error());
  parts.state = std::move(state).value();
  return std::unique_ptr<FileStore>(
      new FileStore(std::make_unique<Threads>(std::move(parts), std::move(options))));
}

FileStore::FileStore(std::unique_ptr<Threads> threads) : threads_(std::move(threads)) {}

FileStore::~FileStore() = default;

const FileStoreOpening& FileStore::opening() const { return threads_->state().opening(); }
FileStoreStats FileStore::file_stats() const { return threads_->state().file_stats(); }

void FileStore::backup(std::string directory, Function<void(Status)> done) {
  threads_->back_up_later({.directory = std::move(directory), .done = std::move(done)});
}

std::string_view FileStore::kind() const { return "file"; }
bool FileStore::commits_at_once() const { return false; }
void FileStore::set_listener(CommitListener* listener) { threads_->state().set_listener(listener); }
StreamId FileStore::next_stream_id() { return threads_->state().next_stream_id(); }

std::uint64_t FileStore::read_sequence() const { return threads_->state().read_sequence(); }

Result<Submitted> FileStore::submit(const Change& change, Ticket ticket) {
  return threads_->told(threads_->state().submit(change, ticket));
}

void FileStore::flush() { threads_->wake_committer(); }
void FileStore::flush_waiting() { threads_->commit_or_wake(); }

std::optional<Result<bool>> FileStore::load_now(std::string_view path, StreamRecord& out) {
  return threads_->told(threads_->state().load(FileState::Wait::kNo, path, out));
}

void FileStore::load(std::string_view path, Done<std::optional<StreamRecord>> done) {
  threads_->read_later([this, path = std::string(path), done = std::move(done)]() mutable {
    StreamRecord record;
    const Result<bool> found = *threads_->state().load(FileState::Wait::kYes, path, record);
    if (!found) return done(threads_->told(found.error()));
    done(*found ? std::optional(std::move(record)) : std::nullopt);
  });
}

std::optional<Result<bool>> FileStore::load_producer_now(StreamId id, std::string_view producer_id,
                                                         ProducerState& out) {
  return threads_->told(
      threads_->state().load_producer(FileState::Wait::kNo, id, producer_id, out));
}

void FileStore::load_producer(StreamId id, std::string_view producer_id,
                              Done<std::optional<ProducerState>> done) {
  threads_->read_later(
      [this, id, producer_id = std::string(producer_id), done = std::move(done)]() mutable {
        ProducerState state;
        const Result<bool> found =
            *threads_->state().load_producer(FileState::Wait::kYes, id, producer_id, state);
        if (!found) return done(threads_->told(found.error()));
        done(*found ? std::optional(state) : std::nullopt);
      });
}

std::optional<Result<std::vector<UsedProducer>>> FileStore::oldest_producers_now(
    StreamId id, std::size_t count_max) {
  return threads_->told(threads_->state().oldest_producers(FileState::Wait::kNo, id, count_max));
}

void FileStore::oldest_producers(StreamId id, std::size_t count_max,
                                 Done<std::vector<UsedProducer>> done) {
  threads_->read_later([this, id, count_max, done = std::move(done)]() mutable {
    done(*threads_->told(threads_->state().oldest_producers(FileState::Wait::kYes, id, count_max)));
  });
}

std::optional<Status> FileStore::read_now(const ReadRange& range, StoredBytes& out) {
  return threads_->told(threads_->state().read(FileState::Wait::kNo, range, out));
}

void FileStore::read(const ReadRange& range, Done<StoredBytes> done) {
  threads_->read_later([this, range, done = std::move(done)]() mutable {
    StoredBytes bytes;
    const Status read = *threads_->state().read(FileState::Wait::kYes, range, bytes);
    if (!read) return done(threads_->told(read.error()));
    done(std::move(bytes));
  });
}

std::optional<Result<std::uint64_t>> FileStore::append_end_now(StreamId id,
                                                               std::uint64_t position) {
  return threads_->told(threads_->state().append_end(FileState::Wait::kNo, id, position));
}

void FileStore::append_end(StreamId id, std::uint64_t position, Done<std::uint64_t> done) {
  threads_->read_later([this, id, position, done = std::move(done)]() mutable {
    done(*threads_->told(threads_->state().append_end(FileState::Wait::kYes, id, position)));
  });
}

WallTime FileStore::earliest_deadline() const { return threads_->state().earliest_deadline(); }

std::optional<Result<std::vector<ExpiredStream>>> FileStore::expired_now(WallTime now,
                                                                         std::size_t count_max) {
  return threads_->told(threads_->state().expired(FileState::Wait::kNo, now, count_max));
}

void FileStore::expired(WallTime now, std::size_t count_max,
                        Done<std::vector<ExpiredStream>> done) {
  threads_->read_later([this, now, count_max, done = std::move(done)]() mutable {
    done(*threads_->told(threads_->state().expired(FileState::Wait::kYes, now, count_max)));
  });
}

std::optional<Result<StreamList>> FileStore::list_now(const ListRange&) { return std::nullopt; }

void FileStore::list(const ListRange& range, Done<StreamList> done) {
  threads_->read_later([this, prefix = std::string(range.prefix), after = std::string(range.after),
                        count_max = range.count_max, done = std::move(done)]() mutable {
    done(threads_->told(
        threads_->state().list({.prefix = prefix, .after = after, .count_max = count_max})));
  });
}

StoreStats FileStore::stats() const { return threads_->state().stats(); }

Result<std::vector<ForkPoint>> FileStore::owed_releases() {
  return threads_->told(threads_->state().owed_releases());
}

}  // namespace durable_streams

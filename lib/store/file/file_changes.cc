// The way of a change: reserved and gathered with all that come meanwhile, written and synced with
// them, then applied.
#include <chrono>
#include <utility>

#include "store/file/file_state.h"

namespace durable_streams {

namespace {

Error busy() {
  return {.code = ErrorCode::kUnavailable,
          .message = "more changes wait to be written than the store allows",
          .detail = {}};
}

// Where commits bring more changes than that, a loop that waits for the disk holds up more than the
// thread that commits costs to wake.
constexpr std::size_t kLedChangesMax = 2;

// Of the disk, in time: deletes, releases and deadlines are what brings room back.
bool needs_room(const Change& change) {
  if (const auto* append = std::get_if<AppendChange>(&change)) return !append->bytes.empty();
  return std::holds_alternative<CreateChange>(change);
}

Error disk_is_full() {
  return {.code = ErrorCode::kNoSpace, .message = "the disk is full", .detail = {}};
}

Error settling_is_behind() {
  return {.code = ErrorCode::kUnavailable,
          .message = "the journal is full until settling has caught up",
          .detail = {}};
}

}  // namespace

void FileState::Gathering::clear() {
  batch.clear();
  tickets.clear();
  keys.clear();
}

void FileState::set_listener(CommitListener* listener) {
  const MutexLock lock(listener_mutex_);
  listener_ = listener;
}

Result<Submitted> FileState::submit(const Change& change, Ticket ticket) {
  const MutexLock lock(gather_mutex_);
  Result<Submitted> submitted = gather(change, ticket);
  if (!submitted && std::holds_alternative<DeadlineChange>(change)) deadline_lost_ = true;
  return submitted;
}

Result<Submitted> FileState::gather(const Change& change, Ticket ticket) {
  if (failed_) return *failed_;
  if (short_of_room() && needs_room(change)) return disk_is_full();
  if (in_flight_bytes_.load(std::memory_order_relaxed) >= options_.in_flight_bytes_max)
    return busy();
  if (unsettled_full_) return settling_error_ ? told(*settling_error_) : settling_is_behind();
  if (Status free = reservations_.reserve(change, gathering_.keys); !free) return free.error();
  const std::size_t before = gathering_.batch.bytes();
  gathering_.batch.add(change);
  gathering_.tickets.push_back(ticket);
  in_flight_bytes_.fetch_add(gathering_.batch.bytes() - before, std::memory_order_relaxed);
  in_gathering_.store(gathering_.tickets.size(), std::memory_order_release);
  in_flight_changes_.store(in_flight_changes_.load(std::memory_order_relaxed) + 1,
                           std::memory_order_relaxed);
  return Submitted::kPending;
}

// A change to a stream that nobody has in flight is checked against what is committed; the catalog
// then answers from memory, for the engine has loaded the stream before.
Reservations::Committed FileState::committed() {
  return {.stream = [this](StreamId id) { return *shape(Wait::kYes, id); },
          .path = [this](std::string_view path) { return *find_path(Wait::kYes, path); },
          .path_of = [this](StreamId id) -> Result<std::string> {
            Result<std::optional<SettledStream>> found = *find(Wait::kYes, id);
            if (!found) return found.error();
            return *found ? std::move((*found)->record.path) : std::string();
          }};
}

bool FileState::commit() {
  commit_mutex_.lock();
  return commit_and_tell();
}

bool FileState::try_commit() {
  if (!commit_mutex_.try_lock()) return false;
  commit_and_tell();
  return true;
}

// The next commit may begin while the listener hears of this one, but it must not be heard of
// first.
bool FileState::commit_and_tell() {
  std::vector<CommitOutcome> outcomes;
  const bool committed = commit_gathered(outcomes);
  const MutexLock listener_lock(listener_mutex_);
  commit_mutex_.unlock();
  if (!outcomes.empty() && listener_ != nullptr) listener_->on_commits(outcomes);
  return committed;
}

bool FileState::leading_pays() const {
  return in_gathering_.load(std::memory_order_relaxed) <= kLedChangesMax &&
         commit_sizes_.average() <= kLedChangesMax && syncs_.short_lately();
}

bool FileState::commit_gathered(std::vector<CommitOutcome>& outcomes) {
  {
    const MutexLock lock(gather_mutex_);
    if (gathering_.batch.empty()) return false;
    std::swap(gathering_, committing_);
    in_gathering_.store(0, std::memory_order_release);
  }
  const Lsn first = journal_->last() + 1;
  Status written = journal_->write(committing_.batch, durable_);
  if (!written && written.error().code == ErrorCode::kNoSpace && use_reserve())
    written = journal_->write(committing_.batch, durable_);
  const bool wrote = written.ok();
  if (wrote && options_.durability == Durability::kAlways) written = timed_sync();
  if (!written) {
    // Only a write that lacked room or descriptors leaves the journal as it was.
    const bool may_pass = !wrote && (written.error().code == ErrorCode::kNoSpace ||
                                     written.error().code == ErrorCode::kTooMany);
    refuse(std::move(written).error(), !may_pass, outcomes);
  } else {
    if (options_.durability == Durability::kAlways) durable_ = journal_->last();
    apply(first, outcomes);
  }
  committing_.clear();
  return true;
}

Status FileState::timed_sync() {
  const auto began = std::chrono::steady_clock::now();
  Status synced = journal_->sync();
  const std::chrono::nanoseconds took = std::chrono::steady_clock::now() - began;
  syncs_.add(took);
  sync_time_counts_.add(took);
  syncs_made_.store(syncs_made_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  sync_time_.store(sync_time_.load(std::memory_order_relaxed) + took.count(),
                   std::memory_order_relaxed);
  return synced;
}

void FileState::apply(Lsn first, std::vector<CommitOutcome>& outcomes) {
  Status applied;
  {
    const std::shared_lock generations(generations_mutex_);
    std::vector<StreamId> asked;
    Memtable::FindBelow below = [&](StreamId id) {
      asked.push_back(id);
      return find_below_active(id);
    };
    Function<void(std::size_t, const Change&)> apply_one = [&](std::size_t index,
                                                               const Change& change) {
      if (applied.ok()) applied = active_->apply(first + index, change, below);
    };
    committing_.batch.for_each(apply_one);
    for (const StreamId id : asked) {
      if (applied.ok()) applied = pass_below_active(id);
    }
  }
  if (!applied) {
    if (applied.error().code == ErrorCode::kCorruption) note_damage(applied.error());
    // They are on the disk, but this process can't tell what they left there.
    refuse(std::move(applied).error(), true, outcomes);
    return;
  }
  outcomes.reserve(committing_.tickets.size());
  for (const Ticket ticket : committing_.tickets)
    outcomes.push_back({.ticket = ticket, .status = {}});
  if (active_since_.load(std::memory_order_relaxed) == kNoTime)
    active_since_.store(Steady::now().time_since_epoch().count(), std::memory_order_relaxed);
  commit_sizes_.add(committing_.tickets.size());
  commit_size_counts_.add(committing_.tickets.size());
  commits_.fetch_add(1, std::memory_order_relaxed);
  committed_changes_.fetch_add(committing_.tickets.size(), std::memory_order_relaxed);
  const MutexLock lock(gather_mutex_);
  reservations_.give_back(committing_.keys);
  in_flight_bytes_.fetch_sub(committing_.batch.bytes(), std::memory_order_relaxed);
  in_flight_changes_.store(gathering_.tickets.size(), std::memory_order_relaxed);
  note_unsettled();
}

// What gathered meanwhile may have been checked against what fails now, so all of it fails.
void FileState::refuse(Error error, bool for_good, std::vector<CommitOutcome>& outcomes) {
  const MutexLock lock(gather_mutex_);
  if (for_good) {
    fail_for_good(error);
    error = *failed_;
  } else {
    error = told(error);
  }
  for (const Gathering* gathering : {&committing_, &gathering_}) {
    for (const Ticket ticket : gathering->tickets)
      outcomes.push_back({.ticket = ticket, .status = error});
  }
  gathering_.clear();
  deadline_lost_ = true;  // or perhaps not: there may have been none among them
  in_gathering_.store(0, std::memory_order_release);
  in_flight_bytes_.store(0, std::memory_order_relaxed);
  in_flight_changes_.store(0, std::memory_order_relaxed);
  reservations_.clear();
}

void FileState::fail_for_good(const Error& cause) {
  failure_ = cause.message;
  failed_ = Error{.code = ErrorCode::kUnavailable,
                  .message = "the store is read-only until it is opened again: a write has failed",
                  .detail = {}};
}

// What clients may know of a want that may pass: no file's name.
Error FileState::told(const Error& cause) {
  if (cause.code == ErrorCode::kNoSpace) return disk_is_full();
  return {.code = ErrorCode::kUnavailable,
          .message = "the store has no file descriptor left",
          .detail = {}};
}

bool FileState::use_reserve() {
  short_of_room_.store(true, std::memory_order_relaxed);
  return reserve_.give_up();
}

Status FileState::sync() {
  std::vector<CommitOutcome> outcomes;
  Status synced;
  commit_mutex_.lock();
  if (durable_ != journal_->last()) {
    synced = journal_->sync();
    if (synced.ok()) {
      durable_ = journal_->last();
    } else {
      refuse(synced.error(), true, outcomes);
    }
  }
  const MutexLock listener_lock(listener_mutex_);
  commit_mutex_.unlock();
  if (!outcomes.empty() && listener_ != nullptr) listener_->on_commits(outcomes);
  return synced;
}

// At twice what starts a settling, changes wait for it.
void FileState::note_unsettled() {
  unsettled_full_ = journal_->bytes() >= 2 * options_.journal_bytes_max ||
                    memtable_bytes() >= 2 * options_.memtable_bytes_max;
}

}  // namespace durable_streams

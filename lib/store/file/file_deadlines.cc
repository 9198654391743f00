// Which streams are due, and when the next one is: by the memtables and, of what they do not hold,
// by the catalog.
#include <algorithm>
#include <utility>

#include "protocol/expiry.h"
#include "store/file/file_state.h"

namespace durable_streams {

WallTime FileState::earliest_deadline() const {
  // Under the lock: what is settled leaves its memtable as the catalog's deadline comes to count
  // it.
  const std::shared_lock generations(generations_mutex_);
  WallTime earliest = catalog_deadline();
  for (const Memtable* memtable : {active_.get(), frozen_.get()}) {
    if (memtable != nullptr) earliest = std::min(earliest, memtable->earliest_deadline());
  }
  return earliest;
}

std::optional<Result<std::vector<ExpiredStream>>> FileState::expired(Wait wait, WallTime now,
                                                                     std::size_t count_max) {
  const std::optional<Result<std::vector<DueStream>>> due = due_streams(wait, now, count_max);
  if (!due) return std::nullopt;
  if (!*due) return due->error();
  std::vector<ExpiredStream> expired;
  for (const DueStream& each : **due) {
    std::optional<Result<std::optional<SettledStream>>> found = find(wait, each.id);
    if (!found) return std::nullopt;
    if (!*found) return found->error();
    if (!**found || (**found)->record.soft_deleted) continue;
    expired.push_back({.id = each.id, .path = std::move((**found)->record.path)});
  }
  return expired;
}

std::optional<Result<std::vector<DueStream>>> FileState::due_streams(Wait wait, WallTime now,
                                                                     std::size_t count_max) {
  std::vector<DueStream> due;
  std::uint64_t settlings = 0;
  do {
    settlings = settlings_.load(std::memory_order_acquire);
    due = due_in_memory(now, count_max);
    if (catalog_deadline() > now) continue;
    if (wait == Wait::kNo) return std::nullopt;
    const Result<std::vector<DueStream>> settled = due_in_catalog(now, count_max);
    if (!settled) return settled.error();
    due.insert(due.end(), settled->begin(), settled->end());
    // What has been settled meanwhile was in neither place, or in both.
  } while (settlings_.load(std::memory_order_acquire) != settlings);
  std::sort(due.begin(), due.end());
  if (due.size() > count_max) due.resize(count_max);
  return due;
}

std::vector<DueStream> FileState::due_in_memory(WallTime now, std::size_t count_max) const {
  const std::shared_lock generations(generations_mutex_);
  std::vector<DueStream> due = active_->due({}, now, count_max);
  if (frozen_ == nullptr) return due;
  for (const DueStream& each : frozen_->due({}, now, count_max)) {
    if (!active_->holds(each.id)) due.push_back(each);
  }
  return due;
}

// Streams due by the catalog that the memtables do not know better.
Result<std::vector<DueStream>> FileState::due_in_catalog(WallTime now, std::size_t count_max) {
  std::vector<DueStream> due;
  DueStream each = before_all();
  while (due.size() < count_max) {
    const Result<DueStream> next =
        next_in_catalog(each, [this](StreamId id) { return in_memory(id); });
    if (!next) return next.error();
    if (next->deadline > now) break;
    due.push_back(*next);
    each = *next;
  }
  return due;
}

// The first deadline in the catalog after `after` of a stream that is not `shadowed`; kNever: none.
Result<DueStream> FileState::next_in_catalog(DueStream after, Function<bool(StreamId)> shadowed) {
  constexpr std::size_t kStep = 64;
  while (true) {
    const Result<std::vector<DueStream>> step = catalog_.due(after, kNever, kStep);
    if (!step) return step.error();
    for (const DueStream& each : *step) {
      if (!shadowed(each.id)) return each;
    }
    if (step->size() < kStep) return DueStream{.deadline = kNever, .id = 0};
    after = step->back();
  }
}

// The active memtable has taken the stream up, so that an older deadline of it counts no more: only
// now, or for a while it would have none. By the one who commits.
Status FileState::pass_below_active(StreamId id) {
  if (!active_->holds(id)) return {};
  if (frozen_ != nullptr) frozen_->drop_deadline(id);
  if (catalog_first_.id != id) return {};
  const Result<DueStream> next =
      next_in_catalog(catalog_first_, [this](StreamId each) { return held(each); });
  if (!next) return next.error();
  set_catalog_first(*next);
  return {};
}

// What the catalog will have to say once the active memtable alone lies over it; or a deadline
// before that, of a stream that has been taken up since.
Result<DueStream> FileState::first_below_active() {
  const std::shared_lock generations(generations_mutex_);
  return next_in_catalog(before_all(), [this](StreamId id) { return active_->holds(id); });
}

void FileState::set_catalog_first(DueStream first) {
  catalog_first_ = first;
  catalog_deadline_ms_.store(first.deadline.time_since_epoch().count(), std::memory_order_release);
}

// A slid deadline is not in the journal: after a crash each stream gets its whole TTL anew.
WallTime FileState::true_deadline(const StreamRecord& record) const {
  if (record.soft_deleted || !record.expiry.ttl || record.deadline == kNever)
    return record.deadline;
  const WallTime floor =
      WallTime(WallTime::duration(ttl_floor_ms_.load(std::memory_order_relaxed)));
  if (floor == WallTime{}) return record.deadline;
  return std::max(record.deadline, floor + std::min(*record.expiry.ttl, protocol::kTtlMax));
}

}  // namespace durable_streams

// When and how the store settles, while changes and reads go on.
#include <algorithm>
#include <utility>

#include "store/file/file_state.h"
#include "store/file/settling.h"

namespace durable_streams {

bool FileState::wants_settling() const {
  return journal_->bytes() >= options_.journal_bytes_max ||
         memtable_bytes() >= options_.memtable_bytes_max;
}

Status FileState::settle() {
  freeze();
  if (frozen_ == nullptr) return {};
  // The catalog must not come to know of changes that the journal may lose: their numbers would be
  // given again, and what comes by them taken for known already.
  if (Status synced = sync(); !synced) return synced;
  Status settled = settle_frozen();
  if (!settled && settled.error().code == ErrorCode::kNoSpace && use_reserve())
    settled = settle_frozen();
  if (!settled) {
    note_settling_failed(settled.error());
    return settled;
  }
  Status released = journal_->release(meta_.settled);
  // Only now has the journal shrunk; with changes refused, no commit would come to notice it.
  const MutexLock lock(gather_mutex_);
  note_unsettled();
  return released;
}

Status FileState::settle_frozen() {
  if (Status removed = remove_spent_packs(); !removed) return removed;
  CatalogMeta meta = meta_;
  // A pack's name is not used again, whatever becomes of this settling.
  meta.next_pack_id = meta_.next_pack_id++;
  meta.next_stream_id =
      std::max(meta.next_stream_id, next_stream_id_.load(std::memory_order_relaxed));
  const Result<CatalogMeta> settled =
      Settling({.files = files_, .catalog = catalog_, .directory = packs_directory()}, *frozen_,
               meta)
          .run();
  if (!settled) {
    spent_packs_.insert(meta.next_pack_id);
    return settled.error();
  }
  return take_over(*settled);
}

// Before the catalog goes on: a start can tell that a pack is of no use only while the journal, or
// a pack that names it as replaced, has all that is in it.
Status FileState::remove_spent_packs() {
  if (spent_packs_.empty()) return {};
  const Result<std::vector<PackInfo>> known = catalog_.packs();
  if (!known) return known.error();
  for (const PackInfo& pack : *known) spent_packs_.erase(pack.id);  // it was committed all the same
  for (const PackId id : spent_packs_) {
    Status removed = files_.remove(packs_directory() + "/" + pack_file_name(id));
    if (!removed && removed.error().code != ErrorCode::kNotFound) return removed;
  }
  if (Status synced = files_.sync_directory(packs_directory()); !synced) return synced;
  spent_packs_.clear();
  return {};
}

Status FileState::find_room() {
  Status taken = reserve_.take();
  if (!taken && taken.error().code == ErrorCode::kNoSpace) {
    if (Status dropped = journal_->drop_spares(); !dropped) return dropped;
    taken = reserve_.take();
  }
  if (!taken) return taken;
  short_of_room_.store(false, std::memory_order_relaxed);
  return {};
}

// Want of room or descriptors may pass. After anything else this process no longer knows what the
// disk holds.
void FileState::note_settling_failed(const Error& error) {
  if (error.code == ErrorCode::kCorruption) note_damage(error);
  const MutexLock lock(gather_mutex_);
  if (error.code == ErrorCode::kNoSpace || error.code == ErrorCode::kTooMany) {
    settling_error_ = error;
  } else {
    fail_for_good(error);
  }
}

// From here on changes go to a new memtable and to new files of the journal. What is frozen
// already, by a settling that failed, comes first; unless it lacked room: then what was deleted
// since makes it smaller.
void FileState::freeze() {
  const MutexLock commit_lock(commit_mutex_);
  if (active_->last() <= meta_.settled || (frozen_ != nullptr && !short_of_room())) return;
  journal_->seal();
  auto fresh = std::make_unique<Memtable>(0);
  const std::unique_lock generations(generations_mutex_);
  if (frozen_ != nullptr) active_->absorb(*std::exchange(frozen_, nullptr));
  frozen_ = std::exchange(active_, std::move(fresh));
  const Steady::rep since = active_since_.exchange(kNoTime, std::memory_order_relaxed);
  // What had been frozen before is older.
  if (frozen_since_.load(std::memory_order_relaxed) == kNoTime)
    frozen_since_.store(since, std::memory_order_relaxed);
}

// The catalog knows what the frozen memtable does, so that may go.
Status FileState::take_over(const CatalogMeta& settled_meta) {
  const Result<CatalogTotals> totals = catalog_.totals();
  if (!totals) return totals.error();
  if (Status read = read_packs(); !read) return read;
  Result<DueStream> first = first_below_active();
  if (!first) return first.error();
  std::unique_ptr<Memtable> settled;
  {
    const std::unique_lock generations(generations_mutex_);
    // Nothing leaves the active memtable, so what was passed over needs no second look.
    if (active_->holds(first->id)) {
      first = next_in_catalog(*first, [this](StreamId id) { return active_->holds(id); });
      if (!first) return first.error();
    }
    set_catalog_first(*first);
    meta_ = settled_meta;
    settled = std::move(frozen_);
    note_totals(*totals);
    settlings_.fetch_add(1, std::memory_order_release);
  }
  frozen_since_.store(kNoTime, std::memory_order_relaxed);
  const MutexLock lock(gather_mutex_);
  settling_error_.reset();
  note_unsettled();
  return {};
}

void FileState::note_totals(const CatalogTotals& totals) {
  settled_streams_.store(totals.streams, std::memory_order_relaxed);
  settled_bytes_.store(totals.stored_bytes, std::memory_order_relaxed);
  settled_releases_owed_.store(totals.releases_owed, std::memory_order_relaxed);
  settled_producers_.store(totals.producers, std::memory_order_relaxed);
}

Status FileState::close() {
  {
    const MutexLock lock(gather_mutex_);
    if (failed_) return *failed_;
  }
  if (Status settled = settle(); !settled) return settled;
  // A settling that had failed before leaves what came after it.
  if (Status settled = settle(); !settled) return settled;
  {
    const MutexLock lock(gather_mutex_);
    if (deadline_lost_) meta_.ttl_floor = clock_.now();
  }
  meta_.clean = true;
  meta_.next_stream_id = next_stream_id_.load(std::memory_order_relaxed);
  return put_meta();
}

Status FileState::put_meta() {
  Result<std::unique_ptr<Catalog::Update>> update = catalog_.begin();
  if (!update) return update.error();
  if (Status put = (*update)->put_meta(meta_); !put) return put;
  return (*update)->commit();
}

std::unordered_map<PackId, PackInfo> FileState::pack_infos() const {
  const MutexLock lock(packs_mutex_);
  return pack_infos_;
}

}  // namespace durable_streams

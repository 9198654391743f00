// What a store does for the day when its disk fails it: backups, and a look at everything it keeps.
#include <algorithm>
#include <utility>

#include "store/file/file_state.h"

namespace durable_streams {

namespace {

// A disk that is breaking can have any number of damages, and the first ones tell enough.
constexpr std::size_t kDamageMax = 100;

}  // namespace

Result<std::vector<PackInfo>> FileState::begin_backup(Backup& backup) {
  {
    const MutexLock lock(gather_mutex_);
    if (failed_) {
      return Error{
          .code = failed_->code, .message = failed_->message + ": " + failure_, .detail = {}};
    }
  }
  if (Status settled = settle(); !settled) return settled.error();
  // A settling that had failed before leaves what came after it.
  if (Status settled = settle(); !settled) return settled.error();
  CatalogMeta meta = meta_;
  meta.next_stream_id = next_stream_id_.load(std::memory_order_relaxed);
  if (Status copied = backup.copy_catalog(catalog_, meta); !copied) return copied.error();
  packs_held_.store(true, std::memory_order_relaxed);
  return catalog_.packs();
}

void FileState::end_backup(const Status& outcome) {
  packs_held_.store(false, std::memory_order_relaxed);
  if (outcome.ok()) backups_.fetch_add(1, std::memory_order_relaxed);
}

Status FileState::scrub(Function<Status(std::uint64_t bytes)> pace) {
  std::vector<PackId> packs;
  for (const auto& [id, info] : pack_infos()) packs.push_back(id);
  std::sort(packs.begin(), packs.end());
  for (const PackId pack : packs) {
    if (Status scrubbed = scrub_pack(pack, pace); !scrubbed) return scrubbed;
  }
  scrubs_.fetch_add(1, std::memory_order_relaxed);
  return {};
}

// In the order of the file, as its index has it. The pack is given back between two reads: somebody
// may wait for its place.
Status FileState::scrub_pack(PackId id, Function<Status(std::uint64_t)>& pace) {
  {
    std::optional<Result<std::shared_ptr<Pack>>> pack = packs_->get(Wait::kYes, id);
    Status framed = *pack ? (**pack)->verify_frame() : Status(pack->error());
    if (!framed) return note_scrubbed(id, framed.error());
  }
  PackIndexCursor cursor;
  while (true) {
    if (Status going = pace(0); !going) return going;
    PackIndexEntry entry;
    {
      std::optional<Result<std::shared_ptr<Pack>>> pack = packs_->get(Wait::kYes, id);
      const Result<bool> more =
          *pack ? (**pack)->next_index_entry(cursor, entry) : Result<bool>(pack->error());
      if (!more) return note_scrubbed(id, more.error());
      if (!*more) return {};
    }
    if (entry.kind != PackIndexEntry::Kind::kStream) continue;
    for (const Extent& extent : entry.stream.extents) {
      if (Status scrubbed = scrub_extent(entry.stream.stream.record.id, extent, pace); !scrubbed)
        return scrubbed;
    }
  }
}

Status FileState::scrub_extent(StreamId id, const Extent& extent,
                               Function<Status(std::uint64_t)>& pace) {
  Pack::BlockVisitor accept = [](std::string_view, std::span<const std::uint64_t>) {
    return Status();
  };
  for (std::uint64_t position = extent.from; position < extent.to;) {
    const std::uint64_t from = position;
    {
      std::optional<Result<std::shared_ptr<Pack>>> pack = packs_->get(Wait::kYes, extent.pack);
      const Result<std::uint64_t> next = *pack ? (**pack)->visit_blocks(id, extent, from, accept)
                                               : Result<std::uint64_t>(pack->error());
      if (!next) return note_scrubbed(extent.pack, next.error());
      position = *next;
    }
    scrubbed_bytes_.fetch_add(position - from, std::memory_order_relaxed);
    if (Status going = pace(position - from); !going) return going;
  }
  return {};
}

Status FileState::note_scrubbed(PackId id, const Error& error) {
  if (error.code == ErrorCode::kTooMany) return error;
  if (!merged_away(id, error)) note_damage(error);
  return {};
}

bool FileState::merged_away(PackId id, const Error& error) const {
  return error.code == ErrorCode::kNotFound && !pack_infos().contains(id);
}

void FileState::note_damage(const Error& error) {
  const bool damage = error.code == ErrorCode::kCorruption || error.code == ErrorCode::kIo ||
                      error.code == ErrorCode::kNotFound;
  if (!damage) return;
  const MutexLock lock(damage_mutex_);
  if (damage_.size() == kDamageMax ||
      std::find(damage_.begin(), damage_.end(), error.message) != damage_.end()) {
    return;
  }
  damage_.push_back(error.message);
}

}  // namespace durable_streams

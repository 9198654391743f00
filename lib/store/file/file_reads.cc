// How the file store answers: from the memtables, then from the catalog and the packs, over a
// fork's ancestors.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/page_merge.h"
#include "store/bytes/page_cut.h"
#include "store/bytes/refusals.h"
#include "store/bytes/used_producers.h"
#include "store/file/file_state.h"

namespace durable_streams {

namespace {

constexpr int kLooksMax = 8;

}  // namespace

std::optional<Result<StreamId>> FileState::find_path(Wait wait, std::string_view path) {
  StreamId id = 0;
  {
    const std::shared_lock generations(generations_mutex_);
    for (const Memtable* memtable : {active_.get(), frozen_.get()}) {
      if (memtable != nullptr && memtable->find_path(path, id) != Memtable::Known::kNo) return id;
    }
  }
  if (wait == Wait::kNo) return std::nullopt;
  const Result<std::optional<StreamId>> settled = catalog_.find_path(path);
  if (!settled) return settled.error();
  return settled->value_or(0);
}

std::optional<Result<std::optional<SettledStream>>> FileState::find(Wait wait, StreamId id) {
  SettledStream found;
  {
    const std::shared_lock generations(generations_mutex_);
    for (const Memtable* memtable : {active_.get(), frozen_.get()}) {
      if (memtable == nullptr) continue;
      const Memtable::Known known = memtable->find(id, found);
      if (known == Memtable::Known::kYes) return std::optional(std::move(found));
      if (known == Memtable::Known::kGone) return std::optional<SettledStream>();
    }
  }
  if (wait == Wait::kNo) return std::nullopt;
  return catalog_.find(id);
}

Result<std::optional<SettledStream>> FileState::find_below_active(StreamId id) {
  if (frozen_ != nullptr) {
    SettledStream found;
    const Memtable::Known known = frozen_->find(id, found);
    if (known == Memtable::Known::kYes) return std::optional(std::move(found));
    if (known == Memtable::Known::kGone) return std::optional<SettledStream>();
  }
  return catalog_.find(id);
}

std::optional<Result<StreamShape>> FileState::shape(Wait wait, StreamId id) {
  StreamShape shape;
  {
    const std::shared_lock generations(generations_mutex_);
    for (const Memtable* memtable : {active_.get(), frozen_.get()}) {
      if (memtable != nullptr && memtable->find_shape(id, shape) != Memtable::Known::kNo)
        return shape;
    }
  }
  if (wait == Wait::kNo) {
    const std::shared_ptr<const StreamPlace> place = places_.get(id);
    if (place == nullptr) return std::nullopt;
    return place->shape;
  }
  const Result<std::optional<SettledStream>> settled = catalog_.find(id);
  if (!settled) return settled.error();
  return *settled ? shape_of((*settled)->record) : StreamShape{};
}

std::optional<Result<bool>> FileState::load(Wait wait, std::string_view path, StreamRecord& out) {
  // Between the two looks a path may come to name another stream, but not again and again.
  for (int looks = 0; looks < kLooksMax; ++looks) {
    const std::optional<Result<StreamId>> id = find_path(wait, path);
    if (!id) return std::nullopt;
    if (!*id) return id->error();
    if (**id == 0) return false;
    std::optional<Result<std::optional<SettledStream>>> found = find(wait, **id);
    if (!found) return std::nullopt;
    if (!*found) return found->error();
    if (!**found) continue;
    out = std::move((**found)->record);
    out.deadline = true_deadline(out);
    return true;
  }
  return Error{
      .code = ErrorCode::kCorruption,
      .message = fmt::format("the catalog names a stream at {} and does not have it", path),
      .detail = {}};
}

// Paths first, then what is there: between the two a path may come to name another stream, or none.
Result<StreamList> FileState::list(const ListRange& range) {
  struct Nothing {};
  const std::size_t count_max = std::clamp<std::size_t>(range.count_max, 1, kListCountMax);
  PageMerge<Nothing> page(count_max);
  {
    const std::shared_lock generations(generations_mutex_);
    for (const Memtable* memtable : this->generations()) {
      memtable->offer_paths(range.prefix, range.after,
                            [&](std::string_view path) { page.add(path, {}); });
    }
  }
  // What a settling has moved there meanwhile was seen above.
  const Result<std::vector<std::string>> settled =
      catalog_.paths_after(range.prefix, range.after, count_max);
  if (!settled) return settled.error();
  for (const std::string& path : *settled) page.add(path, {});
  if (settled->size() == count_max) page.known_up_to(settled->back());
  StreamList list;
  list.next = page.finish();
  for (const auto& [path, nothing] : page.entries()) {
    StreamRecord record;
    const Result<bool> found = *load(Wait::kYes, path, record);
    if (!found) return found.error();
    if (*found && !record.soft_deleted) list.streams.push_back(std::move(record));
  }
  return list;
}

std::optional<Result<bool>> FileState::load_producer(Wait wait, StreamId id,
                                                     std::string_view producer_id,
                                                     ProducerState& out) {
  {
    const std::shared_lock generations(generations_mutex_);
    for (const Memtable* memtable : {active_.get(), frozen_.get()}) {
      if (memtable == nullptr) continue;
      bool told = false;
      bool below = true;
      std::optional<ProducerState> found;
      memtable->look(id, [&](const DirtyStream& stream) {
        below = stream.known_below && !stream.removed;
        const auto producer = stream.producers.find(producer_id);
        if (producer == stream.producers.end()) return;
        told = true;
        found = producer->second;
      });
      if (found) out = *found;
      if (told) return found.has_value();
      if (!below) return false;
    }
  }
  if (wait == Wait::kNo) return std::nullopt;
  const Result<std::optional<ProducerState>> settled = catalog_.find_producer(id, producer_id);
  if (!settled) return settled.error();
  if (!*settled) return false;
  out = **settled;
  return true;
}

std::optional<Result<std::vector<UsedProducer>>> FileState::oldest_producers(
    Wait wait, StreamId id, std::size_t count_max) {
  // What the generations tell, the youngest first; nullopt: it was forgotten.
  std::map<std::string, std::optional<WallTime>, std::less<>> known;
  bool below = true;
  {
    const std::shared_lock generations(generations_mutex_);
    for (const Memtable* memtable : {active_.get(), frozen_.get()}) {
      if (memtable == nullptr || !below) continue;
      memtable->look(id, [&](const DirtyStream& stream) {
        below = stream.known_below && !stream.removed;
        for (const auto& [name, state] : stream.producers)
          known.emplace(name, state ? std::optional(state->last_used) : std::nullopt);
      });
    }
  }
  std::vector<UsedProducer> producers;
  if (below) {
    if (wait == Wait::kNo) return std::nullopt;
    Result<std::vector<UsedProducer>> settled = catalog_.producers(id);
    if (!settled) return settled.error();
    producers = std::move(*settled);
    std::erase_if(producers, [&](const UsedProducer& each) { return known.contains(each.id); });
  }
  for (const auto& [name, last_used] : known) {
    if (last_used) producers.push_back({.last_used = *last_used, .id = name});
  }
  keep_oldest(producers, count_max);
  return producers;
}

std::optional<Status> FileState::read(Wait wait, const ReadRange& range, StoredBytes& out) {
  out.slices.clear();
  out.end = range.from;
  if (range.from > range.to) return outside_stream();
  if (read_from_active(range, out)) return Status{};
  const std::optional<Result<StreamShape>> shape = this->shape(wait, range.id);
  if (!shape) return std::nullopt;
  if (!*shape) return shape->error();
  const StreamShape& stream = **shape;
  if (stream.version == 0) return gone_from_store();
  if (range.to > stream.end) {
    if (wait == Wait::kNo) return std::nullopt;  // what is remembered of it may be old
    return outside_stream();
  }
  const std::uint64_t limit =
      range.from + std::min<std::uint64_t>(range.bytes_max, range.to - range.from);
  const bool cut = stream.framing == Framing::kBytes && limit < range.to;
  if (std::optional<Status> gathered = gather(wait, range.id, range.from, limit, cut, out);
      !gathered || !*gathered) {
    return gathered;
  }
  if (stream.framing == Framing::kJson && out.end < range.to)
    return cut_at_message(wait, range, out);
  return Status{};
}

// What readers who keep up with a stream ask for, found at one look. False: it takes more than
// that.
bool FileState::read_from_active(const ReadRange& range, StoredBytes& out) const {
  bool found = false;
  const std::shared_lock generations(generations_mutex_);
  active_->look(range.id, [&](const DirtyStream& stream) {
    if (stream.removed || range.from < stream.chunks_begin || range.to > stream.chunks.end())
      return;
    std::uint64_t end =
        range.from + std::min<std::uint64_t>(range.bytes_max, range.to - range.from);
    if (end < range.to) {
      if (stream.record.framing == Framing::kJson) return;
      end = stream.chunks.last_append_end(range.from, end).value_or(end);
    }
    stream.chunks.slice(range.from, end, out.slices);
    out.end = end;
    found = true;
  });
  return found;
}

std::optional<Status> FileState::gather(Wait wait, StreamId id, std::uint64_t from,
                                        std::uint64_t to, bool cut_at_append, StoredBytes& out) {
  const std::optional<Result<std::vector<Segment>>> parts = segments(wait, id, from, to);
  if (!parts) return std::nullopt;
  if (!*parts) return parts->error();
  for (const Segment& part : **parts) {
    std::uint64_t end = part.to;
    if (cut_at_append && &part == &(*parts)->back() && !part.ends_at_fork) {
      const std::optional<Result<std::uint64_t>> last =
          last_append_end(wait, part.id, part.from, part.to);
      if (!last) return std::nullopt;
      if (!*last) return last->error();
      // Where a fork leaves its source an append ends, so all before the last part may stay.
      const std::uint64_t without = (*parts)->size() > 1 ? part.from : part.to;
      end = **last == kNoEnd ? without : **last;
    }
    if (end > part.from) {
      if (std::optional<Status> added = add_own(wait, part.id, part.from, end, out.slices);
          !added || !*added) {
        return added;
      }
    }
    out.end = end;
  }
  return Status{};
}

std::optional<Result<std::vector<FileState::Segment>>> FileState::segments(Wait wait, StreamId id,
                                                                           std::uint64_t from,
                                                                           std::uint64_t to) {
  std::vector<Segment> parts;
  bool ends_at_fork = false;
  while (from < to) {
    const std::optional<Result<StreamShape>> shape = this->shape(wait, id);
    if (!shape) return std::nullopt;
    if (!*shape) return shape->error();
    if ((*shape)->version == 0) return gone_from_store();
    const std::uint64_t begin = (*shape)->own_begin;
    if (begin < to) {
      parts.push_back(
          {.id = id, .from = std::max(from, begin), .to = to, .ends_at_fork = ends_at_fork});
    }
    if (begin <= to) {
      to = begin;
      ends_at_fork = true;
    }
    id = (*shape)->source;
  }
  std::reverse(parts.begin(), parts.end());
  return parts;
}

std::optional<Status> FileState::cut_at_message(Wait wait, const ReadRange& range,
                                                StoredBytes& out) {
  if (shorten_to_last_message(out)) return Status{};
  while (out.end < range.to) {
    const std::size_t searched = out.slices.size();
    const std::uint64_t from = out.end;
    const std::uint64_t to = from + std::min(kMessageSearchBytes, range.to - from);
    if (std::optional<Status> more = gather(wait, range.id, from, to, false, out); !more || !*more)
      return more;
    if (shorten_to_first_message(out, searched, from)) return Status{};
  }
  return Status{};
}

std::optional<Result<std::uint64_t>> FileState::append_end(Wait wait, StreamId id,
                                                           std::uint64_t position) {
  std::uint64_t end_max = UINT64_MAX;
  while (true) {
    const std::optional<Result<StreamShape>> shape = this->shape(wait, id);
    if (!shape) return std::nullopt;
    if (!*shape) return shape->error();
    const StreamShape& stream = **shape;
    if (stream.version == 0) return gone_from_store();
    if (position >= stream.end && wait == Wait::kNo) return std::nullopt;
    if (stream.framing != Framing::kBytes || position >= stream.end) return outside_stream();
    if (position >= stream.own_begin) {
      std::optional<Result<std::uint64_t>> end = append_end_after(wait, id, position);
      if (end && *end) **end = std::min(**end, end_max);
      return end;
    }
    end_max = std::min(end_max, stream.own_begin);
    id = stream.source;
  }
}

bool FileState::in_memory(StreamId id) const {
  const std::shared_lock generations(generations_mutex_);
  return held(id);
}

bool FileState::held(StreamId id) const {
  return active_->holds(id) || (frozen_ != nullptr && frozen_->holds(id));
}

std::vector<const Memtable*> FileState::generations() const {
  if (frozen_ == nullptr) return {active_.get()};
  return {active_.get(), frozen_.get()};
}

Result<std::vector<ForkPoint>> FileState::owed_releases() {
  constexpr std::size_t kStep = 1024;
  std::vector<ForkPoint> owed;
  const auto add = [&](const SettledStream& stream) {
    ForkPoint point;
    point.source = stream.record.id;
    point.source_path = stream.record.path;
    owed.insert(owed.end(), stream.releases_owed, point);
  };
  const std::shared_lock lock(generations_mutex_);
  auto count = static_cast<std::int64_t>(settled_releases_owed_.load(std::memory_order_relaxed));
  for (const Memtable* memtable : generations()) count += memtable->releases_owed_added();
  if (count == 0) return owed;
  SettledStream found;
  for (const Memtable* memtable : generations()) {
    for (const DirtyStream* stream : memtable->all()) {
      const StreamId id = stream->record.id;
      StreamShape ignored;
      const bool older =
          memtable != active_.get() && active_->find_shape(id, ignored) != Memtable::Known::kNo;
      if (!older && memtable->find(id, found) == Memtable::Known::kYes) add(found);
    }
  }
  for (StreamId after = 0;;) {
    const Result<std::vector<SettledStream>> step = catalog_.streams_after(after, kStep);
    if (!step) return step.error();
    if (step->empty()) return owed;
    for (const SettledStream& stream : *step) {
      if (!held(stream.record.id)) add(stream);
    }
    after = step->back().record.id;
  }
}

}  // namespace durable_streams

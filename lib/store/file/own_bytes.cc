// What a stream holds itself, wherever it is: in packs up to some position, then in the frozen
// memtable, then in the active one. Settling moves bytes down meanwhile and never takes them away,
// so what was not found above is found below.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "store/bytes/refusals.h"
#include "store/file/file_state.h"

namespace durable_streams {

namespace {

// How often extents are looked up again because merging has replaced their pack meanwhile.
constexpr int kLookupsMax = 3;

// Its pack is gone, and the catalog knows no other place.
Error lost_with_pack(StreamId id, std::uint64_t from, std::uint64_t to, const Error& cause) {
  return {.code = ErrorCode::kCorruption,
          .message =
              fmt::format("bytes {} to {} of stream {} are lost: {}", from, to, id, cause.message),
          .detail = {}};
}

Error not_in_packs(StreamId id, std::uint64_t from, std::uint64_t to) {
  return {.code = ErrorCode::kCorruption,
          .message = fmt::format("bytes {} to {} of stream {} are in no pack", from, to, id),
          .detail = {}};
}

}  // namespace

std::optional<Status> FileState::add_own(Wait wait, StreamId id, std::uint64_t from,
                                         std::uint64_t to, std::vector<Slice>& out) {
  // From the newest part to the oldest; `rest` is where the settled bytes end.
  std::uint64_t rest = to;
  std::vector<Slice> frozen;
  std::vector<Slice> active;
  bool removed = false;
  const auto take = [&](const Memtable* memtable, std::vector<Slice>& slices) {
    if (memtable == nullptr || rest <= from) return;
    memtable->look(id, [&](const DirtyStream& stream) {
      removed = removed || stream.removed;
      const std::uint64_t begin = std::max(from, stream.chunks_begin);
      if (removed || begin >= rest) return;
      stream.chunks.slice(begin, rest, slices);
      rest = begin;
    });
  };
  {
    const std::shared_lock generations(generations_mutex_);
    take(active_.get(), active);
    take(frozen_.get(), frozen);
  }
  if (removed) return gone_from_store();
  if (rest > from) {
    if (std::optional<Status> settled = add_settled(wait, id, from, rest, out);
        !settled || !*settled) {
      return settled;
    }
  }
  out.insert(out.end(), frozen.begin(), frozen.end());
  out.insert(out.end(), active.begin(), active.end());
  return Status{};
}

std::optional<Status> FileState::add_settled(Wait wait, StreamId id, std::uint64_t from,
                                             std::uint64_t to, std::vector<Slice>& out) {
  const std::size_t slices = out.size();
  return with_extents(wait, id, from, to, [&](Pack& pack, const Extent& extent) {
    if (extent.from <= from) out.resize(slices);  // the first one, perhaps again
    return pack.read(wait, id, extent, std::max(from, extent.from), std::min(to, extent.to), out);
  });
}

std::optional<Status> FileState::with_extents(Wait wait, StreamId id, std::uint64_t from,
                                              std::uint64_t to, ExtentVisitor visit) {
  if (wait == Wait::kNo) {
    const std::shared_ptr<const StreamPlace> place = places_.get(id);
    if (place == nullptr) return std::nullopt;
    std::optional<Result<std::uint64_t>> covered =
        visit_extents(wait, place->extents, from, to, visit);
    if (!covered || !*covered || **covered < to) return std::nullopt;
    return Status{};
  }
  for (int lookups = 1;; ++lookups) {
    Result<std::optional<SettledStream>> known = catalog_.find(id);
    if (!known) return known.error();
    if (!*known) return gone_from_store();
    Result<std::vector<Extent>> extents = catalog_.extents(id, 0, UINT64_MAX);
    if (!extents) return extents.error();
    std::optional<Result<std::uint64_t>> covered = visit_extents(wait, *extents, from, to, visit);
    const bool replaced = !*covered && covered->error().code == ErrorCode::kNotFound;
    if (replaced && lookups < kLookupsMax) continue;
    if (replaced) return lost_with_pack(id, from, to, covered->error());
    if (!*covered) return covered->error();
    if (**covered < to) return not_in_packs(id, **covered, to);
    places_.put(id, {.shape = shape_of((*known)->record), .extents = std::move(*extents)});
    return Status{};
  }
}

std::optional<Result<std::uint64_t>> FileState::visit_extents(Wait wait,
                                                              const std::vector<Extent>& extents,
                                                              std::uint64_t from, std::uint64_t to,
                                                              ExtentVisitor& visit) {
  std::uint64_t covered = from;
  auto extent = std::partition_point(extents.begin(), extents.end(),
                                     [from](const Extent& each) { return each.to <= from; });
  for (; extent != extents.end() && covered < to && extent->from <= covered; ++extent) {
    const std::optional<Result<std::shared_ptr<Pack>>> pack = packs_->get(wait, extent->pack);
    if (!pack) return std::nullopt;
    if (!*pack) return pack->error();
    std::optional<Status> visited = visit(***pack, *extent);
    if (!visited) return std::nullopt;
    if (!*visited) return visited->error();
    covered = extent->to;
  }
  return std::min(covered, to);
}

std::optional<Result<std::uint64_t>> FileState::last_append_end(Wait wait, StreamId id,
                                                                std::uint64_t from,
                                                                std::uint64_t to) {
  std::uint64_t end = kNoEnd;
  std::uint64_t rest = to;
  const auto look = [&](const Memtable* memtable) {
    if (memtable == nullptr || end != kNoEnd || rest <= from) return;
    memtable->look(id, [&](const DirtyStream& stream) {
      if (stream.removed || stream.chunks_begin >= rest) return;
      const std::uint64_t begin = std::max(from, stream.chunks_begin);
      end = stream.chunks.last_append_end(begin, rest).value_or(kNoEnd);
      // Memtables change hands between appends, so one ends where the chunks begin.
      if (end == kNoEnd && stream.chunks_begin > from) end = stream.chunks_begin;
      rest = begin;
    });
  };
  {
    const std::shared_lock generations(generations_mutex_);
    look(active_.get());
    look(frozen_.get());
  }
  if (end != kNoEnd || rest <= from) return end;
  std::optional<Status> looked = with_extents(
      wait, id, from, rest, [&](Pack& pack, const Extent& extent) -> std::optional<Status> {
        const std::uint64_t until = std::min(rest, extent.to);
        std::optional<Result<std::uint64_t>> last =
            pack.last_append_end(wait, id, extent, std::max(from, extent.from), until);
        if (!last) return std::nullopt;
        if (!*last) return last->error();
        if (**last != UINT64_MAX) end = **last;
        return Status{};
      });
  if (!looked) return std::nullopt;
  if (!*looked) return looked->error();
  return end;
}

std::optional<Result<std::uint64_t>> FileState::append_end_after(Wait wait, StreamId id,
                                                                 std::uint64_t position) {
  std::uint64_t end = kNoEnd;
  const auto look = [&](const Memtable* memtable) {
    if (memtable == nullptr || end != kNoEnd) return;
    memtable->look(id, [&](const DirtyStream& stream) {
      if (stream.removed || position < stream.chunks_begin || position >= stream.chunks.end())
        return;
      end = stream.chunks.append_end_after(position);
    });
  };
  {
    const std::shared_lock generations(generations_mutex_);
    look(active_.get());
    look(frozen_.get());
  }
  if (end != kNoEnd) return end;
  std::optional<Status> looked =
      with_extents(wait, id, position, position + 1,
                   [&](Pack& pack, const Extent& extent) -> std::optional<Status> {
                     std::optional<Result<std::uint64_t>> after =
                         pack.append_end_after(wait, id, extent, position);
                     if (!after) return std::nullopt;
                     if (!*after) return after->error();
                     end = **after;
                     return Status{};
                   });
  if (!looked) return std::nullopt;
  if (!*looked) return looked->error();
  if (end == kNoEnd) return not_in_packs(id, position, position + 1);
  return end;
}

}  // namespace durable_streams

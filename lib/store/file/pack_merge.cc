// Indices are ordered by stream, so merging walks over all inputs side by side and holds one page
// of each.
#include "store/file/pack_merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/assert.h"

namespace durable_streams {

namespace {

constexpr std::uint64_t kPaceBytes = 1 << 20;

Result<std::shared_ptr<Pack>> wait_for(OpenPacks& packs, PackId id) {
  return *packs.get(Pack::Wait::kYes, id);
}

// One input's index on its way past.
struct Source {
  PackId pack = 0;
  PackIndexCursor cursor;
  PackIndexEntry entry;
  bool at_end = false;
};

// What all inputs together say of one stream.
struct MergedStream {
  StreamId id = 0;
  bool removed = false;
  Lsn removed_at = 0;
  SettledStream stream;
  std::vector<ProducerEntry> producers;
};

// The streams that the inputs name, each once, in order of id. Threads: one at a time.
class MergedIndex {
 public:
  MergedIndex(OpenPacks& packs, const std::vector<PackId>& inputs) : packs_(packs) {
    for (const PackId input : inputs)
      sources_.push_back({.pack = input, .cursor = {}, .entry = {}});
  }

  // False: that was all.
  Result<bool> next(MergedStream& out) {
    if (!started_) {
      started_ = true;
      for (Source& source : sources_) {
        if (Status moved = advance(source); !moved.ok()) return moved.error();
      }
    }
    out.id = 0;
    for (const Source& source : sources_) {
      if (!source.at_end && (out.id == 0 || source.entry.id < out.id)) out.id = source.entry.id;
    }
    if (out.id == 0) return false;
    out.removed = false;
    out.stream.lsn = 0;
    out.producers.clear();
    producers_.clear();
    for (Source& source : sources_) {
      if (source.at_end || source.entry.id != out.id) continue;
      take(source.entry, out);
      if (Status moved = advance(source); !moved.ok()) return moved.error();
    }
    for (auto& [id, known] : producers_) out.producers.push_back(std::move(known));
    return true;
  }

 private:
  Status advance(Source& source) {
    Result<std::shared_ptr<Pack>> pack = wait_for(packs_, source.pack);
    if (!pack) return std::move(pack).error();
    do {
      const Result<bool> next = (*pack)->next_index_entry(source.cursor, source.entry);
      if (!next.ok()) return next.error();
      source.at_end = !*next;
    } while (!source.at_end && source.entry.kind == PackIndexEntry::Kind::kReplaced);
    return {};
  }

  void take(PackIndexEntry& entry, MergedStream& out) {
    if (entry.kind == PackIndexEntry::Kind::kRemoved) {
      out.removed = true;
      out.removed_at = entry.lsn;
      return;
    }
    for (ProducerEntry& producer : entry.stream.producers) {
      ProducerEntry& known = producers_[producer.id];
      if (producer.lsn >= known.lsn) known = std::move(producer);
    }
    if (entry.lsn >= out.stream.lsn) std::swap(out.stream, entry.stream.stream);
  }

  OpenPacks& packs_;
  std::vector<Source> sources_;
  std::map<std::string, ProducerEntry> producers_;
  bool started_ = false;
};

bool contains(const std::vector<PackId>& packs, PackId pack) {
  return std::find(packs.begin(), packs.end(), pack) != packs.end();
}

// Writes the new pack: first all bytes, then, walking over the indices once more, its index.
// Threads: one at a time.
class Merging {
 public:
  Merging(Catalog& catalog, OpenPacks& packs, PackMerge& merge, PackWriter& writer)
      : catalog_(catalog), packs_(packs), merge_(merge), writer_(writer) {
    merged_.inputs = merge.inputs;
  }

  Result<MergedPack> run() {
    if (Status copied = copy_streams(); !copied.ok()) return copied.error();
    if (Status indexed = index_streams(); !indexed.ok()) return indexed.error();
    Result<PackInfo> pack = writer_.finish();
    if (!pack) return std::move(pack).error();
    merged_.pack = *pack;
    return std::move(merged_);
  }

 private:
  Status copy_streams() {
    MergedIndex index(packs_, merge_.inputs);
    MergedStream stream;
    while (true) {
      const Result<bool> next = index.next(stream);
      if (!next.ok()) return next.error();
      if (!*next) return {};
      if (stream.removed) continue;
      Result<std::vector<Extent>> extents = catalog_.extents(stream.id, 0, UINT64_MAX);
      if (!extents) return std::move(extents).error();
      std::erase_if(*extents,
                    [this](const Extent& extent) { return !contains(merge_.inputs, extent.pack); });
      if (Status copied = copy_stream(stream, *extents); !copied.ok()) return copied;
    }
  }

  Status copy_stream(const MergedStream& stream, std::span<const Extent> extents) {
    while (!extents.empty()) {
      std::size_t adjacent = 1;
      while (adjacent < extents.size() && extents[adjacent].from == extents[adjacent - 1].to)
        ++adjacent;
      const Framing framing = stream.stream.record.framing;
      if (Status begun = writer_.begin_extent(stream.id, framing, extents[0].from); !begun.ok())
        return begun;
      for (const Extent& extent : extents.first(adjacent)) {
        if (Status copied = copy_extent(stream.id, framing, extent); !copied.ok()) return copied;
      }
      const Result<Extent> written = writer_.end_extent();
      if (!written) return written.error();
      merged_.moved.push_back({.id = stream.id, .extent = *written});
      extents = extents.subspan(adjacent);
    }
    return {};
  }

  // Gives the pack back before every pause.
  Status copy_extent(StreamId id, Framing framing, const Extent& extent) {
    Pack::BlockVisitor copy = [this, framing](std::string_view data,
                                              std::span<const std::uint64_t> ends) {
      if (framing == Framing::kBytes) {
        for (const std::uint64_t end : ends) writer_.add_append_end(end);
      }
      unpaced_bytes_ += data.size();
      return writer_.add_bytes(data);
    };
    for (std::uint64_t from = extent.from; from < extent.to;) {
      Result<std::shared_ptr<Pack>> pack = wait_for(packs_, extent.pack);
      if (!pack) return std::move(pack).error();
      const Result<std::uint64_t> copied = (*pack)->visit_blocks(id, extent, from, copy);
      if (!copied) return copied.error();
      from = *copied;
      pack->reset();
      for (; unpaced_bytes_ >= kPaceBytes; unpaced_bytes_ -= kPaceBytes) {
        if (Status paced = merge_.pace(); !paced.ok()) return paced;
      }
    }
    return {};
  }

  Status index_streams() {
    for (const PackId input : merge_.inputs) {
      if (Status written = writer_.index_replaced(input); !written.ok()) return written;
    }
    MergedIndex index(packs_, merge_.inputs);
    MergedStream stream;
    auto moved = merged_.moved.begin();
    while (true) {
      const Result<bool> next = index.next(stream);
      if (!next.ok()) return next.error();
      if (!*next) return {};
      entry_.extents.clear();
      for (; moved != merged_.moved.end() && moved->id <= stream.id; ++moved)
        entry_.extents.push_back(moved->extent);
      if (Status written = index_stream(stream); !written.ok()) return written;
    }
  }

  Status index_stream(MergedStream& stream) {
    if (stream.removed) {
      if (merge_.others_from > stream.removed_at) return {};
      return writer_.index_removed(stream.id, stream.removed_at);
    }
    // Where no other pack may still name a producer, nobody need be told that it was forgotten.
    std::erase_if(stream.producers, [this](const ProducerEntry& producer) {
      return !producer.state && merge_.others_from > producer.lsn;
    });
    const Result<std::optional<SettledStream>> known = catalog_.find(stream.id);
    if (!known) return known.error();
    // A stream that the catalog has lost meanwhile is named as removed by a newer pack.
    if (!*known && entry_.extents.empty()) return {};
    const bool newer_is_known = *known && (*known)->lsn > stream.stream.lsn;
    if (newer_is_known && entry_.extents.empty() && stream.producers.empty()) return {};
    std::swap(entry_.stream, stream.stream);
    std::swap(entry_.producers, stream.producers);
    return writer_.index_stream(entry_);
  }

  Catalog& catalog_;
  OpenPacks& packs_;
  PackMerge& merge_;
  PackWriter& writer_;
  MergedPack merged_;
  PackEntry entry_;
  std::uint64_t unpaced_bytes_ = 0;
};

// What planning wants to know of a pack.
struct Surveyed {
  PackId id = 0;
  Lsn lowest_lsn = 0;
  std::vector<PackId> replaced;
};

Result<Surveyed> survey(OpenPacks& packs, PackId id) {
  Result<std::shared_ptr<Pack>> pack = wait_for(packs, id);
  if (!pack) return std::move(pack).error();
  Surveyed surveyed{.id = id, .lowest_lsn = (*pack)->lowest_lsn(), .replaced = {}};
  PackIndexCursor cursor;
  PackIndexEntry entry;
  while (true) {
    const Result<bool> next = (*pack)->next_index_entry(cursor, entry);
    if (!next.ok()) return next.error();
    if (!*next || entry.kind != PackIndexEntry::Kind::kReplaced) return surveyed;
    surveyed.replaced.push_back(entry.pack);
  }
}

// Adds to the inputs a pack that one of them has replaced, or that has replaced one of them; false:
// there is none.
bool take_unfinished(const std::vector<Surveyed>& all, std::vector<PackId>& inputs) {
  for (const Surveyed& pack : all) {
    for (const Surveyed& old : all) {
      if (!contains(pack.replaced, old.id) || contains(inputs, pack.id) == contains(inputs, old.id))
        continue;
      inputs.push_back(contains(inputs, pack.id) ? old.id : pack.id);
      return true;
    }
  }
  return false;
}

// Moves what was merged over to the new pack in the catalog. Threads: one at a time.
class Applying {
 public:
  Applying(Catalog& catalog, const MergedPack& merged) : catalog_(catalog), merged_(merged) {}

  bool done() const { return done_; }

  // Whether an input had to stay.
  const Status& left() const { return left_; }

  // One transaction.
  Status step(std::size_t moves_max) {
    Result<std::unique_ptr<Catalog::Update>> update = catalog_.begin();
    if (!update) return std::move(update).error();
    freed_.clear();
    if (Status put = (*update)->put_pack(merged_.pack); !put.ok()) return put;
    for (; moves_max > 0 && next_ < merged_.moved.size(); --moves_max, ++next_) {
      if (Status moved = move(**update, merged_.moved[next_]); !moved.ok()) return moved;
    }
    done_ = next_ == merged_.moved.size();
    if (done_) {
      if (Status retired = retire_inputs(**update); !retired.ok()) return retired;
    }
    return (*update)->commit();
  }

 private:
  // Nobody else updates now, so what is looked up stays true until the commit.
  Status move(Catalog::Update& update, const MergedPack::Moved& moved) {
    const Extent& extent = moved.extent;
    const Result<std::vector<Extent>> now = catalog_.extents(moved.id, extent.from, extent.to);
    if (!now) return now.error();
    std::uint64_t covered = extent.from;
    for (const Extent& old : *now) {
      if (old.from != covered || !contains(merged_.inputs, old.pack)) return {};
      covered = old.to;
    }
    if (covered != extent.to) return {};
    return update.replace_extents(moved.id, extent, freed_);
  }

  Status retire_inputs(Catalog::Update& update) {
    const Result<std::vector<PackInfo>> packs = catalog_.packs();
    if (!packs) return packs.error();
    std::unordered_map<PackId, std::uint64_t> freed;
    for (const Extent& extent : freed_) freed[extent.pack] += extent.to - extent.from;
    for (PackInfo pack : *packs) {
      if (!contains(merged_.inputs, pack.id)) continue;
      pack.live_bytes -= freed[pack.id];
      if (pack.live_bytes != 0) {
        left_ = still_alive(pack);
      } else if (Status erased = update.erase_pack(pack.id); !erased.ok()) {
        return erased;
      }
    }
    return {};
  }

  static Error still_alive(const PackInfo& pack) {
    return {.code = ErrorCode::kCorruption,
            .message = fmt::format(
                "pack {} was merged, but {} bytes in it are alive that its index does not name",
                pack.id, pack.live_bytes),
            .detail = {}};
  }

  Catalog& catalog_;
  const MergedPack& merged_;
  std::size_t next_ = 0;
  bool done_ = false;
  std::vector<Extent> freed_;
  Status left_;
};

}  // namespace

Result<PackMerge> plan_merge(Catalog& catalog, OpenPacks& packs, std::vector<PackId> inputs,
                             PackWriter::Place output) {
  const Result<std::vector<PackInfo>> known = catalog.packs();
  if (!known) return known.error();
  std::vector<Surveyed> all;
  for (const PackInfo& info : *known) {
    Result<Surveyed> surveyed = survey(packs, info.id);
    if (!surveyed) return std::move(surveyed).error();
    all.push_back(std::move(surveyed).value());
  }
  while (take_unfinished(all, inputs)) {
  }
  PackMerge merge{
      .inputs = std::move(inputs), .output = std::move(output), .others_from = UINT64_MAX};
  for (const Surveyed& pack : all) {
    if (pack.lowest_lsn == 0 || contains(merge.inputs, pack.id)) continue;
    merge.others_from = std::min(merge.others_from, pack.lowest_lsn);
  }
  return merge;
}

Result<MergedPack> write_merged_pack(FileSystem& files, Catalog& catalog, OpenPacks& packs,
                                     PackMerge& merge) {
  Result<std::unique_ptr<PackWriter>> writer = PackWriter::create(files, merge.output);
  if (!writer) return std::move(writer).error();
  return Merging(catalog, packs, merge, **writer).run();
}

Status apply_merged_pack(Catalog& catalog, const MergedPack& merged, std::size_t updates_max) {
  // Beside the extents, each transaction updates the packs.
  const std::size_t packs = merged.inputs.size() + 1;
  const std::size_t moves_max = updates_max > packs ? updates_max - packs : 1;
  Applying applying(catalog, merged);
  while (!applying.done()) {
    if (Status stepped = applying.step(moves_max); !stepped.ok()) return stepped;
  }
  return applying.left();
}

}  // namespace durable_streams

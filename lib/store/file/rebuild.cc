// Of each stream the record with the highest LSN counts, of each producer the newest state, and
// extents add up; what a pack names as removed is gone (docs/disk-format.md, "What an index
// means").
#include "store/file/rebuild.h"

#include <fmt/format.h>

#include <algorithm>

#include "store/file/journal_format.h"
#include "store/file/journal_recovery.h"
#include "store/file/segment_reader.h"
#include "store/file/store_identity.h"
#include "store/file/stream_shape.h"
#include "store/file/trial_replay.h"

namespace durable_streams {

using journal_format::SegmentNumber;

namespace {

constexpr std::size_t kUpdatesMax = 20'000;

// There may have been more packs than there are, and their ids are not given again.
constexpr PackId kPackIdsSkipped = 1'000'000;

}  // namespace

Status CatalogRebuild::read() {
  const Result<std::uint64_t> store = find_store_id(files_, directory_);
  if (!store) return store.error();
  meta_.store_id = *store;
  if (Status listed = list_packs(); !listed) return listed;
  for (auto& [id, info] : packs_) {
    if (Status read = read_pack(id); !read) return read;
  }
  std::erase_if(packs_, [this](const auto& pack) { return replaced_.contains(pack.first); });
  drop_what_is_gone();
  if (Status checked = check_past(); !checked) return checked;
  meta_.next_pack_id += kPackIdsSkipped;
  // Together the packs hold every change up to their last one.
  meta_.settled = meta_.settling;
  if (Status found = find_gap(); !found) return found;
  count();
  return {};
}

Status CatalogRebuild::list_packs() {
  const Result<std::vector<std::string>> names = files_.list(directory_ + "/packs");
  if (!names) return names.error().code == ErrorCode::kNotFound ? Status{} : Status(names.error());
  for (const std::string& name : *names) {
    const PackId id = pack_in(name);
    if (id == 0) continue;
    packs_[id] = {.id = id};
    meta_.next_pack_id = std::max(meta_.next_pack_id, id + 1);
  }
  return {};
}

Status CatalogRebuild::read_pack(PackId id) {
  Result<std::unique_ptr<Pack>> pack = Pack::open(
      files_, {.directory = directory_ + "/packs", .id = id, .store_id = meta_.store_id});
  if (!pack) return pack.error();
  packs_[id] = (*pack)->info();
  meta_.settling = std::max(meta_.settling, (*pack)->highest_lsn());
  Pack::IndexVisitor visitor{.stream =
                                 [this](PackEntry& entry) {
                                   take(entry);
                                   return Status{};
                                 },
                             .removed =
                                 [this](StreamId stream, Lsn) {
                                   removed_.insert(stream);
                                   return Status{};
                                 },
                             .replaced =
                                 [this](PackId replaced) {
                                   replaced_.insert(replaced);
                                   return Status{};
                                 }};
  return (*pack)->walk_index(visitor);
}

void CatalogRebuild::take(PackEntry& entry) {
  KnownStream& known = streams_[entry.stream.record.id];
  for (ProducerEntry& producer : entry.producers) {
    const Lsn lsn = producer.lsn != 0 ? producer.lsn : entry.stream.lsn;
    KnownProducer& state = known.producers[producer.id];
    if (lsn >= state.lsn) state = {.state = producer.state, .lsn = lsn};
  }
  // Two packs hold the same bytes where a settling was tried twice, or one was merged.
  for (const Extent& extent : entry.extents) {
    Extent& there = known.extents[extent.from];
    if (there.pack != 0)
      overlaps_.push_back({.id = entry.stream.record.id, .one = there, .other = extent});
    if (there.pack == 0 || replaced_.contains(there.pack) || extent.to >= there.to) there = extent;
  }
  const std::string& path = known.stream.record.path;
  if (!path.empty() && path != entry.stream.record.path) renamed_.insert(entry.stream.record.id);
  if (entry.stream.lsn >= known.stream.lsn) known.stream = std::move(entry.stream);
}

// Extents in replaced packs are in those that replaced them as well.
void CatalogRebuild::drop_what_is_gone() {
  for (const StreamId id : removed_) streams_.erase(id);
  for (auto& [id, known] : streams_) {
    std::erase_if(known.extents,
                  [this](const auto& each) { return replaced_.contains(each.second.pack); });
    // The shorter of two that overlap was an earlier try.
    Extent last;
    for (auto each = known.extents.begin(); each != known.extents.end();) {
      const Extent& extent = each->second;
      if (extent.from < last.to) overlaps_.push_back({.id = id, .one = last, .other = extent});
      const bool covered = extent.to <= last.to;
      if (!covered) last = extent;
      each = covered ? known.extents.erase(each) : std::next(each);
    }
  }
  std::erase_if(overlaps_, [this](const PackOverlap& each) {
    return replaced_.contains(each.one.pack) || replaced_.contains(each.other.pack) ||
           !streams_.contains(each.id);
  });
}

Status CatalogRebuild::check_past() {
  for (const PackOverlap& each : overlaps_) {
    const Result<bool> same = holds_the_same(files_, directory_ + "/packs", meta_.store_id, each);
    if (!same) return same.error();
    if (*same) continue;
    return different_past(
        each.id, streams_[each.id].stream.record.path,
        fmt::format("packs {} and {} hold different bytes from {} on", each.one.pack,
                    each.other.pack, std::max(each.one.from, each.other.from)));
  }
  for (const auto& [id, known] : streams_) {
    const std::string& path = known.stream.record.path;
    if (Status checked = check_past_of(id, known); !checked) return checked;
    const auto [there, added] = paths_.emplace(path, id);
    if (!added)
      return different_past(id, path, fmt::format("stream {} has its path", there->second));
  }
  return {};
}

Status CatalogRebuild::check_past_of(StreamId id, const KnownStream& known) {
  const StreamRecord& record = known.stream.record;
  if (renamed_.contains(id)) return different_past(id, record.path, "it has two paths");
  std::uint64_t end = 0;
  for (const auto& [from, extent] : known.extents) {
    if (extent.from < end) {
      return different_past(id, record.path,
                            fmt::format("pack {} goes on with it from {}, and another up to {}",
                                        extent.pack, extent.from, end));
    }
    end = extent.to;
  }
  if (end <= record.tail.position) return {};
  return different_past(
      id, record.path,
      fmt::format("its bytes end at {}, and its record at {}", end, record.tail.position));
}

Error CatalogRebuild::different_past(StreamId id, const std::string& path, std::string_view how) {
  pasts_differ_ = true;
  return {.code = ErrorCode::kCorruption,
          .message =
              fmt::format("packs tell of different pasts of stream {} ('{}'): {}", id, path, how),
          .detail = {}};
}

Result<CatalogRebuild::JournalBegin> CatalogRebuild::find_journal_begin() {
  JournalBegin begin;
  const Result<std::vector<std::string>> names = files_.list(directory_ + "/journal");
  if (!names && names.error().code == ErrorCode::kNotFound) return begin;
  if (!names) return names.error();
  std::vector<SegmentNumber> unreadable;
  for (const std::string& name : *names) {
    const auto number = journal_format::number_in(name, journal_format::kSegmentEnding);
    if (!number) continue;
    Result<SegmentReader> segment =
        SegmentReader::open(files_, directory_ + "/journal", meta_.store_id, *number);
    if (!segment) return segment.error();
    const auto batch = segment->header_at(journal_format::kSegmentHeaderBytes);
    if (!batch) return batch.error();
    if (!*batch) {
      unreadable.push_back(*number);
    } else if (begin.first == 0 || (*batch)->first < begin.first) {
      begin = {.first = (*batch)->first, .segment = *number, .unreadable = {}};
    } else if ((*batch)->first == begin.first) {
      begin.segment = std::max(begin.segment, *number);
    }
  }
  for (const SegmentNumber number : unreadable) {
    if (number >= begin.segment) continue;
    begin.unreadable.push_back(journal_format::file_name(number, journal_format::kSegmentEnding));
  }
  return begin;
}

// Streams that came and went between two settlings leave no trace in packs. But a segment may also
// be gone, or have been put aside by an earlier repair, or not be readable where it begins.
Status CatalogRebuild::find_gap() {
  Result<JournalBegin> begin = find_journal_begin();
  if (!begin) return begin.error();
  if (begin->first <= meta_.settled + 1) return {};
  const Lsn last = begin->first - 1;
  const Result<bool> follows = journal_follows(last);
  if (!follows) return follows.error();
  gap_ = {.from = meta_.settled + 1,
          .to = last,
          .passable = *follows,
          .unreadable = std::move(begin->unreadable)};
  if (!*follows) return {};
  meta_.settled = last;
  meta_.settling = last;
  return {};
}

Result<bool> CatalogRebuild::journal_follows(Lsn settled) {
  TrialReplay trial({.settling = settled,
                     .find = [this](StreamId id) -> Result<std::optional<SettledStream>> {
                       const auto known = streams_.find(id);
                       if (known == streams_.end()) return std::optional<SettledStream>();
                       return std::optional(known->second.stream);
                     },
                     .find_path = [this](std::string_view path) -> Result<std::optional<StreamId>> {
                       const auto known = paths_.find(path);
                       if (known == paths_.end()) return std::optional<StreamId>();
                       return std::optional(known->second);
                     }});
  std::optional<bool> follows;
  JournalRecovery::Visitor apply = [&](Lsn lsn, const Change& change) -> Status {
    Status applied = trial.apply(lsn, change);
    if (applied.ok() || applied.error().code == ErrorCode::kCorruption)
      follows = follows.value_or(applied.ok());
    return applied;
  };
  JournalRecovery recovery({.files = files_,
                            .directory = directory_ + "/journal",
                            .store_id = meta_.store_id,
                            .marks = {.settled = settled}});
  JournalFindings findings;
  const Status replayed = recovery.replay(apply, findings);
  // What is damaged, or does not follow, further on has an end of its own.
  if (!replayed && replayed.error().code != ErrorCode::kCorruption) return replayed.error();
  return follows.value_or(true);
}

void CatalogRebuild::count() {
  std::map<StreamId, std::uint32_t> forks;
  for (const auto& [id, known] : streams_) {
    const StreamShape shape = shape_of(known.stream.record);
    meta_.next_stream_id = std::max(meta_.next_stream_id, id + 1);
    meta_.read_sequence = std::max(meta_.read_sequence, known.stream.record.tail.read_sequence + 1);
    if (shape.source != 0) ++forks[shape.source];
  }
  // Forks that are gone and were not told of to their source leave no other trace.
  for (auto& [id, known] : streams_) {
    const std::uint32_t counted = known.stream.record.forks;
    known.stream.releases_owed = counted - std::min(counted, forks[id]);
  }
  for (const StreamId id : removed_) meta_.next_stream_id = std::max(meta_.next_stream_id, id + 1);
}

Status CatalogRebuild::write(Catalog& catalog) {
  for (const auto& [id, info] : packs_) {
    if (Status room = make_room(catalog, 1); !room) return room;
    if (Status put = update_->put_pack(info); !put) return put;
  }
  for (const auto& [id, known] : streams_) {
    if (Status written = write_stream(catalog, known); !written) return written;
  }
  // Last, so that a catalog that was not finished looks like a new one and is not taken for whole.
  if (Status room = make_room(catalog, 1); !room) return room;
  if (Status put = update_->put_meta(meta_); !put) return put;
  Status committed = update_->commit();
  update_.reset();
  return committed;
}

Status CatalogRebuild::write_stream(Catalog& catalog, const KnownStream& known) {
  if (Status room = make_room(catalog, 1 + known.extents.size() + known.producers.size()); !room)
    return room;
  const StreamId id = known.stream.record.id;
  if (Status put = update_->put(known.stream); !put) return put;
  for (const auto& [from, extent] : known.extents) {
    if (Status put = update_->put_extent(id, extent); !put) return put;
  }
  for (const auto& [name, producer] : known.producers) {
    if (!producer.state) continue;
    if (Status put = update_->put_producer(id, name, *producer.state); !put) return put;
  }
  return {};
}

Status CatalogRebuild::make_room(Catalog& catalog, std::size_t updates) {
  if (update_ != nullptr && updates_ + updates > kUpdatesMax) {
    if (Status committed = update_->commit(); !committed) return committed;
    update_.reset();
  }
  if (update_ == nullptr) {
    Result<std::unique_ptr<Catalog::Update>> begun = catalog.begin();
    if (!begun) return begun.error();
    update_ = std::move(begun).value();
    updates_ = 0;
  }
  updates_ += updates;
  return {};
}

}  // namespace durable_streams

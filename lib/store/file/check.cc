// First the packs as wholes, then stream by stream all that the catalog says of it, at last the
// journal on top.
#include "store/file/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "store/file/pack.h"
#include "store/file/stream_shape.h"
#include "store/file/trial_replay.h"

namespace durable_streams {

namespace {

constexpr std::size_t kStreamsAtATime = 256;
constexpr std::size_t kDeadlinesAtATime = 1024;

std::string name_of(const StreamRecord& record) {
  return fmt::format("stream {} ('{}')", record.id, record.path);
}

}  // namespace

DirectoryCheck::DirectoryCheck(FileSystem& files, Catalog& catalog, std::string directory,
                               Tell& tell)
    : files_(files), catalog_(catalog), directory_(std::move(directory)), tell_(tell) {}

Result<FileStoreCheck> DirectoryCheck::run() {
  const Result<CatalogMeta> meta = catalog_.meta();
  if (!meta) {
    if (Status judged = judge(meta.error(), "the catalog"); !judged) return judged.error();
    return found_;
  }
  meta_ = *meta;
  const Result<CatalogTotals> totals = catalog_.totals();
  if (!totals) {
    if (Status judged = judge(totals.error(), "the catalog's totals"); !judged)
      return judged.error();
  } else {
    totals_ = *totals;
  }
  if (meta_.store_id == 0) {
    note("the catalog is empty: the store was not used yet");
    return found_;
  }
  if (Status checked = check_packs(); !checked) return checked.error();
  if (Status checked = check_streams(); !checked) return checked.error();
  if (Status checked = check_deadlines(); !checked) return checked.error();
  check_totals();
  if (Status checked = check_journal(); !checked) return checked.error();
  return found_;
}

std::vector<PackId> DirectoryCheck::packs() const {
  std::vector<PackId> ids;
  for (const auto& [id, known] : packs_) ids.push_back(id);
  return ids;
}

Status DirectoryCheck::judge(const Error& error, const std::string& about, Part part) {
  if (error.code != ErrorCode::kCorruption && error.code != ErrorCode::kNotFound) return error;
  damage(fmt::format("{}: {}", about, error.message), part);
  return {};
}

void DirectoryCheck::damage(std::string text, Part part) {
  ++found_.damages;
  if (part == Part::kCatalog) ++catalog_damages_;
  if (part == Part::kJournal) ++journal_damages_;
  if (part == Part::kBetween) ++unfollowed_changes_;
  tell_({.kind = FileStoreFinding::Kind::kDamage, .text = std::move(text)});
}

void DirectoryCheck::note(std::string text) {
  tell_({.kind = FileStoreFinding::Kind::kNote, .text = std::move(text)});
}

Status DirectoryCheck::check_packs() {
  const Result<std::vector<PackInfo>> packs = catalog_.packs();
  if (!packs) return judge(packs.error(), "the catalog's packs");
  open_packs_ = std::make_unique<OpenPacks>(
      files_, OpenPacks::Options{.directory = directory_ + "/packs", .store_id = meta_.store_id});
  Result<std::vector<std::string>> names = files_.list(directory_ + "/packs");
  if (!names && names.error().code != ErrorCode::kNotFound) return names.error();
  if (!names) names = std::vector<std::string>();
  for (const PackInfo& info : *packs) {
    Known& known = packs_[info.id];
    known.info = info;
    if (std::find(names->begin(), names->end(), pack_file_name(info.id)) == names->end()) {
      damage(missing_pack(info), Part::kPacks);
      continue;
    }
    if (Status checked = check_pack(known); !checked) return checked;
  }
  found_.packs = packs->size();
  return {};
}

Status DirectoryCheck::check_stray_packs(Lsn told_until) {
  if (open_packs_ == nullptr) return {};  // which packs the catalog knows cannot be read
  Result<std::vector<StrayPack>> packs = find_stray_packs(
      {.files = files_, .directory = directory_ + "/packs", .store_id = meta_.store_id},
      [this](PackId id) { return packs_.contains(id); },
      {.settled = meta_.settled, .last = told_until, .next_pack_id = meta_.next_pack_id});
  if (!packs) return packs.error().code == ErrorCode::kNotFound ? Status{} : Status(packs.error());
  stray_packs_ = std::move(packs).value();
  for (const StrayPack& pack : stray_packs_) {
    switch (pack.kind) {
      case StrayPack::Kind::kUnreadable:
        note(unknown_pack(pack) + ": the next start puts it aside");
        break;
      case StrayPack::Kind::kUntold:
        damage(unknown_pack(pack) + ": it was brought back, or a settling or merge failed");
        break;
      case StrayPack::Kind::kNeeded:
        damage(
            fmt::format("packs/{} holds changes up to {}, and what catalog and journal know "
                        "without it ends at {}",
                        pack.name, pack.last, told_until));
        break;
      case StrayPack::Kind::kUseless:
        note(
            fmt::format("packs/{} is not referred to: unfinished work left it, and the next start "
                        "removes it",
                        pack.name));
        break;
    }
  }
  return {};
}

// Its header, footer and index; the streams' bytes come with the streams.
Status DirectoryCheck::check_pack(Known& known) {
  Result<std::shared_ptr<Pack>> pack = *open_packs_->get(Pack::Wait::kYes, known.info.id);
  if (!pack) return judge(pack.error(), "packs", Part::kPacks);
  known.readable = true;
  Pack::IndexVisitor visitor{.stream = [](PackEntry&) { return Status{}; },
                             .removed = [](StreamId, Lsn) { return Status{}; },
                             .replaced = [](PackId) { return Status{}; }};
  if (Status walked = (*pack)->walk_index(visitor); !walked) {
    if (Status judged =
            judge(walked.error(), "packs, of whose indices a catalog is made anew", Part::kPacks);
        !judged)
      return judged;
  }
  const std::uint64_t bytes = (*pack)->info().file_bytes;
  if (bytes != known.info.file_bytes)
    damage(fmt::format("pack {} has {} bytes, and the catalog says {}", known.info.id, bytes,
                       known.info.file_bytes));
  return {};
}

Status DirectoryCheck::check_streams() {
  StreamId after = 0;
  while (true) {
    const Result<std::vector<SettledStream>> streams =
        catalog_.streams_after(after, kStreamsAtATime);
    if (!streams)
      return judge(streams.error(), fmt::format("the catalog's streams after {}", after));
    if (streams->empty()) break;
    for (const SettledStream& stream : *streams) {
      if (Status checked = check_stream(stream); !checked) return checked;
    }
    if (streams->back().record.id <= after) {  // damaged pages may lead in a circle
      damage(fmt::format("the catalog's streams after {} are out of order", after));
      break;
    }
    after = streams->back().record.id;
  }
  check_forks();
  return {};
}

Status DirectoryCheck::check_stream(const SettledStream& stream) {
  const StreamRecord& record = stream.record;
  ++found_.streams;
  if (record.deadline != kNever && !record.soft_deleted) ++deadlines_;
  if (record.tail.read_sequence > meta_.read_sequence) {
    damage(fmt::format("{}: has the read sequence {}, and the store only {}", name_of(record),
                       record.tail.read_sequence, meta_.read_sequence));
  }
  if (stream.lsn > std::max(meta_.settled, meta_.settling))
    damage(fmt::format("{} is as change {} left it, which is yet to come", name_of(record),
                       stream.lsn));
  if (record.id >= meta_.next_stream_id && meta_.clean)
    damage(fmt::format("{} has an id that is yet to be given", name_of(record)));
  const Result<std::optional<StreamId>> at_path = catalog_.find_path(record.path);
  if (!at_path) {
    if (Status judged = judge(at_path.error(), name_of(record) + ": its path"); !judged)
      return judged;
  } else if (*at_path != record.id) {
    damage(fmt::format("{} is not found by its path", name_of(record)));
  }
  const Result<std::uint64_t> producers = catalog_.count_producers(record.id);
  if (!producers) {
    if (Status judged = judge(producers.error(), name_of(record) + ": its producers"); !judged)
      return judged;
  } else if (*producers != record.producers) {
    damage(fmt::format("{}: counts {} producers; there are {}", name_of(record), record.producers,
                       *producers));
  }
  if (record.fork) check_source(stream);
  return check_extents(record);
}

// The bytes must be there from where they are the stream's own up to its tail, and none beyond.
Status DirectoryCheck::check_extents(const StreamRecord& record) {
  const Result<std::vector<Extent>> extents =
      catalog_.extents(record.id, 0, std::numeric_limits<std::uint64_t>::max());
  if (!extents) return judge(extents.error(), name_of(record) + ": where its bytes are");
  const StreamShape shape = shape_of(record);
  std::uint64_t at = shape.own_begin;
  for (const Extent& extent : *extents) {
    if (extent.from != at) {
      damage(fmt::format("{}: bytes {} to {} are {}", name_of(record), std::min(at, extent.from),
                         std::max(at, extent.from),
                         at < extent.from ? "missing" : "in two places"));
    }
    at = extent.to;
    const auto known = packs_.find(extent.pack);
    if (known == packs_.end()) {
      damage(fmt::format("{}: bytes {} to {} are in pack {}, which the catalog does not know",
                         name_of(record), extent.from, extent.to, extent.pack));
      continue;
    }
    known->second.live_bytes += extent.to - extent.from;
    placed_bytes_ += extent.to - extent.from;
    if (!known->second.readable) {
      damage(fmt::format("{}: bytes {} to {} are lost with pack {}", name_of(record), extent.from,
                         extent.to, extent.pack),
             Part::kPacks);
      continue;
    }
    Result<std::shared_ptr<Pack>> pack = *open_packs_->get(Pack::Wait::kYes, extent.pack);
    const Status verified = pack.ok() ? (*pack)->verify(record.id, extent) : Status(pack.error());
    if (!verified) {
      if (Status judged = judge(verified.error(), name_of(record), Part::kPacks); !judged)
        return judged;
    }
  }
  if (at != shape.end)
    damage(fmt::format("{}: its bytes end at {}, and its record at {}", name_of(record), at,
                       shape.end));
  found_.stored_bytes += shape.end - std::min(shape.end, shape.own_begin);
  return {};
}

void DirectoryCheck::check_source(const SettledStream& stream) {
  const ForkPoint& fork = *stream.record.fork;
  ++forks_of_[fork.source];
  const Result<std::optional<SettledStream>> source = catalog_.find(fork.source);
  if (!source) return;  // told of where the source itself is looked at
  if (!*source) {
    damage(fmt::format(
        "{}: its source, stream {} ('{}'), is not there, and its first {} bytes with it",
        name_of(stream.record), fork.source, fork.source_path, fork.position));
  } else if ((*source)->record.tail.position < fork.position) {
    damage(fmt::format("{}: leaves its source at {}, behind that one's tail",
                       name_of(stream.record), fork.position));
  }
}

// While a settling is half done a source may be ahead of its forks.
void DirectoryCheck::check_forks() {
  if (meta_.settling > meta_.settled) return;
  for (const auto& [id, forks] : forks_of_) {
    const Result<std::optional<SettledStream>> source = catalog_.find(id);
    if (!source || !*source) continue;
    const std::uint64_t counted = (*source)->record.forks;
    if (counted != forks + (*source)->releases_owed) {
      damage(fmt::format("{}: counts {} forks; there are {}, and {} are owed to it",
                         name_of((*source)->record), counted, forks, (*source)->releases_owed));
    }
  }
}

Status DirectoryCheck::check_deadlines() {
  DueStream after{.deadline = WallTime::min(), .id = 0};
  std::uint64_t entries = 0;
  while (true) {
    const Result<std::vector<DueStream>> due = catalog_.due(after, kNever, kDeadlinesAtATime);
    if (!due) return judge(due.error(), "the catalog's deadlines");
    if (due->empty()) break;
    for (const DueStream& each : *due) {
      const Result<std::optional<SettledStream>> stream = catalog_.find(each.id);
      if (!stream) continue;
      if (!*stream || (*stream)->record.deadline != each.deadline)
        damage(fmt::format("stream {} has a deadline that its record does not have", each.id));
    }
    if (!(after < due->back())) {
      damage("the catalog's deadlines are out of order");
      break;
    }
    entries += due->size();
    after = due->back();
  }
  if (entries != deadlines_)
    damage(
        fmt::format("{} streams have a deadline, and the catalog lists {}", deadlines_, entries));
  return {};
}

void DirectoryCheck::check_totals() {
  if (totals_.streams != found_.streams)
    damage(fmt::format("the catalog holds {} streams, and counts {}", found_.streams,
                       totals_.streams));
  if (totals_.stored_bytes != placed_bytes_)
    damage(fmt::format("the catalog places {} bytes of streams, and counts {}", placed_bytes_,
                       totals_.stored_bytes));
  for (const auto& [id, known] : packs_) {
    if (known.live_bytes > known.info.stream_bytes) {
      damage(fmt::format("pack {} holds {} bytes of streams, and streams refer to {}", id,
                         known.info.stream_bytes, known.live_bytes));
    } else if (known.live_bytes != known.info.live_bytes) {
      note(
          fmt::format("pack {} is counted for {} bytes that streams refer to, and they refer to "
                      "{}: its space comes "
                      "back sooner or later than it should",
                      id, known.info.live_bytes, known.live_bytes));
    }
  }
}

// The changes must follow on what is settled, as they will at the next start.
Status DirectoryCheck::check_journal() {
  JournalRecovery recovery({.files = files_,
                            .directory = directory_ + "/journal",
                            .store_id = meta_.store_id,
                            .marks = marks_of(meta_)});
  TrialReplay trial(TrialReplay::settled_in(catalog_, meta_.settling));
  JournalRecovery::Visitor apply = [&](Lsn lsn, const Change& change) -> Status {
    Status applied = trial.apply(lsn, change);
    if (applied.ok() || applied.error().code != ErrorCode::kCorruption) return applied;
    damage(fmt::format("the journal's change {} does not follow on what is settled: {}", lsn,
                       applied.error().message),
           Part::kBetween);
    return {};
  };
  JournalFindings findings;
  if (Status replayed = recovery.replay(apply, findings); !replayed)
    return judge_journal(replayed.error(), recovery);
  if (Status checked = check_stray_packs(findings.last); !checked) return checked;
  found_.journal_changes = findings.records;
  if (meta_.clean && findings.records > 0)
    damage("the catalog says that the store was closed in order, but the journal holds more");
  if (findings.torn_bytes > 0) {
    note(
        fmt::format("{}: {} bytes of a write that did not end; nothing in them was acknowledged, "
                    "and the next start "
                    "cuts them off",
                    findings.torn_where, findings.torn_bytes));
  }
  return {};
}

Status DirectoryCheck::judge_journal(const Error& error, const JournalRecovery& recovery) {
  if (Status judged = judge(error, "the journal", Part::kJournal); !judged) return judged;
  // A pack may have what the journal lost, or no longer had to keep.
  if (Status checked = check_stray_packs(recovery.readable_until()); !checked) return checked;
  if (!recovery.was_followed()) return {};
  note(
      fmt::format("of the journal's changes that are not settled, those up to {} can be kept: "
                  "--repair ends it there, and puts what is behind aside",
                  recovery.readable_until()));
  return {};
}

}  // namespace durable_streams

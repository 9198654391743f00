// What belongs to the journal comes before the catalog, which may have to be made anew from it.
#include "store/file/store_check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "store/file/check.h"
#include "store/file/file_state.h"
#include "store/file/lmdb_catalog.h"
#include "store/file/put_aside.h"
#include "store/file/store_identity.h"
#include "store/file/trial_replay.h"

namespace durable_streams {

namespace {

using Kind = FileStoreFinding::Kind;

constexpr std::string_view kCatalogFile = "data.mdb";
constexpr std::size_t kAtATime = 1024;

bool is_lost(const Error& error) {
  return error.code == ErrorCode::kCorruption || error.code == ErrorCode::kNotFound;
}

}  // namespace

Result<std::unique_ptr<Catalog>> open_catalog_to_read(FileSystem& files,
                                                      const std::string& directory) {
  const std::string path = fmt::format("{}/catalog/{}", directory, kCatalogFile);
  {
    // LMDB finds no words for a file without a byte.
    Result<std::unique_ptr<File>> file = files.open(path, OpenMode::kRead);
    if (!file) return file.error();
    const Result<std::uint64_t> size = (*file)->size();
    if (!size) return size.error();
    if (*size == 0)
      return Error{.code = ErrorCode::kCorruption, .message = path + " is empty", .detail = {}};
  }
  Result<std::unique_ptr<Catalog>> catalog =
      open_lmdb_catalog({.directory = directory + "/catalog", .read_only = true});
  if (!catalog) return catalog;
  const Result<CatalogMeta> meta = (*catalog)->meta();
  if (!meta) return meta.error();
  // One that was begun and never used; the packs are another's, and no stray files.
  if (meta->store_id == 0) {
    if (Status none = FileState::expect_no_streams(files, directory); !none) return none.error();
  } else if (Status own = expect_own_catalog(files, directory, meta->store_id); !own) {
    return own.error();
  }
  return catalog;
}

void read_whole(Catalog& catalog) {
  constexpr std::string_view kWhy = "what can be read is told by the check";
  ignore(catalog.totals(), kWhy);
  ignore(catalog.packs(), kWhy);
  for (StreamId after = 0;;) {
    const Result<std::vector<SettledStream>> streams = catalog.streams_after(after, kAtATime);
    if (!streams || streams->empty()) break;
    for (const SettledStream& stream : *streams) {
      const StreamId id = stream.record.id;
      ignore(catalog.find(id), kWhy);
      ignore(catalog.find_path(stream.record.path), kWhy);
      ignore(catalog.extents(id, 0, UINT64_MAX), kWhy);
      ignore(catalog.count_producers(id), kWhy);
    }
    if (streams->back().record.id <= after) break;  // damaged pages may lead in a circle
    after = streams->back().record.id;
  }
  for (DueStream after{.deadline = WallTime::min(), .id = 0};;) {
    const Result<std::vector<DueStream>> due = catalog.due(after, kNever, kAtATime);
    if (!due || due->empty()) return;
    for (const DueStream& each : *due) ignore(catalog.find(each.id), kWhy);
    if (!(after < due->back())) return;
    after = due->back();
  }
}

Result<FileStoreCheck> StoreCheck::run() {
  if (Status noted = note_put_aside(); !noted) return noted.error();
  Result<Looked> looked = look();
  if (!looked) return looked.error();
  if (!options_.repair) {
    if (looked->catalog_lost)
      tell(Kind::kNote, "packs and journal still hold all streams: --repair makes it anew");
    return looked->found;
  }
  if (looked->found.damages > 0) {
    const Result<bool> repaired = repair(*looked);
    if (!repaired) return repaired.error();
    if (!*repaired) return looked->found;
    looked = look();
    if (!looked) return looked.error();
    if (looked->found.damages > 0) return looked->found;
  }
  if (Status cleared = clear_stray_packs(*looked); !cleared) return cleared.error();
  return looked->found;
}

// Once, before a repair puts more aside, and also where the catalog is lost: whoever misses
// something should know that it may be here.
Status StoreCheck::note_put_aside() {
  constexpr std::size_t kNamedMax = 5;
  for (const std::string_view part : {"catalog", "journal", "packs"}) {
    Result<std::vector<std::string>> names =
        files_.list(fmt::format("{}/{}", options_.directory, part));
    if (!names && names.error().code == ErrorCode::kNotFound) continue;
    if (!names) return names.error();
    std::erase_if(*names, [](const std::string& name) { return !name_before_aside(name); });
    if (names->empty()) continue;
    std::sort(names->begin(), names->end());
    const std::size_t named = std::min(names->size(), kNamedMax);
    const std::string more =
        named < names->size() ? fmt::format(" and {} more", names->size() - named) : "";
    tell(Kind::kNote,
         fmt::format(
             "{}: {} put aside earlier, which nothing reads: {}{}", part,
             names->size() == 1 ? "a file" : fmt::format("{} files", names->size()),
             fmt::join(names->begin(), names->begin() + static_cast<std::ptrdiff_t>(named), ", "),
             more));
  }
  return {};
}

bool StoreCheck::Looked::has_unreadable_stray() const {
  return std::any_of(stray_packs.begin(), stray_packs.end(), [](const StrayPack& pack) {
    return pack.kind == StrayPack::Kind::kUnreadable;
  });
}

Result<StoreCheck::Looked> StoreCheck::look() {
  Looked looked;
  Result<std::unique_ptr<Catalog>> catalog = catalog_is_lost_
                                                 ? Error{.code = ErrorCode::kCorruption,
                                                         .message = "its pages cannot be read",
                                                         .detail = {}}
                                                 : open_catalog_to_read(files_, options_.directory);
  if (!catalog) {
    if (!is_lost(catalog.error())) return catalog.error();
    tell(Kind::kDamage, fmt::format("the catalog is lost: {}", catalog.error().message));
    looked.catalog_lost = true;
    looked.found.damages = 1;
    return looked;
  }
  DirectoryCheck check(files_, **catalog, options_.directory, tell_);
  const Result<FileStoreCheck> found = check.run();
  if (!found) return found.error();
  looked.found = *found;
  looked.catalog_damaged = check.catalog_damages() > 0;
  looked.journal_damaged = check.journal_damages() > 0;
  looked.changes_unfollowed = check.unfollowed_changes() > 0;
  looked.meta = check.meta();
  looked.packs = check.packs();
  looked.stray_packs = check.stray_packs();
  return looked;
}

Result<std::uint64_t> StoreCheck::store_id(const Looked& looked) {
  if (looked.meta.store_id != 0) return looked.meta.store_id;
  return find_store_id(files_, options_.directory);
}

Result<bool> StoreCheck::repair(const Looked& looked) {
  const Result<std::uint64_t> store = store_id(looked);
  if (!store) return cannot_repair(store.error());
  JournalRepair journal(
      {.files = files_, .directory = options_.directory + "/journal", .store_id = *store});
  bool repaired = false;
  if (looked.catalog_lost || looked.journal_damaged) {
    if (Status made = make_journal_directory(looked); !made) return made.error();
    // A catalog that is made anew begins a new read sequence of its own.
    JournalRepair::NoteLoss note = [&] { return looked.catalog_lost ? Status{} : note_loss(); };
    const Result<JournalRepairs> headers = journal.mend_headers(note);
    if (!headers) return cannot_repair(headers.error());
    tell_of(*headers);
    repaired = true;
  }
  Lsn durable = 0;
  if (looked.needs_catalog() || looked.changes_unfollowed) {
    const SystemClock system_clock;
    const Clock& clock = options_.clock != nullptr ? *options_.clock : system_clock;
    CatalogRebuild rebuild(files_, options_.directory, clock.now());
    const Result<bool> rebuilt = rebuild_catalog(looked, rebuild);
    if (!rebuilt) return rebuilt.error();
    if (!*rebuilt && (looked.needs_catalog() || looked.has_unreadable_stray()))
      return repaired && !looked.catalog_lost && !looked.half_settled();
    repaired = repaired || *rebuilt;
    if (*rebuilt && rebuild.gap()) durable = rebuild.gap()->to;
  } else if (!repaired) {
    return false;
  }
  const Result<bool> ended = end_journal_before_damage(journal, durable);
  if (!ended) return ended.error();
  return repaired || *ended;
}

Result<bool> StoreCheck::cannot_repair(const Error& error) {
  if (!is_lost(error)) return error;
  tell(Kind::kNote, fmt::format("nothing can be repaired: {}", error.message));
  return false;
}

Status StoreCheck::make_journal_directory(const Looked& looked) {
  const std::string directory = options_.directory + "/journal";
  const Result<std::vector<std::string>> names = files_.list(directory);
  if (names || names.error().code != ErrorCode::kNotFound) return {};
  const bool empty = looked.meta.clean;
  if (!empty && !looked.catalog_lost) {
    if (Status noted = note_loss(); !noted) return noted;
  }
  if (Status made = files_.create_directories(directory); !made) return made;
  tell(Kind::kRepaired,
       fmt::format("the journal's directory is made again, empty: {}",
                   empty ? "the store was closed in order, and lost nothing with the old one"
                         : "what was acknowledged and not settled yet is lost unless a backup has "
                           "it"));
  return {};
}

// Whatever is wrong with a catalog, one that is made anew has it right, unless packs are damaged.
Result<bool> StoreCheck::rebuild_catalog(const Looked& looked, CatalogRebuild& rebuild) {
  constexpr std::string_view kLeft = "the catalog cannot be made anew, and is left as it is";
  if (Status read = rebuild.read(); !read) {
    if (!is_lost(read.error())) return read.error();
    const std::string_view way =
        rebuild.pasts_differ()
            ? "one of them was away while the store went on without it: move that one away"
            : "restore that file, or a backup";
    tell(Kind::kNote, fmt::format("{}: {}; {}", kLeft, read.error().message, way));
    return false;
  }
  for (const PackId pack : looked.packs) {
    if (rebuild.knows(pack)) continue;
    tell(Kind::kNote,
         fmt::format(
             "{}: without pack {} it would lack what only that pack and the old catalog tell "
             "of; restore that file, or a backup, or move an older catalog that was put there away",
             kLeft, pack));
    return false;
  }
  if (rebuild.gap()) {
    tell_of(*rebuild.gap());
    if (Status passed = put_aside_what_is_passed(*rebuild.gap()); !passed) return passed.error();
  }
  const Result<std::string> old = replace_catalog(rebuild);
  if (!old) return old.error();
  tell(Kind::kRepaired,
       fmt::format("the catalog was made anew from {} packs, with {} streams; {}", rebuild.packs(),
                   rebuild.streams(),
                   old->empty() ? "there was no old one" : "the old one is " + *old));
  return true;
}

// Before there is a catalog with which a start would remove them.
Status StoreCheck::put_aside_what_is_passed(const CatalogRebuild::Gap& gap) {
  if (!gap.passable || gap.unreadable.empty()) return {};
  const std::string directory = options_.directory + "/journal";
  JournalRepairs repairs;
  for (const std::string& name : gap.unreadable) {
    Result<std::string> aside = put_aside(files_, directory, name);
    if (!aside) return aside.error();
    repairs.put_aside.push_back(std::move(aside).value());
  }
  if (Status synced = files_.sync_directory(directory); !synced) return synced;
  tell_of(repairs);
  return {};
}

Result<bool> StoreCheck::end_journal_before_damage(JournalRepair& journal, Lsn durable) {
  const Result<std::unique_ptr<Catalog>> catalog = open_catalog_to_write();
  if (!catalog) return catalog.error();
  const Result<CatalogMeta> meta = (*catalog)->meta();
  if (!meta) return meta.error();
  JournalMarks marks = marks_of(*meta);
  marks.durable = std::max(marks.durable, durable);
  TrialReplay trial(TrialReplay::settled_in(**catalog, meta->settling));
  JournalRecovery::Visitor follow = [&trial](Lsn lsn, const Change& change) {
    return trial.apply(lsn, change);
  };
  JournalRepair::NoteLoss note = [&] { return note_loss(**catalog); };
  const Result<JournalRepairs> ended = journal.end_before_damage(marks, follow, note);
  if (!ended) return ended.error();
  tell_of(*ended);
  return ended->any();
}

// A crash meanwhile leaves no catalog, or one without the store's state, which is made anew again.
Result<std::string> StoreCheck::replace_catalog(CatalogRebuild& rebuild) {
  const std::string directory = options_.directory + "/catalog";
  if (Status made = files_.create_directories(directory); !made) return made.error();
  const Result<std::vector<std::string>> names = files_.list(directory);
  if (!names) return names.error();
  std::string old;
  if (std::find(names->begin(), names->end(), kCatalogFile) != names->end()) {
    Result<std::string> moved = put_aside(files_, directory, std::string(kCatalogFile));
    if (!moved) return moved;
    if (Status synced = files_.sync_directory(directory); !synced) return synced.error();
    old = std::move(moved).value();
  }
  catalog_is_lost_ = false;
  const Result<std::unique_ptr<Catalog>> catalog = open_catalog_to_write();
  if (!catalog) return catalog.error();
  if (Status written = rebuild.write(**catalog); !written) return written.error();
  return old;
}

Result<std::unique_ptr<Catalog>> StoreCheck::open_catalog_to_write() {
  return open_lmdb_catalog({.directory = options_.directory + "/catalog"});
}

Status StoreCheck::note_loss() {
  const Result<std::unique_ptr<Catalog>> catalog = open_catalog_to_write();
  return catalog ? note_loss(**catalog) : Status(catalog.error());
}

Status StoreCheck::note_loss(Catalog& catalog) {
  Result<CatalogMeta> meta = catalog.meta();
  if (!meta) return meta.error();
  meta->clean = false;
  meta->may_lose = true;
  Result<std::unique_ptr<Catalog::Update>> update = catalog.begin();
  if (!update) return update.error();
  if (Status put = (*update)->put_meta(*meta); !put) return put;
  return (*update)->commit();
}

Status StoreCheck::clear_stray_packs(Looked& looked) {
  if (Status cleared =
          durable_streams::clear_stray_packs({.files = files_,
                                              .directory = options_.directory + "/packs",
                                              .store_id = looked.meta.store_id},
                                             looked.stray_packs);
      !cleared)
    return cleared;
  for (const StrayPack& pack : looked.stray_packs) {
    tell(Kind::kRepaired,
         pack.aside.empty()
             ? fmt::format("packs/{} is removed", pack.name)
             : fmt::format("packs/{} is put aside: nothing reads it any more", pack.name));
  }
  return {};
}

void StoreCheck::tell_of(const JournalRepairs& repairs) {
  for (const std::string& name : repairs.mended)
    tell(Kind::kRepaired, fmt::format("{} has its header again, and lost nothing", name));
  for (const std::string& name : repairs.renamed)
    tell(Kind::kRepaired, fmt::format("{} has its name again, and lost nothing", name));
  if (repairs.put_aside.empty()) return;
  if (repairs.ends_with > 0) {
    tell(
        Kind::kRepaired,
        fmt::format("the journal ends with change {} now: what was acknowledged after that is lost "
                    "unless a backup has it",
                    repairs.ends_with));
  }
  for (const std::string& name : repairs.put_aside)
    tell(Kind::kRepaired, fmt::format("{} is put aside: nothing reads it any more", name));
}

void StoreCheck::tell_of(const CatalogRebuild::Gap& gap) {
  const std::string changes =
      fmt::format("neither packs nor journal tell of the changes {} to {}", gap.from, gap.to);
  if (gap.passable) {
    tell(Kind::kNote,
         fmt::format("{}: they left no trace, or are lost with a file of the journal; what comes "
                     "after them is kept as far as it follows",
                     changes));
  } else {
    tell(Kind::kNote, fmt::format("{}, and what comes after them builds on them", changes));
  }
}

void StoreCheck::tell(Kind kind, std::string text) {
  tell_({.kind = kind, .text = std::move(text)});
}

}  // namespace durable_streams

// How a directory becomes a store: the catalog as it was last settled, and the journal's changes
// since.
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <random>
#include <set>
#include <utility>

#include "store/file/file_state.h"
#include "store/file/journal_format.h"
#include "store/file/put_aside.h"
#include "store/file/store_identity.h"
#include "store/file/stray_packs.h"

namespace durable_streams {

namespace {

constexpr std::string_view kLockName = "LOCK";
constexpr std::string_view kPackEnding = ".pack";

// After a crash ids go on so far behind the last one known: some may have been given to streams
// that were lost with unsynced changes, and their readers must not take a new stream for an old
// one.
constexpr StreamId kIdsSkipped = StreamId{1} << 32;

std::uint64_t random_number() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

}  // namespace

std::string FileState::journal_directory() const { return options_.directory + "/journal"; }
std::string FileState::packs_directory() const { return options_.directory + "/packs"; }

FileState::FileState(Place place, FileStoreOptions options)
    : files_(place.files),
      catalog_(place.catalog),
      clock_(place.clock),
      options_(std::move(options)),
      reserve_(files_, options_.directory, options_.reserve_bytes) {}

FileState::~FileState() = default;

Result<std::unique_ptr<DirectoryLock>> FileState::lock(FileSystem& files,
                                                       const std::string& directory) {
  if (Status made = files.create_directories(directory); !made) return made.error();
  return files.lock(directory, std::string(kLockName));
}

Result<std::unique_ptr<FileState>> FileState::open(Place place, const FileStoreOptions& options) {
  std::unique_ptr<FileState> state(new FileState(place, options));
  Status recovered = state->recover();
  if (!recovered && recovered.error().code == ErrorCode::kNoSpace &&
      state->reserve_.give_up_earlier()) {
    state.reset(new FileState(place, options));
    recovered = state->recover();
  }
  if (!recovered) return recovered.error();
  state->pack_written_bytes_.store(0);  // those were there
  if (!state->active_->empty())
    state->active_since_.store(Steady::now().time_since_epoch().count());
  return state;
}

Status FileState::recover() {
  if (Status read = read_meta(); !read) return read;
  if (Status there = expect_journal(); !there) return there;
  for (const std::string& directory : {journal_directory(), packs_directory()}) {
    if (Status made = files_.create_directories(directory); !made) return made;
  }
  if (Status read = read_packs(); !read) return read;
  if (options_.read_cache_bytes_max > 0)
    blocks_ = std::make_shared<BlockCache>(options_.read_cache_bytes_max);
  packs_ =
      std::make_unique<OpenPacks>(files_, OpenPacks::Options{.directory = packs_directory(),
                                                             .store_id = meta_.store_id,
                                                             .open_max = options_.max_file_handles,
                                                             .blocks = blocks_});
  opening_.clean = meta_.clean;
  if (Status replayed = replay(); !replayed) return replayed;
  if (Status swept = sweep_packs(); !swept) return swept;
  if (Status noted = note_missing_packs(); !noted) return noted;
  return begin_life();
}

Status FileState::read_meta() {
  Result<CatalogMeta> meta = catalog_.meta();
  if (!meta) return meta.error();
  meta_ = *meta;
  if (meta_.store_id == 0) {
    if (Status none = expect_no_streams(files_, options_.directory); !none) return none;
    meta_ = {.store_id = random_number() | 1, .clean = true};
    // Ids differ between two stores, so that an ETag of one is none of the other's.
    meta_.next_stream_id = (random_number() >> 16) | 1;
    if (Status put = put_meta(); !put) return put;
  } else if (Status own = expect_own_catalog(files_, options_.directory, meta_.store_id); !own) {
    return own;
  }
  const Result<CatalogTotals> totals = catalog_.totals();
  if (!totals) return totals.error();
  note_totals(*totals);
  return {};
}

// A store that may have lost changes, as a backup may, needs no journal; nor does one that was
// closed in order.
Status FileState::expect_journal() const {
  if (meta_.clean || meta_.may_lose) return {};
  const Result<std::vector<std::string>> names = files_.list(journal_directory());
  if (names || names.error().code != ErrorCode::kNotFound) return {};
  return Error{.code = ErrorCode::kCorruption,
               .message = fmt::format("{} is missing, and the store was not closed in order: what "
                                      "was acknowledged last is there; `durable-streams-server "
                                      "fsck` says what can be kept without it",
                                      journal_directory()),
               .detail = {}};
}

Status FileState::expect_no_streams(FileSystem& files, const std::string& directory) {
  for (const auto& [part, ending] :
       {std::pair("/packs", kPackEnding), std::pair("/journal", journal_format::kSegmentEnding)}) {
    const Result<std::vector<std::string>> names = files.list(directory + part);
    if (!names) continue;  // there is none yet
    const bool any =
        std::any_of(names->begin(), names->end(),
                    [&end = ending](const std::string& name) { return name.ends_with(end); });
    if (!any) continue;
    return Error{.code = ErrorCode::kCorruption,
                 .message = fmt::format("{}: the catalog is lost, and packs or journal still hold "
                                        "the streams: fsck --repair makes it anew from them",
                                        directory),
                 .detail = {}};
  }
  return {};
}

Status FileState::read_packs() {
  const Result<std::vector<PackInfo>> packs = catalog_.packs();
  if (!packs) return packs.error();
  const MutexLock lock(packs_mutex_);
  const std::unordered_map<PackId, PackInfo> known = std::exchange(pack_infos_, {});
  for (const PackInfo& pack : *packs) {
    pack_infos_.emplace(pack.id, pack);
    if (!known.contains(pack.id)) pack_written_bytes_.fetch_add(pack.file_bytes);
    meta_.next_pack_id = std::max(meta_.next_pack_id, pack.id + 1);
  }
  return {};
}

// Somebody has put an older catalog there where one of them has more than it and the journal know.
Status FileState::sweep_packs() {
  const PacksPlace place{
      .files = files_, .directory = packs_directory(), .store_id = meta_.store_id};
  const std::unordered_map<PackId, PackInfo> known = pack_infos();
  Result<std::vector<StrayPack>> packs = find_stray_packs(
      place, [&known](PackId id) { return known.contains(id); },
      {.settled = meta_.settled, .last = journal_->last(), .next_pack_id = meta_.next_pack_id});
  if (!packs) return packs.error();
  for (const StrayPack& pack : *packs) {
    if (pack.kind == StrayPack::Kind::kNeeded) return older_catalog(pack);
  }
  if (Status cleared = clear_stray_packs(place, *packs); !cleared) return cleared;
  if (Status noted = note_pack_names(); !noted) return noted;
  for (const StrayPack& pack : *packs) {
    if (pack.aside.empty()) continue;
    note_damage(
        {.code = ErrorCode::kCorruption,
         .message = fmt::format("{}: it is put aside as {}", unknown_pack(pack), pack.aside),
         .detail = {}});
  }
  return {};
}

// No new pack gets the name of one that was put aside: it may have to get that back.
Status FileState::note_pack_names() {
  const Result<std::vector<std::string>> names = files_.list(packs_directory());
  if (!names) return names.error();
  for (const std::string& name : *names) {
    const PackId id = pack_in(name_before_aside(name).value_or(name));
    meta_.next_pack_id = std::max(meta_.next_pack_id, id + 1);
  }
  return {};
}

// All else can still be read, so that this keeps nobody from it.
Status FileState::note_missing_packs() {
  const Result<std::vector<std::string>> names = files_.list(packs_directory());
  if (!names) return names.error();
  const std::set<std::string, std::less<>> there(names->begin(), names->end());
  for (const auto& [id, info] : pack_infos()) {
    if (there.contains(pack_file_name(id))) continue;
    note_damage({.code = ErrorCode::kCorruption, .message = missing_pack(info), .detail = {}});
  }
  return {};
}

Error FileState::older_catalog(const StrayPack& pack) const {
  return {.code = ErrorCode::kCorruption,
          .message = fmt::format("{}: packs/{} holds changes up to {}, and the catalog, which "
                                 "does not know of it, and the journal end at {}: an older "
                                 "catalog is in its place; fsck --repair makes it anew",
                                 options_.directory, pack.name, pack.last, journal_->last()),
          .detail = {}};
}

Status FileState::replay() {
  active_ = std::make_unique<Memtable>(meta_.settling);
  StreamId last_id = 0;
  Memtable::FindBelow below = [this](StreamId id) { return catalog_.find(id); };
  Journal::Visitor apply = [&](Lsn lsn, const Change& change) -> Status {
    if (const auto* create = std::get_if<CreateChange>(&change))
      last_id = std::max(last_id, create->record.id);
    ++opening_.replayed;
    return active_->apply(lsn, change, below);
  };
  Journal::Recovered found;
  Result<std::unique_ptr<Journal>> journal =
      Journal::open(files_, journal_directory(), meta_.store_id, marks_of(meta_),
                    {.segment_bytes = options_.segment_bytes}, apply, found);
  if (!journal) return journal.error();
  journal_ = std::move(journal).value();
  opening_.torn_bytes = found.torn_bytes;
  opening_.torn_where = found.torn_where;
  next_stream_id_.store(std::max(meta_.next_stream_id, last_id + 1), std::memory_order_relaxed);
  const MutexLock lock(commit_mutex_);
  durable_ = journal_->last();
  return {};
}

// Says in the catalog that the store is in use, before any change: so the next start knows how this
// life ended.
Status FileState::begin_life() {
  if (!opening_.clean) {
    next_stream_id_.fetch_add(kIdsSkipped, std::memory_order_relaxed);
    meta_.ttl_floor = clock_.now();
    // Nobody can tell a crash of the machine, which loses what was not synced, from one of the
    // process, which does not.
    opening_.may_have_lost = meta_.may_lose;
    if (meta_.may_lose) ++meta_.read_sequence;
  }
  meta_.clean = false;
  meta_.may_lose = options_.durability != Durability::kAlways;
  read_sequence_ = meta_.read_sequence;
  meta_.next_stream_id = next_stream_id_.load(std::memory_order_relaxed);
  ttl_floor_ms_.store(meta_.ttl_floor.time_since_epoch().count(), std::memory_order_relaxed);
  const Result<DueStream> first = first_below_active();
  if (!first) return first.error();
  set_catalog_first(*first);
  if (Status put = put_meta(); !put) return put;
  return take_reserve();
}

// A store opens on a full disk too: to be read, and to delete from.
Status FileState::take_reserve() {
  Status taken = reserve_.take();
  if (taken.ok() || taken.error().code != ErrorCode::kNoSpace) return taken;
  short_of_room_.store(true, std::memory_order_relaxed);
  return {};
}

}  // namespace durable_streams

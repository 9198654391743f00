// Backups and scrubs while everything else goes on, and bits that rot.
#include "tests/sim/simulation.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "store/file/check.h"
#include "store/file/pack_format.h"
#include "store/file/pack_writer.h"
#include "tests/sim/state_comparison.h"

namespace durable_streams {

namespace {

constexpr std::string_view kCatalogFile = "/catalog/data.mdb";

// In place of a distance that is drawn at random.
constexpr StreamId kIdsApart = StreamId{1} << 40;

constexpr std::size_t kWhole = std::numeric_limits<std::size_t>::max();

Error machine_is_down() {
  return {.code = ErrorCode::kCanceled, .message = "the machine is down", .detail = {}};
}

// How many bytes of `of` the stream shows, which may be a fork of it, or of a fork of it.
std::uint64_t shown_of(const StoreModel& model, const StoreModel::Stream& stream, StreamId of) {
  std::uint64_t shown = stream.bytes.size();
  const StoreModel::Stream* each = &stream;
  while (each->record.id != of) {
    if (!each->record.fork) return 0;
    shown = std::min(shown, each->record.fork->position);
    each = model.find(each->record.fork->source);
  }
  return shown;
}

}  // namespace

// What other threads do between two steps of upkeep.
void Simulation::meanwhile() {
  if (disk_.dead() || !random_.one_in(3)) return;
  switch (random_.below(4)) {
    case 0:
      return ask(1 + random_.below(4));
    case 1:
      return commit();
    case 2:
      return settle();
    default:
      return merge();
  }
}

void Simulation::back_up() {
  verify_copies();
  if (!copies_.empty() || !violations_.none() || disk_.dead()) return;
  Copy copy{.directory = "copy" + std::to_string(copies_made_),
            .begin = history_.ledger(),
            .begin_count = history_.committed(),
            .later = {},
            .read_sequence = state().read_sequence()};
  disk_.set_links(random_.one_in(2));
  const Status made = make_backup(copy.directory);
  copy.later = history_.since(copy.begin_count);
  copy.made = made.ok();
  ++(made.ok() ? tally_.backups : tally_.failed_backups);
  if (!made.ok() && !strained_ && !disk_.dead() && !failed_for_good())
    return violations_.add("a backup fails on a sound disk: " + made.error().message);
  if (made.ok() && !strained_ && !disk_.dead() && random_.one_in(3))
    return restore(std::move(copy));
  copies_.push_back(std::move(copy));
  verify_copies();
}

Status Simulation::make_backup(const std::string& directory) {
  Result<std::unique_ptr<Backup>> backup = Backup::begin(files_, directory);
  if (!backup) return backup.error();
  Status done = copy_into(**backup);
  state().end_backup(done);
  return done;
}

Status Simulation::copy_into(Backup& backup) {
  where_ = Where::kSettling;
  const Result<std::vector<PackInfo>> packs = state().begin_backup(backup);
  where_ = Where::kOutside;
  if (!packs) return packs.error();
  Status copied = backup.copy_packs(options_.directory + "/packs", *packs, [this]() -> Status {
    meanwhile();
    return {};
  });
  return copied.ok() ? backup.finish() : copied;
}

// A file on the disk, which fails and forgets as others do, says which copy it stands for.
Status Simulation::keep_catalog(const std::string& directory, std::unique_ptr<MapCatalog> copy) {
  CatalogMeta meta = copy->meta().value();
  const StreamId next = state().next_stream_id();
  violations_.check(meta.next_stream_id >= next, "a backup may give ids that are given already");
  meta.next_stream_id = next + kIdsApart;
  Result<std::unique_ptr<Catalog::Update>> update = copy->begin();
  ignore((*update)->put_meta(meta), "the map takes it");
  ignore((*update)->commit(), "the map takes it");
  interlude("catalog");
  Result<std::unique_ptr<File>> file = files_.open(directory + "/data.mdb", OpenMode::kCreate);
  if (!file) return file.error();
  const std::string name = std::to_string(catalog_copies_.size());
  const std::array<std::string_view, 1> part{name};
  if (Status written = (*file)->write(0, part); !written) return written;
  if (Status synced = (*file)->sync(); !synced) return synced;
  if (Status synced = files_.sync_directory(directory); !synced) return synced;
  catalog_copies_.push_back(std::move(copy));
  return {};
}

MapCatalog* Simulation::catalog_of(const std::string& directory) const {
  const std::optional<std::string> name = disk_.content(directory + std::string(kCatalogFile));
  return name && !name->empty() ? catalog_copies_.at(std::stoul(*name)).get() : nullptr;
}

// A directory of the name that was asked for is a whole backup, also where nobody was told so.
void Simulation::verify_copies() {
  while (!copies_.empty() && violations_.none() && !strained_ && !disk_.dead()) {
    const Copy& copy = copies_.back();
    const bool there = disk_.list(copy.directory).ok();
    violations_.check(there || !copy.made, "a backup is gone");
    if (there) verify_copy(copy);
    if (disk_.dead()) return;  // once more in the next life
    if (there) ++copies_made_;
    copies_.pop_back();
  }
}

void Simulation::verify_copy(const Copy& copy) {
  MapCatalog* catalog = catalog_of(copy.directory);
  if (catalog == nullptr) return violations_.add("a backup has no catalog");
  DirectoryCheck::Tell tell = [this](const FileStoreFinding& finding) {
    if (finding.kind == FileStoreFinding::Kind::kDamage)
      violations_.add("a backup is damaged: " + finding.text);
  };
  ignore(DirectoryCheck(disk_, *catalog, copy.directory, tell).run(), "opening it fails as well");
  FileStoreOptions options = options_;
  options.directory = copy.directory;
  const Result<std::unique_ptr<FileState>> opened =
      FileState::open({.files = disk_, .catalog = *catalog, .clock = clock_}, options);
  if (disk_.dead()) return;
  if (!opened) return violations_.add("a backup does not open: " + opened.error().message);
  violations_.check((*opened)->read_sequence() > copy.read_sequence,
                    "a backup has its original's read sequence");
  Ledger ledger = copy.begin;
  auto next = copy.later.begin();
  while (true) {
    const std::string differs =
        StateComparison(**opened, ledger.model(), random_, clock_.now(), clock_.now()).difference();
    if (differs.empty()) return;
    if (next == copy.later.end())
      return violations_.add("a backup holds what no prefix is: " + differs);
    ledger.commit((*next++)->change());
  }
}

// The store goes on from its copy, as after a crash that has taken all that came later.
void Simulation::restore(Copy copy) {
  ++tally_.restores;
  ++copies_made_;
  end_life(false);
  MapCatalog* catalog = catalog_of(copy.directory);
  if (catalog == nullptr) return violations_.add("a backup has no catalog");
  history_.restored(std::move(copy.begin), copy.begin_count, std::move(copy.later));
  options_.directory = copy.directory;
  install_catalog(catalog->copy());
  served_may_lose_ = true;
  lossy_ends_ = 1;
  begin_life();
}

void Simulation::scrub() {
  const Status scrubbed = state().scrub([this](std::uint64_t) -> Status {
    meanwhile();
    return disk_.dead() ? Status(machine_is_down()) : Status();
  });
  ++tally_.scrubs;
  if (!scrubbed.ok() && !strained_ && !disk_.dead())
    violations_.add("scrubbing fails on a sound disk: " + scrubbed.error().message);
  check_nothing_damaged();
}

void Simulation::check_nothing_damaged() {
  if (!sound_) return;
  const std::vector<std::string> damage = state().file_stats().damage;
  if (!damage.empty()) violations_.add("damage is told of where there is none: " + damage.front());
}

// A bit rots, is found, and is right again.
void Simulation::break_block() {
  if (!sound_ || disk_.dead() || failed_for_good()) return;
  const std::optional<BrokenBlock> block = pick_block();
  if (!block) return;
  ++tally_.blocks_broken;
  check_nothing_damaged();
  sound_ = false;
  disk_.flip_bit(block->file, block->offset, block->bit);
  check_broken(*block);
  disk_.flip_bit(block->file, block->offset, block->bit);
  verify();
}

// The first block of something that is settled, and of use.
std::optional<Simulation::BrokenBlock> Simulation::pick_block() {
  std::vector<std::pair<StreamId, Extent>> settled;
  for (const auto& [id, stream] : history_.model().streams()) {
    const Result<std::vector<Extent>> extents =
        catalog_->extents(id, 0, std::numeric_limits<std::uint64_t>::max());
    for (const Extent& extent : *extents) settled.emplace_back(id, extent);
  }
  if (settled.empty()) return std::nullopt;
  const auto& [id, extent] = settled[random_.below(settled.size())];
  const std::uint64_t bytes = pack_format::block_data_bytes(extent, 0);
  return BrokenBlock{
      .file = options_.directory + "/packs/" + pack_file_name(extent.pack),
      .offset = extent.offset + random_.below(pack_format::kBlockHeaderBytes + bytes),
      .bit = static_cast<unsigned>(random_.below(8)),
      .pack = extent.pack,
      .stream = id,
      .from = extent.from,
      .to = extent.from + bytes};
}

void Simulation::check_broken(const BrokenBlock& block) {
  const Status scrubbed = state().scrub([](std::uint64_t) { return Status(); });
  violations_.check(scrubbed.ok(), "scrubbing fails where it finds damage");
  const std::vector<std::string> damage = state().file_stats().damage;
  const std::string where = "pack " + std::to_string(block.pack) + ": stream " +
                            std::to_string(block.stream) + ", bytes " + std::to_string(block.from) +
                            " to " + std::to_string(block.to) + ":";
  if (damage.size() != 1 || !damage.front().starts_with(where))
    violations_.add("scrubbing does not tell of " + where);
  for (const auto& [id, stream] : history_.model().streams()) {
    const std::uint64_t shown = shown_of(history_.model(), stream, block.stream);
    const std::uint64_t from = std::min(block.from, shown);
    const std::uint64_t to = std::min(block.to, shown);
    check_read(stream, 0, from, false);
    check_read(stream, from, to, true);
    check_read(stream, to, stream.bytes.size(), false);
  }
}

// `broken`: it must be refused, or come as it was before from the cache.
void Simulation::check_read(const StoreModel::Stream& stream, std::uint64_t from, std::uint64_t to,
                            bool broken) {
  if (from >= to) return;
  StoredBytes bytes;
  const ReadRange range{.id = stream.record.id, .from = from, .to = to, .bytes_max = kWhole};
  const Status read = *state().read(FileState::Wait::kYes, range, bytes);
  if (broken && (!read.ok() || options_.read_cache_bytes_max == 0)) {
    ++tally_.damage_reported;
    return violations_.check(!read.ok() && read.error().code == ErrorCode::kCorruption,
                             "damage is read over");
  }
  std::string text;
  for (const Slice& slice : bytes.slices) text += slice.view();
  violations_.check(read.ok() && text == stream.bytes.substr(from, to - from),
                    "damage reaches what is sound");
}

// Bits rot anywhere in packs: what is read is right, or an error, and scrubbing has told of it.
void Simulation::check_rot() {
  settle();
  if (!violations_.none()) return;
  const std::string directory = options_.directory + "/packs";
  const Result<std::vector<std::string>> packs = disk_.list(directory);
  if (!packs || packs->empty()) return;
  for (int flips = 0; flips < 3; ++flips) {
    const std::string path = directory + "/" + (*packs)[random_.below(packs->size())];
    const std::optional<std::string> content = disk_.content(path);
    if (content && !content->empty())
      disk_.flip_bit(path, random_.below(content->size()), static_cast<unsigned>(random_.below(8)));
  }
  ignore(state().scrub([](std::uint64_t) { return Status(); }), "reads tell what they find");
  const bool found = !state().file_stats().damage.empty();
  for (const auto& [id, stream] : history_.model().streams()) {
    if (stream.bytes.empty()) continue;
    StoredBytes bytes;
    const ReadRange range{
        .id = id, .from = 0, .to = stream.bytes.size(), .bytes_max = std::size_t{1} << 24};
    const Status read = *state().read(FileState::Wait::kYes, range, bytes);
    if (!read.ok()) {
      ++tally_.damage_reported;
      violations_.check(found, "scrubbing does not find what a read does: " + read.error().message);
      violations_.check(read.error().code == ErrorCode::kCorruption,
                        "damage is not told as such: " + read.error().message);
      continue;
    }
    std::string text;
    for (const Slice& slice : bytes.slices) text += slice.view();
    violations_.check(text == stream.bytes, "damaged bytes are shown");
  }
}

}  // namespace durable_streams

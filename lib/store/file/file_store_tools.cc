// The tools over a real directory: they lock it as a store would, and never create one.
#include <durable_streams/file_store.h>
#include <durable_streams/file_store_tools.h>

#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <memory>
#include <utility>
#include <vector>

#include "store/file/check.h"
#include "store/file/file_state.h"
#include "store/file/journal.h"
#include "store/file/lmdb_catalog.h"
#include "store/file/posix_file_system.h"
#include "store/file/rebuild.h"

namespace durable_streams {

namespace {

using Kind = FileStoreFinding::Kind;

constexpr std::string_view kCatalogFile = "data.mdb";
constexpr std::string_view kDamagedCatalogFile = "data.mdb.damaged";

// A directory that is there, and nobody else's meanwhile.
Result<std::unique_ptr<DirectoryLock>> lock_store(FileSystem& files, const std::string& directory) {
  const Result<std::vector<std::string>> names = files.list(directory);
  if (!names) return names.error();
  const bool journal = files.list(directory + "/journal").ok();
  const bool packs = files.list(directory + "/packs").ok();
  if (!journal && !packs) {
    return Error{
        .code = ErrorCode::kNotFound,
        .message = fmt::format("{} holds no streams: it has neither journal nor packs", directory),
        .detail = {}};
  }
  return FileState::lock(files, directory);
}

// The catalog to be read, whole as far as can be seen at a glance.
Result<std::unique_ptr<Catalog>> open_to_read(FileSystem& files, const std::string& directory) {
  Result<std::unique_ptr<Catalog>> catalog =
      open_lmdb_catalog({.directory = directory + "/catalog", .read_only = true});
  if (!catalog) return catalog;
  const Result<CatalogMeta> meta = (*catalog)->meta();
  if (!meta) return meta.error();
  // One that was begun and never used; the packs are another's, and no stray files.
  if (meta->store_id == 0) {
    if (Status none = FileState::expect_no_streams(files, directory); !none) return none.error();
  }
  return catalog;
}

Result<std::uint64_t> bytes_of(FileSystem& files, const std::string& path) {
  Result<std::unique_ptr<File>> file = files.open(path, OpenMode::kRead);
  if (!file) return file.error();
  return (*file)->size();
}

// One check, and what is repaired by it. Threads: one at a time.
class StoreCheck {
 public:
  using Tell = Function<void(const FileStoreFinding&)>;

  StoreCheck(FileSystem& files, const FileStoreCheckOptions& options, Tell& tell)
      : files_(files), options_(options), tell_(tell) {}

  Result<FileStoreCheck> run() {
    Result<std::unique_ptr<Catalog>> catalog = open_to_read(files_, options_.directory);
    if (!catalog && !is_lost(catalog.error())) return catalog.error();
    if (!catalog) {
      tell_({.kind = Kind::kDamage,
             .text = fmt::format("the catalog is lost: {}", catalog.error().message)});
      if (!options_.repair)
        return only_damage("packs and journal still hold all streams: --repair makes it anew");
      return rebuild_and_check();
    }
    DirectoryCheck check(files_, **catalog, options_.directory, tell_);
    Result<FileStoreCheck> found = check.run();
    if (!found || !options_.repair) return found;
    if (Status removed = remove_stray_files(check.stray_files()); !removed) return removed.error();
    if (found->damages == 0) return found;
    catalog->reset();
    return rebuild_and_check();
  }

 private:
  static bool is_lost(const Error& error) {
    return error.code == ErrorCode::kCorruption || error.code == ErrorCode::kNotFound;
  }

  FileStoreCheck only_damage(std::string note) {
    tell_({.kind = Kind::kNote, .text = std::move(note)});
    return {.damages = 1};
  }

  // Whatever is wrong with a catalog, one that is made anew has it right, unless packs or journal
  // are damaged.
  Result<FileStoreCheck> rebuild_and_check() {
    const SystemClock system_clock;
    const Clock& clock = options_.clock != nullptr ? *options_.clock : system_clock;
    CatalogRebuild rebuild(files_, options_.directory, clock.now());
    if (Status read = rebuild.read(); !read) {
      if (!is_lost(read.error())) return read.error();
      return only_damage(fmt::format("the catalog cannot be made anew, and is left as it is: {}",
                                     read.error().message));
    }
    if (Status written = replace_catalog(rebuild); !written) return written.error();
    tell_({.kind = Kind::kRepaired,
           .text = fmt::format(
               "the catalog was made anew from {} packs, with {} streams; the old one, if any, is "
               "catalog/{}",
               rebuild.packs(), rebuild.streams(), kDamagedCatalogFile)});
    Result<std::unique_ptr<Catalog>> catalog = open_to_read(files_, options_.directory);
    if (!catalog) return catalog.error();
    DirectoryCheck check(files_, **catalog, options_.directory, tell_);
    Result<FileStoreCheck> found = check.run();
    if (!found) return found;
    if (Status removed = remove_stray_files(check.stray_files()); !removed) return removed.error();
    return found;
  }

  // A crash meanwhile leaves no catalog, or one without the store's state, which is made anew
  // again.
  Status replace_catalog(CatalogRebuild& rebuild) {
    const std::string directory = options_.directory + "/catalog";
    if (Status made = files_.create_directories(directory); !made) return made;
    const Result<std::vector<std::string>> names = files_.list(directory);
    if (!names) return names.error();
    if (std::find(names->begin(), names->end(), kCatalogFile) != names->end()) {
      Status moved = files_.rename(fmt::format("{}/{}", directory, kCatalogFile),
                                   fmt::format("{}/{}", directory, kDamagedCatalogFile));
      if (!moved) return moved;
      if (Status synced = files_.sync_directory(directory); !synced) return synced;
    }
    Result<std::unique_ptr<Catalog>> catalog = open_lmdb_catalog({.directory = directory});
    if (!catalog) return catalog.error();
    return rebuild.write(**catalog);
  }

  Status remove_stray_files(const std::vector<std::string>& names) {
    const std::string directory = options_.directory + "/packs";
    for (const std::string& name : names) {
      if (Status removed = files_.remove(directory + "/" + name); !removed) return removed;
      tell_({.kind = Kind::kRepaired, .text = fmt::format("packs/{} is removed", name)});
    }
    return names.empty() ? Status{} : files_.sync_directory(directory);
  }

  FileSystem& files_;
  const FileStoreCheckOptions& options_;
  Tell& tell_;
};

// Adds up what the packs and the catalog say.
Status summarize_packs(Catalog& catalog, FileStoreSummary& out) {
  const Result<std::vector<PackInfo>> packs = catalog.packs();
  if (!packs) return packs.error();
  out.packs = packs->size();
  for (const PackInfo& pack : *packs) {
    out.pack_bytes += pack.file_bytes;
    out.pack_stream_bytes += pack.stream_bytes;
    out.pack_live_bytes += pack.live_bytes;
  }
  return {};
}

Status summarize_journal(FileSystem& files, const std::string& directory, const CatalogMeta& meta,
                         FileStoreSummary& out) {
  Journal::Recovered found;
  if (Status checked = Journal::check(files, directory, meta.store_id, meta.settled, found);
      !checked)
    return checked;
  out.journal_changes = found.records;
  out.journal_bytes = found.bytes;
  const Result<std::vector<std::string>> names = files.list(directory);
  if (!names) return names.error();
  for (const std::string& name : *names) {
    const Result<std::uint64_t> bytes = bytes_of(files, directory + "/" + name);
    if (!bytes) return bytes.error();
    out.journal_file_bytes += *bytes;
  }
  return {};
}

}  // namespace

Result<FileStoreCheck> check_file_store(const FileStoreCheckOptions& options,
                                        Function<void(const FileStoreFinding&)> tell) {
  PosixFileSystem files;
  const Result<std::unique_ptr<DirectoryLock>> lock = lock_store(files, options.directory);
  if (!lock) return lock.error();
  return StoreCheck(files, options, tell).run();
}

Status back_up_file_store(const std::string& directory, const std::string& to) {
  {
    PosixFileSystem files;
    const Result<std::unique_ptr<DirectoryLock>> lock = lock_store(files, directory);
    if (!lock) return lock.error();
  }
  const Result<std::unique_ptr<FileStore>> store =
      FileStore::open({.directory = directory, .scrub_bytes_per_second = 0});
  if (!store) return store.error();
  std::promise<Status> done;
  (*store)->backup(to, [&done](Status status) { done.set_value(std::move(status)); });
  return done.get_future().get();
}

Result<FileStoreSummary> summarize_file_store(const std::string& directory) {
  PosixFileSystem files;
  const Result<std::unique_ptr<DirectoryLock>> lock = lock_store(files, directory);
  if (!lock) return lock.error();
  const Result<std::unique_ptr<Catalog>> catalog = open_to_read(files, directory);
  if (!catalog) return catalog.error();
  const Result<CatalogMeta> meta = (*catalog)->meta();
  if (!meta) return meta.error();
  const Result<CatalogTotals> totals = (*catalog)->totals();
  if (!totals) return totals.error();
  FileStoreSummary summary{
      .clean = meta->clean, .streams = totals->streams, .stored_bytes = totals->stored_bytes};
  if (Status added = summarize_packs(**catalog, summary); !added) return added.error();
  if (Status added = summarize_journal(files, directory + "/journal", *meta, summary); !added)
    return added.error();
  const Result<std::uint64_t> catalog_bytes =
      bytes_of(files, fmt::format("{}/catalog/{}", directory, kCatalogFile));
  if (!catalog_bytes) return catalog_bytes.error();
  summary.catalog_bytes = *catalog_bytes;
  return summary;
}

}  // namespace durable_streams

// The tools over a real directory: they lock it as a store would, and never create one.
#include <durable_streams/file_store.h>
#include <durable_streams/file_store_tools.h>

#include <fmt/format.h>

#include <future>
#include <memory>
#include <utility>
#include <vector>

#include "store/file/file_state.h"
#include "store/file/journal.h"
#include "store/file/posix_file_system.h"
#include "store/file/store_check.h"

namespace durable_streams {

namespace {

constexpr std::string_view kCatalogFile = "data.mdb";

// A directory that is there, and nobody else's meanwhile.
Result<std::unique_ptr<DirectoryLock>> lock_store(FileSystem& files, const std::string& directory) {
  const Result<std::vector<std::string>> names = files.list(directory);
  if (!names) return names.error();
  bool any = false;
  for (const char* const part : {"/journal", "/packs"}) {
    const Result<std::vector<std::string>> there = files.list(directory + part);
    if (!there && there.error().code != ErrorCode::kNotFound) return there.error();
    any = any || there.ok();
  }
  if (!any) {
    return Error{
        .code = ErrorCode::kNotFound,
        .message = fmt::format("{} holds no streams: it has neither journal nor packs", directory),
        .detail = {}};
  }
  return FileState::lock(files, directory);
}

Result<std::uint64_t> bytes_of(FileSystem& files, const std::string& path) {
  Result<std::unique_ptr<File>> file = files.open(path, OpenMode::kRead);
  if (!file) return file.error();
  return (*file)->size();
}

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
  if (Status checked = Journal::check(files, directory, meta.store_id, marks_of(meta), found);
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

Status read_catalog(const std::string& directory) {
  PosixFileSystem files;
  const Result<std::unique_ptr<DirectoryLock>> lock = lock_store(files, directory);
  if (!lock) return lock.error();
  const Result<std::unique_ptr<Catalog>> catalog = open_catalog_to_read(files, directory);
  if (!catalog) return catalog.error();
  read_whole(**catalog);
  return {};
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
  const Result<std::unique_ptr<Catalog>> catalog = open_catalog_to_read(files, directory);
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

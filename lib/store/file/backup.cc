// What fails half way is removed again, so that a directory of the name that was asked for is a
// whole backup.
#include "store/file/backup.h"

#include <fmt/format.h>

#include <random>
#include <string_view>
#include <utility>

#include "store/file/pack_writer.h"
#include "store/file/put_aside.h"

namespace durable_streams {

namespace {

constexpr std::string_view kLockName = "LOCK";

// Ids of the backup's own streams go on far from the original's, wherever that goes on: a cache
// that knows both must not take a stream of one for one of the other.
StreamId drawn_distance() {
  std::random_device device;
  return ((std::uint64_t{device()} << 32) | device()) >> 20;
}

std::string parent_of(const std::string& directory) {
  const std::size_t slash = directory.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : directory.substr(0, slash);
}

std::string without_end_slashes(std::string directory) {
  while (directory.size() > 1 && directory.ends_with('/')) directory.pop_back();
  return directory;
}

// Of a directory that was there but empty nothing stays.
Status make_way(FileSystem& files, const std::string& directory) {
  Status removed = files.remove_directory(directory);
  if (removed.ok() || removed.error().code == ErrorCode::kNotFound) return {};
  if (removed.error().code != ErrorCode::kConflict) return removed;
  return Error{.code = ErrorCode::kConflict,
               .message = fmt::format(
                   "{} exists and is not empty: a backup is made in a new directory", directory),
               .detail = {}};
}

}  // namespace

Backup::Backup(FileSystem& files, std::string directory)
    : files_(files), directory_(std::move(directory)), partial_(directory_ + ".partial") {}

Result<std::unique_ptr<Backup>> Backup::begin(FileSystem& files, const std::string& directory) {
  if (directory.empty()) {
    return Error{.code = ErrorCode::kInvalidArgument,
                 .message = "the backup's directory has no name",
                 .detail = {}};
  }
  std::unique_ptr<Backup> backup(new Backup(files, without_end_slashes(directory)));
  if (Status free = make_way(files, backup->directory_); !free) return free.error();
  const std::string& partial = backup->partial_;
  if (Status made = files.create_directories(partial); !made) return made.error();
  Result<std::unique_ptr<DirectoryLock>> lock = files.lock(partial, std::string(kLockName));
  if (!lock) return lock.error();
  backup->lock_ = std::move(lock).value();
  // What another, that was killed, has left.
  if (Status removed = backup->remove_partial(); !removed) return removed.error();
  if (Status made = files.create_directories(partial); !made) return made.error();
  lock = files.lock(partial, std::string(kLockName));
  if (!lock) return lock.error();
  backup->lock_ = std::move(lock).value();
  for (const std::string_view part : {"/catalog", "/packs", "/journal"}) {
    if (Status made = files.create_directories(partial + std::string(part)); !made)
      return made.error();
  }
  return backup;
}

Backup::~Backup() {
  if (!finished_ && lock_ != nullptr)
    ignore(remove_partial(), "the next backup to this directory removes it");
}

Status Backup::copy_catalog(Catalog& catalog, CatalogMeta meta) {
  meta.clean = false;
  // Readers may have seen what came after this: offsets of those bytes must name nothing else.
  meta.may_lose = true;
  meta.next_stream_id += drawn_distance();
  return catalog.copy_to(partial_ + "/catalog", meta);
}

Status Backup::copy_packs(const std::string& from, const std::vector<PackInfo>& packs,
                          Function<Status()> go_on) {
  for (const PackInfo& pack : packs) {
    const std::string name = "/" + pack_file_name(pack.id);
    if (Status copied = copy_pack(from + name, partial_ + "/packs" + name, go_on); !copied)
      return copied;
  }
  return files_.sync_directory(partial_ + "/packs");
}

Status Backup::copy_pack(const std::string& from, const std::string& to,
                         Function<Status()>& go_on) {
  if (Status going = go_on(); !going) return going;
  return link_or_copy(files_, from, to, go_on);
}

Status Backup::finish() {
  if (Status synced = files_.sync_directory(partial_); !synced) return synced;
  // Fails where somebody has made a directory of this name meanwhile and put something in it.
  if (Status renamed = files_.rename(partial_, directory_); !renamed) return renamed;
  finished_ = true;
  lock_.reset();
  return files_.sync_directory(parent_of(directory_));
}

// Nothing but what a backup makes is removed: anything else there is an error.
Status Backup::remove_partial() {
  for (const std::string_view part : {"/catalog", "/packs", "/journal", ""}) {
    const std::string directory = partial_ + std::string(part);
    const Result<std::vector<std::string>> names = files_.list(directory);
    if (!names && names.error().code == ErrorCode::kNotFound) continue;
    if (!names) return names.error();
    for (const std::string& name : *names) {
      const bool ours =
          name.ends_with(".pack") || name == "data.mdb" || name == "lock.mdb" || name == kLockName;
      if (!ours) continue;
      if (Status removed = files_.remove(directory + "/" + name); !removed) return removed;
    }
    if (part.empty()) lock_.reset();
    if (Status removed = files_.remove_directory(directory); !removed) return removed;
  }
  return {};
}

}  // namespace durable_streams

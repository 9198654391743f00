// A copy of a store in the making: under a name of its own until it is whole (docs/disk-format.md,
// "Backups").
#pragma once

#include <durable_streams/function.h>
#include <durable_streams/result.h>

#include <memory>
#include <string>
#include <vector>

#include "store/file/catalog.h"
#include "store/file/file_system.h"

namespace durable_streams {

// Unless finish() succeeded, nothing stays of it, or after a crash a directory `DIR.partial`, which
// the next one to DIR removes. An error of any call ends it. Threads: one at a time.
class Backup {
 public:
  // kConflict: there is something at `directory` already. kUnavailable: another backup to it is
  // under way.
  static Result<std::unique_ptr<Backup>> begin(FileSystem& files, const std::string& directory);
  ~Backup();
  Backup(const Backup&) = delete;
  Backup& operator=(const Backup&) = delete;

  // `meta` is the store's, all of whose changes are settled.
  Status copy_catalog(Catalog& catalog, CatalogMeta meta);

  // All that the catalog refers to, of the directory `from`; by links where that can be. `go_on` is
  // called for each mebibyte, and its error ends it.
  Status copy_packs(const std::string& from, const std::vector<PackInfo>& packs,
                    Function<Status()> go_on);

  // Gives it its name, durably.
  Status finish();

 private:
  Backup(FileSystem& files, std::string directory);

  Status copy_pack(const std::string& from, const std::string& to, Function<Status()>& go_on);
  Status remove_partial();

  FileSystem& files_;
  const std::string directory_;
  const std::string partial_;
  std::unique_ptr<DirectoryLock> lock_;
  bool finished_ = false;
};

}  // namespace durable_streams

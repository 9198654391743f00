// One run of `fsck`: looks at a data directory, and with leave repairs what other parts of it can
// make good. A repair takes nothing away that can still be read.
#pragma once

#include <durable_streams/file_store_tools.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "store/file/catalog.h"
#include "store/file/file_system.h"
#include "store/file/journal_repair.h"
#include "store/file/rebuild.h"
#include "store/file/stray_packs.h"

namespace durable_streams {

// The catalog of a directory that nobody has open, to be read: whole as far as can be seen at a
// glance. kCorruption, kNotFound: it is lost.
Result<std::unique_ptr<Catalog>> open_catalog_to_read(FileSystem& files,
                                                      const std::string& directory);

// Reads all that a check reads of it.
void read_whole(Catalog& catalog);

// The directory is locked already. Threads: one at a time.
class StoreCheck {
 public:
  using Tell = Function<void(const FileStoreFinding&)>;

  StoreCheck(FileSystem& files, const FileStoreCheckOptions& options, Tell& tell)
      : files_(files), options_(options), tell_(tell), catalog_is_lost_(options.catalog_is_lost) {}

  Result<FileStoreCheck> run();

 private:
  // What one look found.
  struct Looked {
    FileStoreCheck found;
    bool catalog_lost = false;
    bool catalog_damaged = false;
    bool journal_damaged = false;
    bool changes_unfollowed = false;
    CatalogMeta meta;
    std::vector<PackId> packs;  // that the catalog knows of
    std::vector<StrayPack> stray_packs;

    // Of a settling that is half done the catalog has some of what the journal has lost, and packs
    // have all.
    bool half_settled() const { return journal_damaged && meta.settling > meta.settled; }
    bool needs_catalog() const { return catalog_lost || catalog_damaged || half_settled(); }
    // A pack that nobody can read may hold what the changes follow on.
    bool has_unreadable_stray() const;
  };

  Status note_put_aside();
  Result<Looked> look();

  // True: something was repaired, and it is worth another look.
  Result<bool> repair(const Looked& looked);
  Result<std::uint64_t> store_id(const Looked& looked);
  // Says why, and returns false.
  Result<bool> cannot_repair(const Error& error);
  Status make_journal_directory(const Looked& looked);
  Result<bool> rebuild_catalog(const Looked& looked, CatalogRebuild& rebuild);
  Status put_aside_what_is_passed(const CatalogRebuild::Gap& gap);
  // Records up to `durable` were on the disk, as far as the packs tell.
  Result<bool> end_journal_before_damage(JournalRepair& journal, Lsn durable);
  // Returns where the old one is now; empty: there was none.
  Result<std::string> replace_catalog(CatalogRebuild& rebuild);
  // Says in the catalog that acknowledged changes may be lost, so that their offsets are not given
  // again.
  Status note_loss();
  static Status note_loss(Catalog& catalog);
  Result<std::unique_ptr<Catalog>> open_catalog_to_write();
  Status clear_stray_packs(Looked& looked);

  void tell_of(const JournalRepairs& repairs);
  void tell_of(const CatalogRebuild::Gap& gap);
  void tell(FileStoreFinding::Kind kind, std::string text);

  FileSystem& files_;
  const FileStoreCheckOptions& options_;
  Tell& tell_;
  bool catalog_is_lost_;  // not to be looked at
};

}  // namespace durable_streams

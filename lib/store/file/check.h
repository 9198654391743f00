// Is a data directory whole? Every checksum is verified, and every part held against those it
// refers to.
#pragma once

#include <durable_streams/file_store_tools.h>

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "store/file/catalog.h"
#include "store/file/file_system.h"
#include "store/file/journal_recovery.h"
#include "store/file/open_packs.h"
#include "store/file/stray_packs.h"

namespace durable_streams {

// Writes nothing. Of a damaged part it tells once, and goes on with the others. Threads: one at a
// time.
class DirectoryCheck {
 public:
  using Tell = Function<void(const FileStoreFinding&)>;

  DirectoryCheck(FileSystem& files, Catalog& catalog, std::string directory, Tell& tell);

  // Fails only when the disk does.
  Result<FileStoreCheck> run();

  // What of the damage lies with the catalog, and what with the journal: either may be repaired.
  // All else lies with packs, which nothing can make anew.
  std::uint64_t catalog_damages() const { return catalog_damages_; }
  std::uint64_t journal_damages() const { return journal_damages_; }
  // Between the two: the journal's changes that do not follow on what the catalog says.
  std::uint64_t unfollowed_changes() const { return unfollowed_changes_; }

  const CatalogMeta& meta() const { return meta_; }
  // Those that the catalog knows of.
  std::vector<PackId> packs() const;
  // Those that it does not.
  const std::vector<StrayPack>& stray_packs() const { return stray_packs_; }

 private:
  enum class Part : std::uint8_t { kCatalog, kPacks, kJournal, kBetween };

  // What streams refer to in a pack.
  struct Known {
    PackInfo info;
    bool readable = false;
    std::uint64_t live_bytes = 0;
  };

  Status check_packs();
  Status check_pack(Known& known);
  Status check_streams();
  Status check_stream(const SettledStream& stream);
  Status check_extents(const StreamRecord& record);
  void check_source(const SettledStream& stream);
  void check_forks();
  Status check_deadlines();
  void check_totals();
  Status check_journal();
  Status check_stray_packs(Lsn told_until);
  Status judge_journal(const Error& error, const JournalRecovery& recovery);

  // Ok where the answer itself is the damage, which it then tells of.
  Status judge(const Error& error, const std::string& about, Part part = Part::kCatalog);
  void damage(std::string text, Part part = Part::kCatalog);
  void note(std::string text);

  FileSystem& files_;
  Catalog& catalog_;
  const std::string directory_;
  Tell& tell_;
  CatalogMeta meta_;
  CatalogTotals totals_;
  std::uint64_t placed_bytes_ = 0;
  FileStoreCheck found_;
  std::uint64_t catalog_damages_ = 0;
  std::uint64_t journal_damages_ = 0;
  std::uint64_t unfollowed_changes_ = 0;
  std::unordered_map<PackId, Known> packs_;
  std::unique_ptr<OpenPacks> open_packs_;
  std::vector<StrayPack> stray_packs_;
  std::map<StreamId, std::uint64_t> forks_of_;  // that there are, by source
  std::uint64_t deadlines_ = 0;
};

}  // namespace durable_streams

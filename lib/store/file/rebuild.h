// Makes a catalog anew from the packs: their indices tell of each stream all that it needs.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/file/catalog.h"
#include "store/file/file_system.h"
#include "store/file/journal_format.h"
#include "store/file/pack.h"
#include "store/file/pack_overlaps.h"

namespace durable_streams {

// read() changes nothing; write() goes to an empty catalog. Threads: one at a time.
class CatalogRebuild {
 public:
  // Which read sequences were given is not known without the catalog, so a new one begins, which is
  // that of the seconds until `now`: higher than any that counting from 0 comes to.
  CatalogRebuild(FileSystem& files, std::string directory, WallTime now)
      : files_(files), directory_(std::move(directory)) {
    meta_.read_sequence = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count());
  }

  // Changes that neither packs nor journal tell of.
  struct Gap {
    Lsn from = 0;
    Lsn to = 0;
    // The journal's next change follows on what the packs know all the same: those of the gap left
    // no trace, or are lost without harm to what came later.
    bool passable = false;
    // Segments that come before what follows, and do not tell what they begin with. A start behind
    // the gap takes them for settled and removes them.
    std::vector<std::string> unreadable = {};
  };

  // Reads the indices of all packs but those that another has replaced. kCorruption: one cannot be
  // read, and streams would be missing without it, or files are of several stores, or packs tell of
  // different pasts. kNotFound: there is no store here.
  Status read();

  // Of packs that tell of different pasts, after read() has failed: one was away while the store
  // went on without it, and what came after cannot be joined to it.
  bool pasts_differ() const { return pasts_differ_; }

  // Between the packs' last change and the journal's first. A catalog that is written without
  // leave to pass it ends with the packs.
  const std::optional<Gap>& gap() const { return gap_; }

  // Whether what the pack tells is in what was read: by the pack itself or one that replaced it.
  bool knows(PackId pack) const { return packs_.contains(pack) || replaced_.contains(pack); }

  Status write(Catalog& catalog);

  std::uint64_t streams() const { return streams_.size(); }
  std::uint64_t packs() const { return packs_.size(); }

 private:
  struct KnownProducer {
    std::optional<ProducerState> state;  // nullopt: it was forgotten
    Lsn lsn = 0;
  };
  struct KnownStream {
    SettledStream stream;
    std::map<std::uint64_t, Extent> extents;  // by their beginning
    std::map<std::string, KnownProducer> producers;
  };

  // Of the segments that begin with a change that can be read.
  struct JournalBegin {
    Lsn first = 0;  // 0: there is none
    journal_format::SegmentNumber segment = 0;
    std::vector<std::string> unreadable = {};  // with lower numbers
  };

  Status list_packs();
  Status read_pack(PackId id);
  void take(PackEntry& entry);
  Result<JournalBegin> find_journal_begin();
  Status find_gap();
  // Whether the journal's first change follows on the streams that were read, if it begins after
  // `settled`. The journal is ended before one that does not.
  Result<bool> journal_follows(Lsn settled);
  void drop_what_is_gone();
  // Whether all packs tell of one past.
  Status check_past();
  Status check_past_of(StreamId id, const KnownStream& known);
  Error different_past(StreamId id, const std::string& path, std::string_view how);
  void count();
  // Makes room for `updates` more in the transaction.
  Status make_room(Catalog& catalog, std::size_t updates);
  Status write_stream(Catalog& catalog, const KnownStream& known);

  FileSystem& files_;
  const std::string directory_;
  CatalogMeta meta_;
  std::map<PackId, PackInfo> packs_;
  std::set<PackId> replaced_;
  std::set<StreamId> removed_;
  std::map<StreamId, KnownStream> streams_;
  std::map<std::string_view, StreamId> paths_;  // of those
  std::vector<PackOverlap> overlaps_;
  std::set<StreamId> renamed_;  // of which packs tell different paths
  bool pasts_differ_ = false;
  std::optional<Gap> gap_;
  std::unique_ptr<Catalog::Update> update_;
  std::size_t updates_ = 0;
};

}  // namespace durable_streams

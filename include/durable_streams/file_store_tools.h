// Looks into the data directory of a file store that nobody has open: is it whole, and what does it
// hold?
#pragma once

#include <durable_streams/clock.h>
#include <durable_streams/export.h>
#include <durable_streams/function.h>
#include <durable_streams/result.h>

#include <cstdint>
#include <string>

namespace durable_streams {

struct FileStoreCheckOptions {
  std::string directory;

  // Makes a lost or damaged catalog anew from packs and journal, ends a journal before damage that
  // no store opens with, and removes what unfinished work has left. Takes away nothing that can
  // still be read (docs/operations.md).
  bool repair = false;

  // Takes the catalog for lost without a look at it (read_catalog()).
  bool catalog_is_lost = false;

  // Wall time, from which a catalog that is made anew takes its read sequence; null: the system's
  // clock.
  const Clock* clock = nullptr;
};

struct FileStoreFinding {
  enum class Kind : std::uint8_t {
    kNote,      // nothing is wrong, or the next start sets it right
    kDamage,    // something cannot be read, or contradicts something else
    kRepaired,  // of what was damage, or in the way
  };

  Kind kind = Kind::kNote;
  std::string text;  // one line: what it is, and what it means
};

struct FileStoreCheck {
  std::uint64_t damages = 0;  // found and not repaired
  std::uint64_t streams = 0;
  std::uint64_t stored_bytes = 0;  // of streams, settled ones, each byte verified
  std::uint64_t packs = 0;
  std::uint64_t journal_changes = 0;  // not yet settled
};

// Verifies every checksum and every reference from one part of the directory to another, and tells
// of what it finds as it goes. kUnavailable: the directory is in use, by whom the message says.
// kNotFound: there is no store in it. An error of the disk ends it.
DURABLE_STREAMS_EXPORT Result<FileStoreCheck> check_file_store(
    const FileStoreCheckOptions& options, Function<void(const FileStoreFinding&)> tell);

// Reads what check_file_store() reads of the catalog, and tells nothing of it; with the same
// errors. LMDB believes what stands in its pages, so damaged ones may end the process by a signal:
// who wants to know calls this in a process of its own before check_file_store(), and tells that by
// `catalog_is_lost`.
DURABLE_STREAMS_EXPORT Status read_catalog(const std::string& directory);

struct FileStoreSummary {
  bool clean = false;  // closed in order
  std::uint64_t streams = 0;
  std::uint64_t stored_bytes = 0;  // of streams, as appended
  std::uint64_t packs = 0;
  std::uint64_t pack_bytes = 0;          // of the files
  std::uint64_t pack_stream_bytes = 0;   // of streams, when the packs were written
  std::uint64_t pack_live_bytes = 0;     // of those, what streams still refer to
  std::uint64_t journal_changes = 0;     // not yet settled, and not in the numbers above
  std::uint64_t journal_bytes = 0;       // of those
  std::uint64_t journal_file_bytes = 0;  // with what lies ready to be written to
  std::uint64_t catalog_bytes = 0;
};

// The same errors; besides, kCorruption: something is damaged, and check_file_store() tells more.
// Damaged pages of the catalog may end the process, as with read_catalog().
DURABLE_STREAMS_EXPORT Result<FileStoreSummary> summarize_file_store(const std::string& directory);

// FileStore::backup() of a directory that nobody has open: opens it as a store would, with the same
// errors, and waits. kNotFound: there is no store in it.
DURABLE_STREAMS_EXPORT Status back_up_file_store(const std::string& directory,
                                                 const std::string& to);

}  // namespace durable_streams

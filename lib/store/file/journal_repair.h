// What a repair does for a journal that a start refuses: all that can be read stays, and the rest
// is put aside, so that a start finds a journal that ends earlier, and nobody a file that is gone.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "store/file/catalog.h"
#include "store/file/file_system.h"

namespace durable_streams {

// Names of files, with their directory.
struct JournalRepairs {
  std::vector<std::string> mended;     // they have their headers again
  std::vector<std::string> put_aside;  // as they are called now
  Lsn ends_with = 0;                   // the last change before what was put aside; 0: not known

  bool any() const { return !mended.empty() || !put_aside.empty(); }
};

// Threads: one at a time.
class JournalRepair {
 public:
  struct Place {
    FileSystem& files;
    std::string directory;
    std::uint64_t store_id = 0;
  };

  explicit JournalRepair(Place place) : place_(std::move(place)) {}

  // Of segments whose header cannot be believed. Their batches tell for themselves to which segment
  // they belong; where none does, nothing in the file can be told from what was there before. Makes
  // the directory if it is missing.
  Result<JournalRepairs> mend_headers();

  // Then: ends the journal before records that were durable and are not there.
  Result<JournalRepairs> end_before_damage(Lsn settled);

 private:
  Status mend_header(const std::string& name, std::uint64_t number, JournalRepairs& repairs);

  const Place place_;
};

}  // namespace durable_streams

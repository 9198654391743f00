// The bytes of a file on the simulated disk: what readers see, and what of it a loss of power would
// leave.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/seed.h"

namespace durable_streams {

// Remembers every change since the last sync, in order. Threads: one at a time.
class SimulatedContent {
 public:
  void write(std::uint64_t offset, std::string_view bytes);
  void truncate(std::uint64_t size);
  std::size_t read(std::uint64_t offset, char* out, std::size_t size) const;
  void flip_bit(std::uint64_t offset, unsigned bit);

  void sync();

  // What was not synced is partly kept; none of it becomes durable by a later sync. Readers go on
  // seeing all of it, or only what was kept.
  void fail_sync(Random& random);

  // Of each change since the last sync, all, parts or nothing is kept: any of its sectors and
  // sometimes a part of one, and whether the file has grown, each by chance. Which of two writes to
  // one place wins is up to chance as well.
  void crash(Random& random);

  const std::string& bytes() const { return seen_; }
  std::uint64_t size() const { return seen_.size(); }

 private:
  struct Change {
    bool truncates = false;
    std::uint64_t offset = 0;  // the new size, when it truncates
    std::string bytes;
  };

  static void apply(std::string& to, std::uint64_t offset, std::string_view bytes);
  void survive(Random& random);
  void survive_in_part(const Change& change, Random& random);

  std::string seen_;
  std::string durable_;
  std::vector<Change> unsynced_;
};

}  // namespace durable_streams

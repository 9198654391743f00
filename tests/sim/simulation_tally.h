// What has happened in simulations, to see that they reach what they are for.
#pragma once

#include <cstdint>
#include <string>

namespace durable_streams {

struct SimulationTally {
  std::uint64_t answers = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t commits = 0;
  std::uint64_t syncs = 0;  // that an interval asked for
  std::uint64_t settlings = 0;
  std::uint64_t failed_settlings = 0;
  std::uint64_t merges = 0;
  std::uint64_t crashes = 0;
  std::uint64_t recoveries_cut_short = 0;
  std::uint64_t torn = 0;
  std::uint64_t undecided_found = 0;  // changes found again that need not have been
  std::uint64_t lost = 0;             // acknowledged changes that a crash took
  std::uint64_t lost_offsets = 0;     // that were refused to readers
  std::uint64_t failures_for_good = 0;
  std::uint64_t refusals = 0;
  std::uint64_t backups = 0;
  std::uint64_t failed_backups = 0;
  std::uint64_t restores = 0;
  std::uint64_t scrubs = 0;
  std::uint64_t blocks_broken = 0;
  std::uint64_t damage_reported = 0;

  void add(const SimulationTally& other);
  std::string text() const;
};

}  // namespace durable_streams

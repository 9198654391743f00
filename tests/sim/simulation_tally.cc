// One table for all that is counted.
#include "tests/sim/simulation_tally.h"

namespace durable_streams {

namespace {

struct Counted {
  std::uint64_t SimulationTally::*count;
  const char* name;
};

using Tally = SimulationTally;

constexpr Counted kCounted[] = {
    {&Tally::answers, "answers"},
    {&Tally::duplicates, "duplicates"},
    {&Tally::commits, "commits"},
    {&Tally::syncs, "interval syncs"},
    {&Tally::settlings, "settlings"},
    {&Tally::failed_settlings, "failed settlings"},
    {&Tally::merges, "merges"},
    {&Tally::crashes, "crashes"},
    {&Tally::recoveries_cut_short, "recoveries cut short"},
    {&Tally::torn, "torn tails"},
    {&Tally::undecided_found, "changes found that need not have been"},
    {&Tally::lost, "acknowledged changes lost"},
    {&Tally::lost_offsets, "lost offsets refused"},
    {&Tally::failures_for_good, "failures for good"},
    {&Tally::refusals, "changes refused"},
    {&Tally::backups, "backups"},
    {&Tally::failed_backups, "failed backups"},
    {&Tally::restores, "restores"},
    {&Tally::scrubs, "scrubs"},
    {&Tally::blocks_broken, "blocks broken"},
    {&Tally::damage_reported, "reads of damage refused"},
};

}  // namespace

void SimulationTally::add(const SimulationTally& other) {
  for (const Counted& each : kCounted) this->*each.count += other.*each.count;
}

std::string SimulationTally::text() const {
  std::string text;
  for (const Counted& each : kCounted) {
    if (!text.empty()) text += ", ";
    text += std::to_string(this->*each.count) + " " + each.name;
  }
  return text;
}

}  // namespace durable_streams

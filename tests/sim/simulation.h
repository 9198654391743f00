// One simulated life after another of an engine over the file store: everything that may happen to
// it happens at random, and after each end the next life must find what was acknowledged.
#pragma once

#include <durable_streams/engine.h>
#include <durable_streams/manual_loop.h>
#include <durable_streams/streams.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "store/file/file_state.h"
#include "tests/sim/change_history.h"
#include "tests/sim/interrupted_files.h"
#include "tests/sim/simulated_client.h"
#include "tests/sim/simulated_store.h"
#include "tests/sim/violations.h"
#include "tests/support/map_catalog.h"
#include "tests/support/seed.h"
#include "tests/support/simulated_disk.h"

namespace durable_streams {

// What has happened, to see that a simulation reaches what it is for.
struct SimulationTally {
  std::uint64_t answers = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t commits = 0;
  std::uint64_t settlings = 0;
  std::uint64_t failed_settlings = 0;
  std::uint64_t merges = 0;
  std::uint64_t crashes = 0;
  std::uint64_t recoveries_cut_short = 0;
  std::uint64_t torn = 0;
  std::uint64_t undecided_found = 0;  // changes found again that had not been acknowledged
  std::uint64_t failures_for_good = 0;
  std::uint64_t refusals = 0;
  std::uint64_t damage_reported = 0;

  void add(const SimulationTally& other);
  std::string text() const;
};

// The same seed has the same run. Threads: one at a time.
class Simulation {
 public:
  explicit Simulation(std::uint64_t seed);
  ~Simulation();

  // Empty, or what was wrong.
  std::string run(std::size_t steps);
  const SimulationTally& tally() const { return tally_; }

 private:
  // What ends with a crash.
  struct Life {
    ManualLoop loop{ManualLoop::Time::kVirtual};
    std::unique_ptr<DirectoryLock> lock;
    std::unique_ptr<FileState> state;
    std::unique_ptr<SimulatedStore> store;
    std::unique_ptr<Engine> engine;
    std::unique_ptr<Streams> streams;
    std::unique_ptr<EndpointClient> endpoint;
  };

  enum class Where : std::uint8_t { kOutside, kCommitting, kSettling, kElsewhere };

  void step();
  void ask(std::uint64_t times);
  void commit();
  void settle();
  void merge();
  void find_room();
  void prepare();
  void turn_loop();
  void run_loop();
  void advance();
  void advance_by(std::chrono::milliseconds by);
  void strain();
  void relieve();
  void interlude(const std::string& path);

  void begin_life();
  Status try_open();
  void install_catalog(std::unique_ptr<MapCatalog> catalog);
  void end_life(bool power_lost);
  void close_in_order();
  bool failed_for_good() const;
  void end_dead_life();

  void find_where_it_stands();
  void verify();
  std::string difference() const;
  std::string difference_at(const std::string& path) const;
  std::string difference_of(const StoreModel::Stream& expected) const;
  std::string difference_in_totals() const;
  std::string difference_in_deadlines() const;
  std::string difference_in_due(WallTime moment) const;
  WallTime deadline_of(const StoreModel::Stream& stream) const;
  void check_owed();
  void check_goes_on();
  void come_to_rest();
  void check_damage();

  FileState& state() { return *life_->state; }

  const std::uint64_t seed_;
  mutable Random random_;
  Violations violations_;
  ManualClock clock_{WallTime(std::chrono::hours(24 * 365 * 50))};
  SimulatedDisk disk_;
  InterruptedFiles files_;
  std::unique_ptr<MapCatalog> catalog_;
  FileStoreOptions options_;
  EngineOptions engine_options_;
  bool waits_ = false;
  ChangeHistory history_;
  SimulatedClient client_;
  std::unique_ptr<Life> life_;
  Where where_ = Where::kOutside;
  bool strained_ = false;
  std::uint64_t catalog_fails_one_in_ = 0;
  SimulationTally tally_;
};

}  // namespace durable_streams

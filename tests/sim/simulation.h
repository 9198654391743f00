// One simulated life after another of an engine over the file store: everything that may happen to
// it happens at random, and after each end the next life must find what it was promised.
#pragma once

#include <durable_streams/engine.h>
#include <durable_streams/manual_loop.h>
#include <durable_streams/streams.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "store/file/backup.h"
#include "store/file/file_state.h"
#include "tests/sim/change_history.h"
#include "tests/sim/interrupted_files.h"
#include "tests/sim/simulated_client.h"
#include "tests/sim/simulated_store.h"
#include "tests/sim/simulation_tally.h"
#include "tests/sim/violations.h"
#include "tests/support/map_catalog.h"
#include "tests/support/seed.h"
#include "tests/support/simulated_disk.h"

namespace durable_streams {

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
    bool closed = false;  // in order
  };

  // A backup, and what it may hold: `begin`, which was acknowledged before it began, and the first
  // ones of what was submitted later.
  struct Copy {
    std::string directory;
    Ledger begin;
    std::uint64_t begin_count = 0;
    std::vector<ChangeHistory::KeptChange> later;
    std::uint64_t read_sequence = 0;  // of the original
    bool made = false;                // it was said to be whole
  };

  // A block whose bits have rotted, and what of which stream is lost with it.
  struct BrokenBlock {
    std::string file;
    std::uint64_t offset = 0;
    unsigned bit = 0;
    PackId pack = 0;
    StreamId stream = 0;
    std::uint64_t from = 0;
    std::uint64_t to = 0;
  };

  enum class Where : std::uint8_t { kOutside, kCommitting, kSettling, kElsewhere };

  // simulation.cc
  void pick_durability();
  void step();
  void ask(std::uint64_t times);
  void commit();
  void sync();
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
  void verify();

  // simulation_lives.cc
  void begin_life();
  void serve();
  Status try_open();
  void install_catalog(std::unique_ptr<MapCatalog> catalog);
  void end_life(bool power_lost);
  void close_in_order();
  bool may_lose() const { return options_.durability != Durability::kAlways; }
  bool failed_for_good() const;
  void end_dead_life();
  void find_where_it_stands();
  std::string difference() const;
  void check_read_sequence();
  void check_owed();
  void check_goes_on();
  void come_to_rest();

  // simulation_upkeep.cc
  void meanwhile();
  void back_up();
  Status make_backup(const std::string& directory);
  Status copy_into(Backup& backup);
  Status keep_catalog(const std::string& directory, std::unique_ptr<MapCatalog> copy);
  MapCatalog* catalog_of(const std::string& directory) const;
  void verify_copies();
  void verify_copy(const Copy& copy);
  void restore(Copy copy);
  void scrub();
  void check_nothing_damaged();
  void break_block();
  std::optional<BrokenBlock> pick_block();
  void check_broken(const BrokenBlock& block);
  void check_read(const StoreModel::Stream& stream, std::uint64_t from, std::uint64_t to,
                  bool broken);
  void check_rot();

  FileState& state() { return *life_->state; }

  const std::uint64_t seed_;
  mutable Random random_;
  Violations violations_;
  ManualClock clock_{WallTime(std::chrono::hours(24 * 365 * 50))};
  SimulatedDisk disk_;
  InterruptedFiles files_;
  std::unique_ptr<MapCatalog> catalog_;
  FileStoreOptions options_;
  bool durability_changes_ = false;  // from life to life
  EngineOptions engine_options_;
  bool waits_ = false;
  ChangeHistory history_;
  SimulatedClient client_;
  std::unique_ptr<Life> life_;
  Where where_ = Where::kOutside;
  bool strained_ = false;
  bool sound_ = true;  // the disk, since the life began
  std::uint64_t catalog_fails_one_in_ = 0;
  WallTime synced_at_{};

  bool served_may_lose_ = false;     // the last life that served, if it did not end in order
  std::uint64_t read_sequence_ = 0;  // of that life
  std::uint64_t lossy_ends_ = 0;     // of it and of the tries to begin another

  std::vector<std::unique_ptr<MapCatalog>> catalog_copies_;  // what their files on the disk name
  std::vector<Copy> copies_;                                 // to be verified
  std::uint64_t copies_made_ = 0;
  SimulationTally tally_;
};

}  // namespace durable_streams

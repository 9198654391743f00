// How lives begin and end, and what is checked between two.
#include "tests/sim/simulation.h"
#include "tests/sim/state_comparison.h"

#include <map>
#include <utility>

namespace durable_streams {

namespace {

Error catalog_is_full() {
  return {.code = ErrorCode::kNoSpace, .message = "no room for the catalog", .detail = {}};
}

}  // namespace

void Simulation::install_catalog(std::unique_ptr<MapCatalog> catalog) {
  catalog_ = std::move(catalog);
  catalog_->set_before_commit([this]() -> Status {
    interlude("catalog");
    if (catalog_fails_one_in_ > 0 && random_.one_in(catalog_fails_one_in_))
      return catalog_is_full();
    return disk_.outside_change();
  });
  catalog_->set_keeper([this](const std::string& directory, std::unique_ptr<MapCatalog> copy) {
    return keep_catalog(directory, std::move(copy));
  });
}

bool Simulation::failed_for_good() const { return life_->state->file_stats().read_only; }

// Power is lost, or the process is killed.
void Simulation::end_life(bool power_lost) {
  ++tally_.crashes;
  if (life_->state != nullptr && failed_for_good()) ++tally_.failures_for_good;
  tally_.refusals = history_.refused();
  if (may_lose() && !life_->closed) ++lossy_ends_;
  std::unique_ptr<MapCatalog> survivor = catalog_->copy();
  if (power_lost) {
    disk_.crash(random_);
  } else {
    disk_.kill();
  }
  life_.reset();
  history_.crashed(served_may_lose_ && (power_lost || files_.sync_failed()));
  install_catalog(std::move(survivor));
}

void Simulation::end_dead_life() {
  end_life(random_.one_in(2));
  begin_life();
}

void Simulation::close_in_order() {
  life_->endpoint.reset();
  life_->streams.reset();
  life_->engine.reset();
  while (state().commit()) {
  }
  where_ = Where::kElsewhere;
  const Status closed = state().close();
  where_ = Where::kOutside;
  if (!closed.ok() && !strained_ && !disk_.dead() && !failed_for_good())
    violations_.add("closing fails on a sound disk: " + closed.error().message);
  if (closed.ok() && history_.undecided() > 0)
    violations_.add("closed in order, but not all changes were told of");
  if (closed.ok() && history_.deadline_lost()) history_.all_touched(clock_.now());
  if (closed.ok()) {
    life_->closed = true;
    served_may_lose_ = false;
    history_.kept(history_.committed());
  }
  const bool power_lost = random_.one_in(2);
  end_life(power_lost);
}

void Simulation::begin_life() {
  if (!violations_.none()) return;
  bool dies = random_.one_in(3);
  for (int tries = 0;; ++tries) {
    if (dies) disk_.die_at_change(1 + random_.below(30));
    if (durability_changes_) pick_durability();
    if (tries > 0 && !disk_.dead()) relieve();
    life_ = std::make_unique<Life>();
    const Status opened = try_open();
    if (opened.ok() && !disk_.dead()) break;
    if (!disk_.dead() && !strained_)
      return violations_.add("opening fails on a sound disk: " + opened.error().message);
    if (disk_.dead()) ++tally_.recoveries_cut_short;
    end_life(random_.one_in(2));
    dies = random_.one_in(3);
  }
  // What the recovery left for later may still be cut short.
  if (!strained_) find_where_it_stands();
  if (strained_) {
    relieve();
    find_where_it_stands();
  }
  check_read_sequence();
  history_.kept(history_.committed());
  client_.told().survived(history_.ledger());
  served_may_lose_ = may_lose();
  files_.forget_failures();
  synced_at_ = clock_.now();
  sound_ = true;
  if (state().short_of_room()) find_room();
  client_.expect_faults(false);
  if (violations_.none()) serve();
}

void Simulation::serve() {
  life_->store = std::make_unique<SimulatedStore>(state(), history_, random_, waits_);
  check_owed();
  life_->engine = std::make_unique<Engine>(*life_->store, engine_options_);
  life_->streams = std::make_unique<Streams>(*life_->engine, life_->loop);
  life_->endpoint = std::make_unique<EndpointClient>(*life_->streams, seed_ | 1, client_.told());
  run_loop();
  verify_copies();
  if (random_.one_in(4)) check_goes_on();
}

Status Simulation::try_open() {
  Result<std::unique_ptr<DirectoryLock>> lock = FileState::lock(files_, options_.directory);
  if (!lock) return lock.error();
  life_->lock = std::move(lock).value();
  Result<std::unique_ptr<FileState>> state =
      FileState::open({.files = files_, .catalog = *catalog_, .clock = clock_}, options_);
  if (!state) return state.error();
  life_->state = std::move(state).value();
  return {};
}

// The state after some of the undecided changes, in the order of their submission.
void Simulation::find_where_it_stands() {
  const FileStoreOpening& opening = state().opening();
  if (!opening.clean) history_.all_touched(clock_.now());
  if (opening.torn_bytes > 0) ++tally_.torn;
  std::string first;
  while (true) {
    const std::string differs = difference();
    if (differs.empty()) break;
    if (first.empty()) first = differs;
    if (history_.undecided() == 0)
      return violations_.add("recovered, but not as any prefix: " + first +
                             "; at the end: " + differs);
    history_.decide_next();
    ++tally_.undecided_found;
  }
  history_.drop_undecided();
}

std::string Simulation::difference() const {
  return StateComparison(*life_->state, history_.model(), random_, clock_.now(),
                         history_.all_touched())
      .difference();
}

// It rises when what readers saw may have been lost, and only then.
void Simulation::check_read_sequence() {
  const std::uint64_t now = state().read_sequence();
  const std::uint64_t least = read_sequence_ + (served_may_lose_ ? 1 : 0);
  violations_.check(now >= least, "the read sequence does not rise");
  violations_.check(now <= read_sequence_ + lossy_ends_, "the read sequence rises for nothing");
  read_sequence_ = now;
  lossy_ends_ = 0;
}

void Simulation::check_owed() {
  const Result<std::vector<ForkPoint>> owed = state().owed_releases();
  if (!owed) return violations_.add("what is owed can't be read: " + owed.error().message);
  std::map<StreamId, int> found;
  for (const ForkPoint& point : *owed) ++found[point.source];
  if (found != history_.ledger().owed()) violations_.add("other releases are owed");
}

// A store that is sound takes changes, and pays what is owed for forks that are gone.
void Simulation::check_goes_on() {
  for (int round = 0; round < 12 && !disk_.dead(); ++round) {
    if (state().wants_settling()) settle();
    if (state().short_of_room()) find_room();
    come_to_rest();
    advance_by(std::chrono::seconds(1));
  }
  // The last second may have been the last of some streams.
  come_to_rest();
  if (disk_.dead() || !violations_.none() || failed_for_good()) return;
  if (client_.waiting() > 0) violations_.add("an answer does not come");
  std::map<StreamId, std::uint32_t> forks;
  for (const auto& [id, stream] : history_.model().streams()) {
    if (stream.record.fork) ++forks[stream.record.fork->source];
  }
  for (const auto& [id, stream] : history_.model().streams()) {
    if (stream.record.forks != forks[id]) violations_.add("the count of forks is wrong");
  }
}

void Simulation::come_to_rest() {
  run_loop();
  violations_.check(!life_->store->forgotten(), "nobody asks for a change's commit");
  while (!disk_.dead() && (state().has_gathered() || life_->store->waiting_loads() > 0)) {
    commit();
    while (life_->store->waiting_loads() > 0) life_->store->answer_load();
    run_loop();
    violations_.check(!life_->store->forgotten(), "nobody asks for a change's commit");
  }
}

}  // namespace durable_streams

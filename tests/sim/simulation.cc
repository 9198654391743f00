// How a life goes: what happens in it, step by step.
#include "tests/sim/simulation.h"

#include <array>
#include <utility>

namespace durable_streams {

namespace {

constexpr std::uint64_t kFirstStreamId = 1000;

constexpr std::array kDurabilities{Durability::kAlways, Durability::kInterval, Durability::kOff};

}  // namespace

Simulation::Simulation(std::uint64_t seed)
    : seed_(seed),
      random_(seed),
      disk_(seed + 1),
      files_(disk_),
      history_(clock_, violations_),
      client_(clock_, history_, random_, violations_) {
  options_.directory = "data";
  options_.segment_bytes = 4096 << random_.below(4);
  options_.journal_bytes_max = 16384 << random_.below(4);
  options_.memtable_bytes_max = 16384 << random_.below(5);
  options_.reserve_bytes = random_.one_in(2) ? 0 : 16384;
  options_.max_file_handles = 1 + random_.below(6);
  options_.read_cache_bytes_max = random_.one_in(2) ? 0 : 16384 << random_.below(7);
  options_.sync_interval = std::chrono::milliseconds(50 << random_.below(7));
  pick_durability();
  durability_changes_ = random_.one_in(4);
  engine_options_.shards = 1;
  engine_options_.loaded_streams_max = random_.one_in(2) ? 3 : 64;
  engine_options_.page_bytes_max = 4096;
  engine_options_.clock = &clock_;
  waits_ = random_.one_in(2);
  files_.set_interlude([this](const std::string& path) { interlude(path); });
  auto catalog = std::make_unique<MapCatalog>();
  // The ids that a new store would draw at random.
  Result<std::unique_ptr<Catalog::Update>> update = catalog->begin();
  ignore(
      (*update)->put_meta({.store_id = seed | 1, .next_stream_id = kFirstStreamId, .clean = true}),
      "the map takes it");
  ignore((*update)->commit(), "the map takes it");
  install_catalog(std::move(catalog));
}

Simulation::~Simulation() = default;

void Simulation::pick_durability() {
  options_.durability = kDurabilities[random_.below(kDurabilities.size())];
}

std::string Simulation::run(std::size_t steps) {
  begin_life();
  for (std::size_t i = 0; i < steps && violations_.none(); ++i) {
    step();
    if (violations_.none() && disk_.dead()) end_dead_life();
  }
  if (violations_.none()) {
    disk_.die_at_change(0);
    relieve();
    close_in_order();
    begin_life();
  }
  if (violations_.none()) check_rot();
  tally_.answers = client_.answers();
  tally_.duplicates = client_.duplicates();
  tally_.lost_offsets = client_.lost_offsets();
  tally_.lost = history_.lost();
  return violations_.first();
}

void Simulation::step() {
  const std::uint64_t dice = random_.below(1000);
  if (dice < 486) return ask(1 + random_.below(4));
  if (dice < 666) return commit();
  if (dice < 766) return turn_loop();
  if (dice < 816) return advance();
  if (dice < 856) return settle();
  if (dice < 886) return merge();
  if (dice < 901) return prepare();
  if (dice < 911) return strain();
  if (dice < 931) return relieve();
  if (dice < 946) return verify();
  if (dice < 950) return back_up();
  if (dice < 956) return scrub();
  if (dice < 960) return break_block();
  if (dice < 980) return disk_.die_at_change(1 + random_.below(30));
  if (dice < 986) {
    end_life(random_.one_in(2));
    return begin_life();
  }
  if (dice < 992) {
    close_in_order();
    return begin_life();
  }
  if (failed_for_good()) {
    end_life(random_.one_in(2));
    return begin_life();
  }
  if (state().wants_settling()) settle();
  if (state().short_of_room()) find_room();
}

void Simulation::ask(std::uint64_t times) {
  for (; times > 0; --times) client_.ask(*life_->streams, *life_->endpoint);
}

void Simulation::commit() {
  const Where before = std::exchange(where_, Where::kCommitting);
  if (state().commit()) ++tally_.commits;
  where_ = before;
  if (random_.one_in(2)) run_loop();
}

// Of what was committed before, no crash takes anything any more.
void Simulation::sync() {
  const std::uint64_t committed = history_.committed();
  synced_at_ = clock_.now();
  where_ = Where::kCommitting;
  const Status synced = state().sync();
  where_ = Where::kOutside;
  if (synced.ok()) {
    ++tally_.syncs;
    history_.kept(committed);
  } else if (!strained_ && !disk_.dead()) {
    violations_.add("syncing fails on a sound disk: " + synced.error().message);
  }
}

void Simulation::settle() {
  const std::uint64_t committed = history_.committed();
  where_ = Where::kSettling;
  const Status settled = state().settle();
  where_ = Where::kOutside;
  if (settled.ok()) history_.kept(committed);
  ++(settled.ok() ? tally_.settlings : tally_.failed_settlings);
  if (!settled.ok() && !strained_ && !disk_.dead() && !failed_for_good())
    violations_.add("settling fails on a sound disk: " + settled.error().message);
}

void Simulation::merge() {
  where_ = Where::kSettling;
  const Result<bool> merged = state().merge([this]() -> Status {
    if (!random_.one_in(8)) return {};
    return Error{.code = ErrorCode::kCanceled, .message = "merging makes way", .detail = {}};
  });
  where_ = Where::kOutside;
  if (merged.ok() && *merged) ++tally_.merges;
  if (!merged.ok() && !strained_ && !disk_.dead() && !failed_for_good() &&
      merged.error().code != ErrorCode::kCanceled)
    violations_.add("merging fails on a sound disk: " + merged.error().message);
}

void Simulation::find_room() {
  where_ = Where::kSettling;
  const Status found = state().find_room();
  where_ = Where::kOutside;
  if (!found.ok() && !strained_ && !disk_.dead())
    violations_.add("no room is found on a sound disk: " + found.error().message);
}

void Simulation::prepare() {
  where_ = Where::kElsewhere;
  ignore(state().prepare_journal(), "a commit makes what is missing");
  where_ = Where::kOutside;
}

void Simulation::turn_loop() {
  for (std::uint64_t left = random_.below(4); left > 0; --left) life_->store->answer_load();
  run_loop();
}

void Simulation::run_loop() {
  life_->loop.run_until_idle();
  life_->endpoint->deliver();
}

void Simulation::advance() {
  advance_by(std::chrono::milliseconds(random_.below(random_.one_in(4) ? 30'000 : 2'000)));
}

void Simulation::advance_by(std::chrono::milliseconds by) {
  clock_.advance(by);
  life_->loop.advance(by);
  run_loop();
  const bool syncs = options_.durability == Durability::kInterval && !failed_for_good();
  if (syncs && clock_.now() - synced_at_ >= options_.sync_interval) sync();
}

// While a batch or a pack goes to the disk.
void Simulation::interlude(const std::string& path) {
  if (life_ == nullptr || life_->endpoint == nullptr || !random_.one_in(3)) return;
  const bool journal = path.find("journal") != std::string::npos;
  if (where_ == Where::kCommitting && journal) {
    ask(1 + random_.below(3));
    if (random_.one_in(2)) turn_loop();
  } else if (where_ == Where::kSettling && !journal) {
    ask(1 + random_.below(4));
    if (random_.one_in(2)) turn_loop();
    if (random_.one_in(2)) commit();
  }
}

void Simulation::strain() {
  strained_ = true;
  sound_ = false;
  client_.expect_faults(true);
  switch (random_.below(8)) {
    case 0:
      return disk_.fail_call(DiskCall::kSync, 1 + random_.below(6), ErrorCode::kIo);
    case 1:
      return disk_.fail_call(DiskCall::kWrite, 1 + random_.below(6), ErrorCode::kIo);
    case 2:
      return disk_.set_capacity(disk_.used_bytes() + random_.below(40'000));
    case 3:
      return disk_.set_open_files_max(disk_.open_files() + random_.below(2));
    case 4:
      return disk_.fail_randomly(DiskCall::kRead, 1 + random_.below(5), ErrorCode::kIo);
    case 5:
      return disk_.fail_randomly(DiskCall::kWrite, 2 + random_.below(5), ErrorCode::kNoSpace);
    case 6:
      return disk_.fail_randomly(DiskCall::kOpen, 1 + random_.below(3), ErrorCode::kTooMany);
    default:
      catalog_fails_one_in_ = 1 + random_.below(3);
      return;
  }
}

void Simulation::relieve() {
  disk_.clear_faults();
  disk_.set_capacity(UINT64_MAX);
  disk_.set_open_files_max(SIZE_MAX);
  catalog_fails_one_in_ = 0;
  strained_ = false;
}

void Simulation::verify() {
  if (strained_ || disk_.dead() || failed_for_good()) return;
  const std::string differs = difference();
  if (!differs.empty()) violations_.add("in use: " + differs);
}

}  // namespace durable_streams

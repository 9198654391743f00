// How a life goes, and what is checked between two.
#include "tests/sim/simulation.h"

#include <algorithm>
#include <set>
#include <utility>

namespace durable_streams {

namespace {

constexpr std::uint64_t kFirstStreamId = 1000;

std::string number(std::uint64_t value) { return std::to_string(value); }

Error catalog_is_full() {
  return {.code = ErrorCode::kNoSpace, .message = "no room for the catalog", .detail = {}};
}

}  // namespace

void SimulationTally::add(const SimulationTally& other) {
  answers += other.answers;
  duplicates += other.duplicates;
  commits += other.commits;
  settlings += other.settlings;
  failed_settlings += other.failed_settlings;
  merges += other.merges;
  crashes += other.crashes;
  recoveries_cut_short += other.recoveries_cut_short;
  torn += other.torn;
  undecided_found += other.undecided_found;
  failures_for_good += other.failures_for_good;
  refusals += other.refusals;
  damage_reported += other.damage_reported;
}

std::string SimulationTally::text() const {
  return number(answers) + " answers (" + number(duplicates) + " duplicates), " + number(commits) +
         " commits, " + number(settlings) + " settlings and " + number(failed_settlings) +
         " failed, " + number(merges) + " merges, " + number(crashes) + " crashes, " +
         number(recoveries_cut_short) + " recoveries cut short, " + number(torn) + " torn tails, " +
         number(undecided_found) + " changes found unacknowledged, " + number(failures_for_good) +
         " failures for good, " + number(refusals) + " changes refused, " +
         number(damage_reported) + " damages reported";
}

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

void Simulation::install_catalog(std::unique_ptr<MapCatalog> catalog) {
  catalog_ = std::move(catalog);
  catalog_->set_before_commit([this]() -> Status {
    interlude("catalog");
    if (catalog_fails_one_in_ > 0 && random_.one_in(catalog_fails_one_in_))
      return catalog_is_full();
    return disk_.outside_change();
  });
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
  if (violations_.none()) check_damage();
  tally_.answers = client_.answers();
  tally_.duplicates = client_.duplicates();
  return violations_.first();
}

void Simulation::step() {
  const std::uint64_t dice = random_.below(1000);
  if (dice < 500) return ask(1 + random_.below(4));
  if (dice < 680) return commit();
  if (dice < 780) return turn_loop();
  if (dice < 830) return advance();
  if (dice < 870) return settle();
  if (dice < 900) return merge();
  if (dice < 915) return prepare();
  if (dice < 925) return strain();
  if (dice < 945) return relieve();
  if (dice < 960) return verify();
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

void Simulation::settle() {
  where_ = Where::kSettling;
  const Status settled = state().settle();
  where_ = Where::kOutside;
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

bool Simulation::failed_for_good() const { return life_->state->file_stats().read_only; }

// Power is lost, or the process is killed.
void Simulation::end_life(bool power_lost) {
  ++tally_.crashes;
  if (life_->state != nullptr && failed_for_good()) ++tally_.failures_for_good;
  tally_.refusals = history_.refused();
  std::unique_ptr<MapCatalog> survivor = catalog_->copy();
  if (power_lost) {
    disk_.crash(random_);
  } else {
    disk_.kill();
  }
  life_.reset();
  history_.crashed();
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
  const bool power_lost = random_.one_in(2);
  end_life(power_lost);
}

void Simulation::begin_life() {
  if (!violations_.none()) return;
  bool dies = random_.one_in(3);
  for (int tries = 0;; ++tries) {
    if (dies) disk_.die_at_change(1 + random_.below(30));
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
  if (state().short_of_room()) find_room();
  client_.expect_faults(false);
  if (!violations_.none()) return;
  life_->store = std::make_unique<SimulatedStore>(state(), history_, random_, waits_);
  check_owed();
  life_->engine = std::make_unique<Engine>(*life_->store, engine_options_);
  life_->streams = std::make_unique<Streams>(*life_->engine, life_->loop);
  life_->endpoint = std::make_unique<EndpointClient>(*life_->streams, seed_ | 1);
  run_loop();
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

void Simulation::verify() {
  if (strained_ || disk_.dead() || failed_for_good()) return;
  const std::string differs = difference();
  if (!differs.empty()) violations_.add("in use: " + differs);
}

std::string Simulation::difference() const {
  for (const std::string& path : SimulatedClient::paths()) {
    if (std::string differs = difference_at(path); !differs.empty()) return path + ": " + differs;
  }
  if (std::string differs = difference_in_totals(); !differs.empty()) return differs;
  return difference_in_deadlines();
}

// A sliding deadline is at least a TTL behind the last crash.
WallTime Simulation::deadline_of(const StoreModel::Stream& stream) const {
  const StreamRecord& record = stream.record;
  if (record.soft_deleted || !record.expiry.ttl || history_.all_touched() == WallTime{})
    return record.deadline;
  return std::max<WallTime>(record.deadline, history_.all_touched() + *record.expiry.ttl);
}

std::string Simulation::difference_at(const std::string& path) const {
  const StoreModel::Stream* expected = history_.model().find(path);
  StreamRecord found;
  const Result<bool> there = *life_->state->load(FileState::Wait::kYes, path, found);
  if (!there) return "its record can't be read: " + there.error().message;
  if (*there != (expected != nullptr)) return *there ? "is there" : "is not there";
  if (expected == nullptr) return {};
  const StreamRecord& record = expected->record;
  if (found.id != record.id) return "has another id";
  if (found.content_type != record.content_type || found.framing != record.framing)
    return "has another type";
  if (found.expiry != record.expiry) return "has another expiry";
  if (found.version != record.version) return "has another version";
  if (found.tail != record.tail) return "has another tail";
  if (found.closed != record.closed) return "is closed, or is not";
  if (found.closed_by != record.closed_by) return "was closed by another";
  if (found.soft_deleted != record.soft_deleted) return "is deleted, or is not";
  if (found.forks != record.forks) return "has another count of forks";
  if (found.stream_seq != record.stream_seq) return "has another Stream-Seq";
  if (found.fork != record.fork) return "was forked elsewhere";
  if (found.deadline != deadline_of(*expected)) return "has another deadline";
  return difference_of(*expected);
}

std::string Simulation::difference_of(const StoreModel::Stream& expected) const {
  const StreamId id = expected.record.id;
  for (const std::string& producer : SimulatedClient::producers()) {
    ProducerState found;
    const Result<bool> there =
        *life_->state->load_producer(FileState::Wait::kYes, id, producer, found);
    if (!there) return "its producer can't be read: " + there.error().message;
    const auto known = expected.producers.find(producer);
    if (*there != (known != expected.producers.end())) return "has or lacks a producer";
    if (*there && found != known->second) return "its producer stands elsewhere";
  }
  const std::uint64_t size = expected.bytes.size();
  if (size == 0) return {};
  const std::uint64_t from =
      expected.record.framing == Framing::kJson || random_.one_in(2) ? 0 : random_.below(size);
  for (const std::size_t bytes_max : {std::size_t{1} << 24, std::size_t{1 + random_.below(2000)}}) {
    StoredBytes bytes;
    const ReadRange range{.id = id, .from = from, .to = size, .bytes_max = bytes_max};
    const Status read = *life_->state->read(FileState::Wait::kYes, range, bytes);
    if (!read.ok()) return "its bytes can't be read: " + read.error().message;
    std::string text;
    for (const Slice& slice : bytes.slices) text += slice.view();
    if (text != history_.model().page(range)) return "has other bytes";
    if (bytes.end != from + text.size()) return "a page ends elsewhere";
  }
  if (expected.record.framing == Framing::kJson) return {};
  const std::uint64_t position = random_.below(size);
  const Result<std::uint64_t> end = *life_->state->append_end(FileState::Wait::kYes, id, position);
  if (!end) return "the end of an append can't be read: " + end.error().message;
  return *end == history_.model().append_end(id, position) ? "" : "an append ends elsewhere";
}

std::string Simulation::difference_in_totals() const {
  const StoreStats stats = life_->state->stats();
  const StoreModel& model = history_.model();
  if (stats.streams != model.streams().size())
    return "counts " + number(stats.streams) + " streams, not " + number(model.streams().size());
  if (stats.stored_bytes != model.stored_bytes())
    return "counts " + number(stats.stored_bytes) + " bytes, not " + number(model.stored_bytes());
  return {};
}

// By the saved deadlines: the engine, which is told, knows the true ones.
std::string Simulation::difference_in_deadlines() const {
  std::set<WallTime> moments{clock_.now()};
  WallTime earliest = kNever;
  for (const auto& [id, stream] : history_.model().streams()) {
    const WallTime deadline = stream.record.deadline;
    if (stream.record.soft_deleted || deadline == kNever) continue;
    earliest = std::min(earliest, deadline);
    moments.insert({deadline - std::chrono::milliseconds(1), deadline});
  }
  if (life_->state->earliest_deadline() > earliest) return "its earliest deadline is too late";
  for (const WallTime moment : moments) {
    if (std::string differs = difference_in_due(moment); !differs.empty()) return differs;
  }
  return {};
}

std::string Simulation::difference_in_due(WallTime moment) const {
  std::vector<StreamId> due;
  for (const auto& [id, stream] : history_.model().streams()) {
    if (!stream.record.soft_deleted && stream.record.deadline <= moment) due.push_back(id);
  }
  const Result<std::vector<ExpiredStream>> found =
      *life_->state->expired(FileState::Wait::kYes, moment, 1000);
  if (!found) return "what has expired can't be read: " + found.error().message;
  std::vector<StreamId> ids;
  for (const ExpiredStream& expired : *found) ids.push_back(expired.id);
  std::sort(ids.begin(), ids.end());
  return ids == due ? "" : "other streams have expired";
}

void Simulation::check_owed() {
  const Result<std::vector<ForkPoint>> owed = state().owed_releases();
  if (!owed) return violations_.add("what is owed can't be read: " + owed.error().message);
  std::map<StreamId, int> found;
  for (const ForkPoint& point : *owed) ++found[point.source];
  if (found != history_.owed()) violations_.add("other releases are owed");
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

// Bits rot in packs: what is read is right, or an error.
void Simulation::check_damage() {
  settle();
  if (!violations_.none()) return;
  const Result<std::vector<std::string>> packs = disk_.list("data/packs");
  if (!packs || packs->empty()) return;
  for (int flips = 0; flips < 3; ++flips) {
    const std::string path = "data/packs/" + (*packs)[random_.below(packs->size())];
    const std::optional<std::string> content = disk_.content(path);
    if (content && !content->empty())
      disk_.flip_bit(path, random_.below(content->size()), static_cast<unsigned>(random_.below(8)));
  }
  for (const auto& [id, stream] : history_.model().streams()) {
    if (stream.bytes.empty()) continue;
    StoredBytes bytes;
    const ReadRange range{
        .id = id, .from = 0, .to = stream.bytes.size(), .bytes_max = std::size_t{1} << 24};
    const Status read = *state().read(FileState::Wait::kYes, range, bytes);
    if (!read.ok()) {
      ++tally_.damage_reported;
      violations_.check(read.error().code == ErrorCode::kCorruption,
                        "damage is not told as such: " + read.error().message);
      continue;
    }
    std::string text;
    for (const Slice& slice : bytes.slices) text += slice.view();
    violations_.check(text == stream.bytes, "damaged bytes are shown");
  }
}

}  // namespace durable_streams

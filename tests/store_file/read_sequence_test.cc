// What offsets name before and after machines crash that had not synced all that readers saw: the
// engine over the file store, on a disk that forgets.
#include <durable_streams/durable_streams.h>
#include <durable_streams/file_store.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/etag.h"
#include "store/file/file_state.h"
#include "tests/support/catch.h"
#include "tests/support/driven_file_store.h"
#include "tests/support/map_catalog.h"
#include "tests/support/seed.h"
#include "tests/support/simulated_disk.h"

namespace durable_streams {
namespace {

// One life after another of a store in one directory. Threads: one at a time.
class Lives {
 public:
  explicit Lives(Durability durability, std::uint64_t seed = 1) : random_(seed), disk_(seed) {
    options_.directory = "data";
    options_.durability = durability;
    options_.segment_bytes = std::uint64_t{64} << 10;
    options_.reserve_bytes = 64 << 10;
    begin();
  }
  ~Lives() { life_.reset(); }

  // The machine loses what was not synced, or some of it.
  void crash() {
    life_.reset();
    catalog_ = catalog_->copy();
    disk_.crash(random_);
    begin();
  }
  // The process ends, and nothing is lost, though nobody can know.
  void kill() {
    life_.reset();
    catalog_ = catalog_->copy();
    disk_.kill();
    begin();
  }
  void close() {
    REQUIRE(life_->state->close().ok());
    life_.reset();
    begin();
  }

  // Counts for the lives to come.
  void set_durability(Durability durability) { options_.durability = durability; }
  void set_producers_max(std::size_t count) { engine_options_.producers_per_stream_max = count; }

  FileState& state() { return *life_->state; }
  MapCatalog& catalog() { return *catalog_; }
  Streams& streams() { return *life_->streams; }

  Result<Created> create(std::string_view path, const CreateOptions& options = {}) {
    return ask<Created>([&](auto done) { streams().create(path, options, std::move(done)); });
  }
  Result<Appended> append(std::string_view path, std::string_view body,
                          const AppendOptions& options = {}) {
    return ask<Appended>(
        [&](auto done) { streams().append(path, body, options, std::move(done)); });
  }
  Result<Page> read(std::string_view path, Offset from = {}, std::size_t bytes_max = 0) {
    return ask<Page>([&](auto done) { streams().read(path, from, bytes_max, std::move(done)); });
  }
  Result<StreamInfo> info(std::string_view path) {
    return ask<StreamInfo>([&](auto done) { streams().info(path, std::move(done)); });
  }
  std::string text(std::string_view path) { return read(path).value().text(); }

 private:
  struct Life {
    std::unique_ptr<FileState> state;
    std::unique_ptr<DrivenFileStore> store;
    ManualLoop loop{ManualLoop::Time::kVirtual};
    std::unique_ptr<Engine> engine;
    std::unique_ptr<Streams> streams;
  };

  void begin() {
    life_ = std::make_unique<Life>();
    Result<std::unique_ptr<FileState>> state =
        FileState::open({.files = disk_, .catalog = *catalog_, .clock = clock_}, options_);
    REQUIRE(state.ok());
    life_->state = std::move(state).value();
    life_->store = std::make_unique<DrivenFileStore>(*life_->state);
    engine_options_.clock = &clock_;
    life_->engine = std::make_unique<Engine>(*life_->store, engine_options_);
    life_->streams = std::make_unique<Streams>(*life_->engine, life_->loop);
  }

  template <class T, class Start>
  Result<T> ask(Start start) {
    std::optional<Result<T>> answer;
    start([&answer](Result<T> result) { answer = std::move(result); });
    life_->loop.run_until_idle();
    REQUIRE(answer);
    return *std::move(answer);
  }

  Random random_;
  SimulatedDisk disk_;
  ManualClock clock_{WallTime(std::chrono::hours(24 * 365 * 50))};
  std::unique_ptr<MapCatalog> catalog_ = std::make_unique<MapCatalog>();
  FileStoreOptions options_;
  EngineOptions engine_options_;
  std::unique_ptr<Life> life_;
};

Offset at(std::uint64_t sequence, std::uint64_t position) {
  return {.read_sequence = sequence, .position = position};
}

// Crashes until `b` is lost that was appended to `a` after `a`; whether a disk loses it is chance.
std::unique_ptr<Lives> with_lost_byte(Durability durability) {
  for (std::uint64_t seed = 1; seed < 100; ++seed) {
    auto lives = std::make_unique<Lives>(durability, seed);
    REQUIRE(lives->create("a", {.body = "a"}).ok());
    REQUIRE(lives->state().sync().ok());
    REQUIRE(lives->append("a", "b").value().next_offset == at(0, 2));
    lives->crash();
    if (lives->text("a") == "a") return lives;
  }
  FAIL("no disk has lost anything");
  return nullptr;
}

TEST_CASE("after lost bytes the next append raises the read sequence",
          "[store_file][read-sequence]") {
  for (const Durability durability : {Durability::kInterval, Durability::kOff}) {
    const std::unique_ptr<Lives> lives = with_lost_byte(durability);
    CHECK(lives->state().opening().may_have_lost);
    CHECK(lives->info("a").value().tail == at(0, 1));
    CHECK(lives->read("a", at(0, 2)).error().code == ErrorCode::kGone);
    CHECK(lives->read("a", at(0, 1)).value().next_offset == at(0, 1));
    CHECK(lives->append("a", "c").value().next_offset == at(1, 2));
    CHECK(lives->append("a", "d").value().next_offset == at(1, 3));
    CHECK(lives->read("a", at(0, 2)).error().code == ErrorCode::kGone);
    CHECK(lives->read("a", at(0, 1)).value().text() == "cd");
    CHECK(lives->read("a", at(1, 2)).value().text() == "d");
    // It is remembered through a clean stop, settled or not, and through a kill.
    const auto check = [&](std::uint64_t tail_sequence) {
      CHECK(lives->info("a").value().tail.read_sequence == tail_sequence);
      CHECK(lives->read("a", at(0, 2)).error().code == ErrorCode::kGone);
      CHECK(lives->read("a", at(0, 1)).value().text().starts_with("cd"));
      CHECK(lives->read("a", at(1, 2)).value().text().starts_with("d"));
    };
    lives->close();
    check(1);
    CHECK(lives->append("a", "e").value().next_offset == at(1, 4));
    lives->kill();
    check(1);
    CHECK(lives->append("a", "f").value().next_offset == at(2, 5));
    check(2);
    CHECK(lives->read("a", at(1, 4)).value().text() == "f");
    CHECK(lives->read("a", at(1, 5)).error().code == ErrorCode::kGone);
  }
}

TEST_CASE("a read sequence whose bytes were all lost is not given again",
          "[store_file][read-sequence]") {
  const std::unique_ptr<Lives> lives = with_lost_byte(Durability::kInterval);
  int lost = 0;
  for (int i = 0; i < 40; ++i) {
    const std::uint64_t before = lives->state().read_sequence();
    const Offset seen = lives->append("a", "xyz").value().next_offset;
    CHECK(seen.read_sequence == before);
    lives->crash();
    CHECK(lives->state().read_sequence() == before + 1);
    if (lives->info("a").value().tail.position >= seen.position) continue;
    ++lost;
    CHECK(lives->read("a", seen).error().code == ErrorCode::kGone);
  }
  CHECK(lost > 0);
}

TEST_CASE("a stream that was lost whole leaves no offset that its successor could be taken by",
          "[store_file][read-sequence]") {
  for (std::uint64_t seed = 1;; ++seed) {
    REQUIRE(seed < 100);
    Lives lives(Durability::kOff, seed);
    const StreamId old_id = lives.create("a", {.body = "old"}).value().stream.id;
    lives.crash();
    if (lives.info("a").ok()) continue;
    const Created made = lives.create("a", {.body = "new!"}).value();
    CHECK(made.stream.id != old_id);
    CHECK(made.stream.tail == at(1, 4));
    CHECK(lives.read("a", at(0, 3)).error().code == ErrorCode::kGone);
    CHECK(lives.read("a", at(0, 0)).value().text() == "new!");
    return;
  }
}

TEST_CASE("with durability always the read sequence stays 0, however a life ends",
          "[store_file][read-sequence]") {
  Lives lives(Durability::kAlways);
  REQUIRE(lives.create("a").ok());
  for (std::uint64_t i = 0; i < 20; ++i) {
    CHECK(lives.append("a", "x").value().next_offset == at(0, i + 1));
    if (i % 3 == 0) CHECK(lives.state().settle().ok());
    i % 2 == 0 ? lives.crash() : lives.kill();
    CHECK_FALSE(lives.state().opening().may_have_lost);
    CHECK(lives.state().read_sequence() == 0);
    CHECK(lives.info("a").value().tail == at(0, i + 1));
  }
}

TEST_CASE("a clean stop of any durability leaves the read sequence as it is",
          "[store_file][read-sequence]") {
  for (const Durability durability : {Durability::kInterval, Durability::kOff}) {
    Lives lives(durability);
    REQUIRE(lives.create("a").ok());
    for (std::uint64_t i = 0; i < 3; ++i) {
      CHECK(lives.append("a", "x").value().next_offset == at(0, i + 1));
      lives.close();
    }
  }
}

TEST_CASE("what counts is the durability of the life that ended, not of the one that begins",
          "[store_file][read-sequence]") {
  Lives lives(Durability::kInterval);
  REQUIRE(lives.create("a").ok());
  lives.set_durability(Durability::kAlways);
  lives.kill();
  CHECK(lives.append("a", "x").value().next_offset == at(1, 1));
  lives.set_durability(Durability::kOff);
  lives.kill();
  CHECK(lives.append("a", "x").value().next_offset == at(1, 2));
  lives.kill();
  CHECK(lives.append("a", "x").value().next_offset == at(2, 3));
}

TEST_CASE("what was settled is not lost, with any durability", "[store_file][read-sequence]") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Lives lives(Durability::kOff, seed);
    REQUIRE(lives.create("a", {.body = "settled"}).ok());
    REQUIRE(lives.state().settle().ok());
    REQUIRE(lives.append("a", " or not").ok());
    lives.crash();
    CHECK(lives.text("a").starts_with("settled"));
    REQUIRE(lives.append("a", "!").ok());
    lives.close();
    CHECK(lives.text("a").ends_with("!"));
  }
}

TEST_CASE("an append after a settling that was cut short is never taken for an older change",
          "[store_file][read-sequence]") {
  constexpr int kStreams = 10'100;  // more than one update of the catalog takes
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    Lives lives(Durability::kOff, seed);
    const StreamId first = lives.state().next_stream_id();
    for (int i = 0; i < kStreams; ++i) {
      StreamRecord record{.id = first + static_cast<StreamId>(i),
                          .path = "s" + std::to_string(i),
                          .content_type = "text/plain",
                          .version = 1};
      REQUIRE(lives.state().submit(CreateChange{.record = record, .bytes = {}}, 1).ok());
    }
    REQUIRE(lives.state().commit());
    int commits = 0;
    lives.catalog().set_before_commit([&commits]() -> Status {
      if (++commits < 3) return {};
      return Error{.code = ErrorCode::kTooMany, .message = "no more", .detail = {}};
    });
    CHECK_FALSE(lives.state().settle().ok());
    REQUIRE(commits == 3);
    lives.crash();
    REQUIRE(lives.append("s0", "kept").ok());
    CHECK(lives.text("s0") == "kept");
    lives.kill();
    CHECK(lives.text("s0") == "kept");
  }
}

TEST_CASE("a limit on producers holds through crashes, and so does what is known of them",
          "[store_file][producer]") {
  Lives lives(Durability::kAlways);
  lives.set_producers_max(2);
  lives.kill();
  REQUIRE(lives.create("a").ok());
  const auto send = [&](std::string_view id, std::uint64_t seq) {
    return lives.append("a", "x", {.producer = {id, 0, seq}});
  };
  CHECK(send("p", 0).ok());
  CHECK(send("q", 0).ok());
  const auto check = [&] {
    CHECK(send("r", 0).error().code == ErrorCode::kTooMany);
    CHECK(send("p", 0).value().duplicate);
    CHECK(send("q", 0).value().duplicate);
  };
  check();
  lives.crash();
  check();
  CHECK(send("p", 1).ok());
  REQUIRE(lives.state().settle().ok());
  check();
  lives.kill();
  check();
  CHECK(send("q", 1).ok());
  lives.close();
  check();
  REQUIRE(
      lives.create("fork", {.fork = ForkFrom{.path = "a", .offset = {}, .sub_offset = {}}}).ok());
  CHECK(lives.append("fork", "x", {.producer = {"r", 0, 0}}).ok());
}

// Readers that remember all they were told, and check it against all they are told later.
class Readers {
 public:
  Readers(Durability durability, std::uint64_t seed)
      : random_(seed), always_(durability == Durability::kAlways), lives_(durability, seed) {}

  void step() {
    const std::uint64_t dice = random_.below(100);
    if (dice < 35) return append();
    if (dice < 45) return create();
    if (dice < 70) return read_anew();
    if (dice < 88) return read_on();
    if (dice < 91) return static_cast<void>(lives_.state().sync().ok());
    if (dice < 94) return static_cast<void>(lives_.state().settle().ok());
    if (dice < 96) return lives_.kill();
    if (dice < 97) return lives_.close();
    lives_.crash();
  }

  int gone() const { return gone_; }

 private:
  // Whoever has an offset knows all that lies before it.
  struct Known {
    std::string path;
    Offset offset;
    std::string before;
  };

  // A fork has a path of its own: made anew after it was lost, and elsewhere, it would be another
  // stream, though it has its source's offsets too.
  std::string some_path() {
    if (forks_ > 0 && random_.one_in(3)) return fork_path(random_.below(forks_));
    return std::string(1, static_cast<char>('a' + random_.below(4)));
  }
  static std::string fork_path(std::uint64_t number) { return "fork-" + std::to_string(number); }

  void create() {
    CreateOptions options{.content_type = "text/plain"};
    const std::string body = random_.one_in(2) ? some_bytes() : std::string();
    const std::string source = some_path();
    std::string path(1, static_cast<char>('a' + random_.below(4)));
    options.body = body;
    if (random_.one_in(2)) {
      path = fork_path(forks_++);
      options.fork = ForkFrom{.path = source, .offset = {}, .sub_offset = {}};
      if (!known_.empty() && random_.one_in(2)) {
        const Known& known = known_[random_.below(known_.size())];
        if (known.path == source) options.fork->offset = known.offset;
      }
    }
    check_answer(lives_.create(path, options));
  }

  std::string some_bytes() {
    return std::string(1 + random_.below(20), static_cast<char>('a' + random_.below(26)));
  }

  void append() {
    AppendOptions options;
    options.close = random_.one_in(60);
    check_answer(lives_.append(some_path(), some_bytes(), options));
  }

  template <class T>
  void check_answer(const Result<T>& answer) {
    if (answer.ok()) return;
    const ErrorCode code = answer.error().code;
    CHECK((code == ErrorCode::kNotFound || code == ErrorCode::kConflict ||
           code == ErrorCode::kClosed || code == ErrorCode::kGone ||
           code == ErrorCode::kInvalidArgument));
    if (always_) CHECK(code != ErrorCode::kGone);
  }

  void read_anew() {
    const std::string path = some_path();
    follow({.path = path, .offset = {}, .before = {}});
  }

  void read_on() {
    if (!known_.empty()) follow(known_[random_.below(known_.size())]);
  }

  // Reads to the end, a page at a time, and remembers each page.
  void follow(Known known) {
    const std::size_t bytes_max = 1 + random_.below(40);
    while (true) {
      const Result<Page> page = lives_.read(known.path, known.offset, bytes_max);
      if (!page.ok()) {
        const ErrorCode code = page.error().code;
        CHECK((code == ErrorCode::kGone || code == ErrorCode::kNotFound));
        if (code == ErrorCode::kGone) ++gone_;
        if (always_) CHECK(known.before.empty());
        return;
      }
      check_page(known, *page);
      known.before += page->text();
      known.offset = page->next_offset;
      REQUIRE(known.offset.position == known.before.size());
      if (always_) CHECK(known.offset.read_sequence == 0);
      known_.push_back(known);
      if (page->up_to_date) break;
    }
    // All that it was told, in whichever lives, is what the stream is.
    REQUIRE(lives_.text(known.path) == known.before);
  }

  void check_page(const Known& known, const Page& page) {
    REQUIRE(page.start.position == known.offset.position);
    REQUIRE(page.start.to_string() <= page.next_offset.to_string());
    const StreamId id = lives_.info(known.path).value().id;
    std::array<char, protocol::kEtagBytesMax> tag;
    char* const end =
        protocol::write_etag(tag.data(), id, page.start, page.next_offset, page.closed);
    const std::string etag(tag.data(), end);
    const auto [tagged, is_new] = tagged_.emplace(etag, page.text());
    INFO("tag " << etag);
    if (!is_new) REQUIRE(tagged->second == page.text());
  }

  Random random_;
  const bool always_;
  Lives lives_;
  std::vector<Known> known_;
  std::map<std::string, std::string> tagged_;
  std::uint64_t forks_ = 0;
  int gone_ = 0;
};

TEST_CASE("no offset and no tag ever names two different contents, whatever crashes take",
          "[store_file][read-sequence][random]") {
  constexpr int kRuns = 30;
  constexpr int kSteps = 250;
  for (const Durability durability :
       {Durability::kInterval, Durability::kOff, Durability::kAlways}) {
    int gone = 0;
    const std::uint64_t first = random_seed();
    for (std::uint64_t run = 0; run < kRuns; ++run) {
      INFO("DURABLE_STREAMS_SEED=" << first + run);
      Readers readers(durability, first + run);
      for (int step = 0; step < kSteps; ++step) readers.step();
      gone += readers.gone();
    }
    if (durability != Durability::kAlways) CHECK(gone > 0);
  }
}

}  // namespace
}  // namespace durable_streams

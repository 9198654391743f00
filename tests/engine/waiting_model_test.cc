// Random operations over a store that makes the engine wait and refuses at random: in the end the
// engine knows what its store holds.
#include <string>
#include <string_view>

#include "tests/engine/engine_fixture.h"
#include "tests/support/deferred_store.h"
#include "tests/support/seed.h"

namespace durable_streams {
namespace {

class RandomLife {
 public:
  explicit RandomLife(std::uint64_t seed) : random_(seed), store_(memory_, seed) {
    store_.set_waits(
        {.changes = true, .loads = true, .reads = true, .expired = true, .random = true});
    store_.refuse_randomly(ErrorCode::kNoSpace, 10);
  }

  void live() {
    for (int i = 0; i < 400; ++i) {
      ask();
      for (std::uint64_t turns = random_.below(4); turns > 0; --turns) {
        store_.step();
        loop_.run_once();
      }
    }
    for (int i = 0; i < 50; ++i) {
      store_.settle();
      pass_second();
      loop_.run_until_idle();
    }
    CHECK(told_ == asked_);
  }

  // Another engine, which knows only what is in memory, must answer alike.
  void check_against_store() {
    store_.set_waits(
        {.changes = false, .loads = false, .reads = false, .expired = false, .random = false});
    Engine fresh(memory_, {.clock = &clock_});
    Streams fresh_streams(fresh, loop_);
    for (std::uint64_t i = 0; i < kPaths; ++i) {
      const Result<Page> cached = streams_.read_now(path(i), Offset::start());
      const Result<Page> kept = fresh_streams.read_now(path(i), Offset::start());
      REQUIRE((cached.ok() ? "ok" : to_string(cached.error().code)) ==
              (kept.ok() ? "ok" : to_string(kept.error().code)));
      if (!cached.ok()) continue;
      CHECK(cached->text() == kept->text());
      CHECK(cached->closed == kept->closed);
    }
  }

  void check_that_all_can_go() {
    store_.refuse_randomly(ErrorCode::kNoSpace, 0);
    for (std::uint64_t i = 0; i < kPaths; ++i) streams_.remove(path(i), [](const auto&) {});
    for (int i = 0; i < 3; ++i) {
      pass_second();
      loop_.run_until_idle();
    }
    CHECK(memory_.stats().streams == 0);
  }

 private:
  static constexpr std::uint64_t kPaths = 6;

  static std::string path(std::uint64_t number) { return "s/" + std::to_string(number); }

  void pass_second() {
    clock_.advance(1s);
    loop_.advance(1s);
  }

  void ask() {
    const std::string target = path(random_.below(kPaths));
    const std::string source = path(random_.below(kPaths));
    const std::string body(1 + random_.below(20), static_cast<char>('a' + random_.below(26)));
    const auto count = [this](const auto&) { ++told_; };
    const ForkFrom from{.path = source, .offset = {}, .sub_offset = {}};
    ++asked_;
    switch (random_.below(8)) {
      case 0:
        return streams_.create(target, {.content_type = "text/plain", .body = body}, count);
      case 1:
        return streams_.create(target, {.fork = from}, count);
      case 2:
        return streams_.remove(target, count);
      case 3:
        return streams_.read(target, Offset::start(), 0, count);
      case 4:
        return streams_.append(target, body, {.producer = {"p", 0, random_.below(4)}}, count);
      case 5:
        return streams_.append(target, body, {.close = random_.below(10) == 0}, count);
      case 6:
        return streams_.create(
            target, {.content_type = "text/plain", .expiry = {.ttl = 5s, .at = {}}}, count);
      default:
        --asked_;
        pass_second();
    }
  }

  Random random_;
  MemoryStore memory_;
  DeferredStore store_;
  ManualClock clock_{WallTime(std::chrono::hours(24 * 365 * 50))};
  ManualLoop loop_{ManualLoop::Time::kVirtual};
  Engine engine_{store_, {.shards = 2, .loaded_streams_max = 4, .clock = &clock_}};
  Streams streams_{engine_, loop_};
  int asked_ = 0;
  int told_ = 0;
};

}  // namespace

TEST_CASE("whatever waits, commits or is refused, the engine and its store agree in the end",
          "[engine][waiting][model]") {
  const std::uint64_t base = random_seed();
  for (std::uint64_t run = 0; run < 40; ++run) {
    INFO("replay with DURABLE_STREAMS_SEED=" << base + run);
    RandomLife life(base + run);
    life.live();
    life.check_against_store();
    life.check_that_all_can_go();
  }
}

}  // namespace durable_streams

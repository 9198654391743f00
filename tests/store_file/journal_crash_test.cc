// A journal on a disk that loses power, whose process is killed, at every single change that it
// makes to it, those of a start after a crash included.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/file/journal.h"
#include "tests/store_file/journal_samples.h"
#include "tests/support/catch.h"
#include "tests/support/seed.h"
#include "tests/support/simulated_disk.h"

namespace durable_streams {
namespace {

constexpr std::uint64_t kNever = 0;

// One journal through several lives, and what is known of it. Threads: one at a time.
class Lives {
 public:
  explicit Lives(std::uint64_t seed, bool syncs_always)
      : random_(seed), disk_(seed), syncs_always_(syncs_always) {
    disk_.create_directories("journal").value();
  }

  // Starts, writes and settles, until it is over or the disk dies at its `die_at`th change.
  void live(std::uint64_t die_at) {
    disk_.die_at_change(die_at);
    const std::uint64_t before = disk_.changes();
    Lsn first = settled_ + 1;
    OpenedJournal journal(
        disk_, settled_, {.segment_bytes = 12 << 10, .spare_segments = 1, .spare_segments_max = 2});
    if (journal.status.ok()) {
      check_start(journal, first);
      for (int step = 0; step < 15 && !disk_.dead(); ++step) take_step(journal);
    } else {
      INFO(journal.status.error().message);
      REQUIRE(disk_.dead());
    }
    changes_ = disk_.changes() - before;
  }

  void end() {
    if (random_.one_in(2)) {
      disk_.kill();
    } else {
      disk_.crash(random_);
    }
  }

  std::uint64_t changes() const { return changes_; }  // of the last life

 private:
  void check_start(const OpenedJournal& journal, Lsn first) {
    REQUIRE(journal.in_order);
    REQUIRE(journal.recovered.last >= durable_);
    REQUIRE(journal.recovered.last <= written_.size());
    REQUIRE(journal.lsns.size() == journal.recovered.last - settled_);
    if (!journal.lsns.empty()) REQUIRE(journal.lsns.front() == first);
    for (std::size_t i = 0; i < journal.lsns.size(); ++i)
      REQUIRE(journal.records[i] == written_[journal.lsns[i] - 1]);
    // What has been seen must never be taken back.
    durable_ = journal.recovered.last;
    written_.resize(durable_);
  }

  void take_step(OpenedJournal& journal) {
    switch (random_.below(10)) {
      case 0:
        journal->seal();
        return settle(journal);
      case 1:
        return must_live(journal->prepare());
      case 2:
        return sync(journal);
      case 3:
        disk_.fail_call(DiskCall::kWrite, 1 + random_.below(2), ErrorCode::kNoSpace);
        write(journal);
        return disk_.clear_faults();
      default:
        return write(journal);
    }
  }

  void write(OpenedJournal& journal) {
    std::vector<std::string> bodies;
    for (std::uint64_t left = 1 + random_.below(3); left > 0; --left) {
      const std::size_t size = random_.below(random_.one_in(10) ? 20'000 : 1500);
      ++bodies_;
      bodies.push_back(std::to_string(bodies_) +
                       std::string(size, static_cast<char>('a' + bodies_ % 26)));
    }
    const std::size_t before = written_.size();
    for (std::string& record : records_of(bodies)) written_.push_back(std::move(record));
    journal.durable = durable_;
    const Status wrote = journal.write(bodies);
    if (wrote.ok()) {
      REQUIRE(journal->last() == written_.size());
      if (syncs_always_) sync(journal);
      return;
    }
    if (disk_.dead()) return;
    REQUIRE(wrote.error().code == ErrorCode::kNoSpace);
    REQUIRE(journal->last() == before);
    written_.resize(before);
  }

  void sync(OpenedJournal& journal) {
    const Status synced = journal->sync();
    if (synced.ok()) durable_ = journal->last();
    must_live(synced);
  }

  void settle(OpenedJournal& journal) {
    if (!disk_.outside_change()) return;
    settled_ = journal->last();
    durable_ = settled_;
    must_live(journal->release(settled_));
  }

  void must_live(const Status& status) {
    if (status.ok()) return;
    INFO(status.error().message);
    REQUIRE(disk_.dead());
  }

  Random random_;
  SimulatedDisk disk_;
  const bool syncs_always_;
  std::vector<std::string> written_;  // what may be there, by number
  Lsn durable_ = 0;                   // what must be there
  Lsn settled_ = 0;
  std::uint64_t bodies_ = 0;
  std::uint64_t changes_ = 0;
};

TEST_CASE("wherever a crash or a kill strikes, what was durable or seen comes back, in order",
          "[store_file][journal]") {
  const bool syncs_always = GENERATE(true, false);
  const std::uint64_t seed = random_seed();
  INFO("DURABLE_STREAMS_SEED=" << seed << ", syncs always: " << syncs_always);
  Random random(seed);
  std::uint64_t changes = 1;
  for (std::uint64_t die_at = 1; die_at <= changes; ++die_at) {
    INFO("dies at change " << die_at);
    Lives lives(seed, syncs_always);
    lives.live(kNever);
    lives.end();
    lives.live(die_at);
    if (die_at == changes) changes = std::max(changes, lives.changes() + 1);
    if (lives.changes() < die_at) break;
    lives.end();
    // The start after it is struck as well, most of the time.
    lives.live(1 + random.below(12));
    lives.end();
    lives.live(kNever);
    lives.end();
    lives.live(kNever);
  }
}

TEST_CASE("many lives of a journal, ended at random, lose nothing", "[store_file][journal]") {
  const std::uint64_t first_seed = random_seed();
  for (std::uint64_t seed = first_seed; seed < first_seed + 40; ++seed) {
    INFO("DURABLE_STREAMS_SEED=" << seed);
    Random random(seed);
    Lives lives(seed, random.one_in(2));
    for (int life = 0; life < 12; ++life) {
      INFO("life " << life);
      lives.live(random.one_in(4) ? kNever : 1 + random.below(random.one_in(2) ? 12 : 100));
      lives.end();
    }
    lives.live(kNever);
  }
}

TEST_CASE("a spare that a kill left half renamed is not used under its new name alone",
          "[store_file][journal]") {
  const std::uint64_t first_seed = random_seed();
  for (std::uint64_t seed = first_seed; seed < first_seed + 100; ++seed) {
    INFO("DURABLE_STREAMS_SEED=" << seed);
    Random random(seed);
    SimulatedDisk disk(seed);
    disk.create_directories("journal").value();
    OpenedJournal first(disk);
    first.append({"one"}).value();
    first->seal();
    disk.die_at_change(2);  // after the rename
    REQUIRE_FALSE(first->release(1).ok());
    disk.kill();
    OpenedJournal second(disk, 1);
    REQUIRE(second.status.ok());
    disk.die_at_change(3 + random.below(2));  // the header is there and synced, its name may not be
    static_cast<void>(second.append({"two"}).ok());
    disk.crash(random);
    const OpenedJournal third(disk, 1);
    INFO((third.status.ok() ? "" : third.status.error().message));
    REQUIRE(third.status.ok());
  }
}

TEST_CASE("on a full disk a start writes anew into a spare", "[store_file][journal]") {
  SimulatedDisk disk;
  disk.create_directories("journal").value();
  OpenedJournal journal(disk);
  journal->prepare().value();
  journal.append({"one"}).value();
  journal.append({"two"}).value();
  disk.set_capacity(disk.used_bytes());
  disk.kill();
  {
    const OpenedJournal again(disk);
    INFO((again.status.ok() ? "" : again.status.error().message));
    REQUIRE(again.status.ok());
    CHECK(again.records == records_of({"one", "two"}));
  }
  Random random(1);
  disk.crash(random);
  CHECK(OpenedJournal(disk).records == records_of({"one", "two"}));
}

}  // namespace
}  // namespace durable_streams

// Kills the server under load, starts it again and checks what it kept: kill_test KILLS. The seed
// that it prints is of the load; where in it a kill falls is the machine's affair.
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/crash/checker.h"
#include "tests/crash/killable_server.h"
#include "tests/crash/worker.h"
#include "tests/crash/world.h"
#include "tests/support/seed.h"
#include "tests/support/temporary_directory.h"

namespace durable_streams::crash {
namespace {

// What all lives together came to.
struct Totals {
  std::uint64_t kills_while_starting = 0;
  std::uint64_t stops = 0;
  std::uint64_t replayed = 0;
  std::uint64_t torn = 0;
  std::uint64_t packs_made = 0;
  std::uint64_t packs_left = 0;
};

// One data directory and all that is known to be in it. Threads: one at a time.
class KillTest {
 public:
  KillTest(std::uint64_t seed, Totals& totals) : seed_(seed), random_(seed), totals_(totals) {
    for (std::uint64_t i = 0; i < kWorkers; ++i)
      workers_.push_back(
          std::make_unique<Worker>(world_, static_cast<int>(i), seed * kWorkers + i));
  }

  ~KillTest() {
    world_.ending = true;
    server_.reset();
    for (std::thread& thread : threads_) thread.join();
  }
  KillTest(const KillTest&) = delete;
  KillTest& operator=(const KillTest&) = delete;

  // One life under load, its end, the next start and what is left then. After false there is no
  // more to be learnt here.
  bool round() {
    if (server_ == nullptr && !start()) return report();
    live();
    // Now and then in order, so that a clean start is among what is tried.
    if (random_.one_in(8) && stop()) {
      start();
      if (!report()) return false;
      live();
    }
    if (kill()) start();
    return report();
  }

  const Counts& counts() const { return world_.counts; }

 private:
  std::string data() const { return directory_.path() + "/data"; }

  // Starts the server, perhaps killing it a few times before it serves, and checks.
  bool start() {
    const std::string durability =
        random_.one_in(4) ? (random_.one_in(2) ? "interval" : "off") : "always";
    for (std::uint64_t kills = random_.one_in(3) ? 1 + random_.below(3) : 0; kills > 0; --kills) {
      server_ = std::make_unique<KillableServer>(data(), durability);
      std::this_thread::sleep_for(std::chrono::microseconds(random_.below(60'000)));
      if (!kill()) return false;
      ++totals_.kills_while_starting;
    }
    server_ = std::make_unique<KillableServer>(data(), durability);
    const std::optional<Opened> opened = server_->await();
    if (!opened) {
      server_->kill();
      world_.fail("the server does not start: " + server_->end());
      return false;
    }
    totals_.replayed += opened->replayed;
    totals_.torn += opened->torn_bytes > 0 ? 1 : 0;
    port_ = opened->port;
    count_packs();
    Checker(world_, random_).check(port_);
    forget();
    return true;
  }

  // Lets the workers work for a while, and leaves them at it.
  void live() {
    world_.ending = false;
    for (const auto& worker : workers_) {
      threads_.emplace_back([port = port_, &worker] { worker->run(port); });
    }
    const std::uint64_t longest_ms = random_.one_in(5) ? 60 : 1'500;
    std::this_thread::sleep_for(std::chrono::microseconds(random_.below(longest_ms * 1'000)));
    world_.ending = true;
  }

  bool kill() {
    const bool killed = server_->kill();
    if (!killed) world_.fail("before it was killed, " + server_->end());
    join();
    return killed;
  }

  bool stop() {
    const bool stopped = server_->stop();
    if (!stopped) world_.fail("it was to stop, but " + server_->end());
    join();
    ++totals_.stops;
    return stopped;
  }

  void join() {
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

  void forget() {
    std::vector<const StreamModel*> keep;
    for (const auto& worker : workers_)
      keep.insert(keep.end(), worker->slots().begin(), worker->slots().end());
    world_.forget_streams(keep);
  }

  void count_packs() {
    std::uint64_t last = 0;
    totals_.packs_left = 0;
    for (const auto& entry : std::filesystem::directory_iterator(data() + "/packs")) {
      if (entry.path().extension() != ".pack") continue;
      ++totals_.packs_left;
      last = std::max<std::uint64_t>(last, std::stoull(entry.path().stem().string()));
    }
    totals_.packs_made += last - std::min(last, last_pack_);
    last_pack_ = std::max(last, last_pack_);
  }

  // Prints what went wrong, and keeps the directory for whoever wants to know why.
  bool report() {
    const std::vector<std::string> failures = world_.take_failures();
    if (failures.empty()) return true;
    constexpr std::size_t kShown = 20;
    for (std::size_t i = 0; i < failures.size() && i < kShown; ++i)
      std::cout << "  " << failures[i] << '\n';
    if (failures.size() > kShown) std::cout << "  and " << failures.size() - kShown << " more\n";
    world_.ending = true;
    server_.reset();
    const std::string kept =
        (std::filesystem::temp_directory_path() / ("kill-test-" + std::to_string(seed_))).string();
    std::error_code failed;
    std::filesystem::remove_all(kept, failed);
    std::filesystem::rename(data(), kept, failed);
    std::cout << "  the data directory is kept: " << kept << std::endl;
    return false;
  }

  const std::uint64_t seed_;
  TemporaryDirectory directory_;
  Random random_;
  Totals& totals_;
  World world_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::thread> threads_;
  std::unique_ptr<KillableServer> server_;
  std::uint16_t port_ = 0;
  std::uint64_t last_pack_ = 0;
};

void print(const Counts& counts) {
  std::cout << "  " << counts.appends << " appends, " << counts.creates << " streams, "
            << counts.forks << " forks, " << counts.closes << " closes, " << counts.deletes
            << " deletes, " << counts.reads << " reads; " << counts.refused << " refused\n"
            << "  unanswered: " << counts.unanswered_taken << " had been taken, "
            << counts.unanswered_absent << " not; retried: " << counts.retries_known << " known, "
            << counts.retries_new << " new\n";
}

int run(std::uint64_t kills) {
  std::uint64_t seed = random_seed();
  std::cout << "DURABLE_STREAMS_SEED=" << seed << std::endl;
  std::uint64_t passed = 0;
  std::uint64_t failed = 0;
  Totals totals;
  auto test = std::make_unique<KillTest>(seed, totals);
  for (std::uint64_t i = 0; i < kills; ++i) {
    if (test->round()) {
      ++passed;
      continue;
    }
    ++failed;
    std::cout << "  kill " << i + 1 << " failed, DURABLE_STREAMS_SEED=" << seed << std::endl;
    print(test->counts());
    test = std::make_unique<KillTest>(++seed, totals);
  }
  print(test->counts());
  std::cout << "  " << totals.replayed << " changes replayed, " << totals.torn << " torn ends cut, "
            << totals.packs_made << " packs made, " << totals.packs_left << " left; "
            << totals.kills_while_starting << " more kills while starting, " << totals.stops
            << " stops in order\n"
            << "kills: " << passed << " passed, " << failed << " failed" << std::endl;
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace durable_streams::crash

int main(int argc, char** argv) {
  const std::uint64_t kills = argc == 2 ? std::strtoull(argv[1], nullptr, 10) : 0;
  if (kills == 0) {
    std::cerr << "usage: kill_test KILLS\n";
    return 2;
  }
  return durable_streams::crash::run(kills);
}

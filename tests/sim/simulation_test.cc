// Runs simulations, each from its own seed. A failure prints the seed that replays it alone.
#include <unistd.h>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/sim/simulation.h"
#include "tests/support/catch.h"

namespace durable_streams {

namespace {

constexpr std::size_t kSteps = 400;

// Sanitized builds take many times as long.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t kSeeds = 40;
#else
constexpr std::uint64_t kSeeds = 500;
#endif

std::uint64_t seeds_wanted() {
  if (std::getenv("DURABLE_STREAMS_SEED") != nullptr) return 1;
  const char* given = std::getenv("DURABLE_STREAMS_SIMULATIONS");
  return given != nullptr ? std::stoull(given) : kSeeds;
}

char seed_text[64];

// A broken invariant aborts, and says nothing of the seed.
void tell_seed(int signal) {
  if (write(STDERR_FILENO, seed_text, std::char_traits<char>::length(seed_text)) < 0) return;
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

}  // namespace

TEST_CASE("after every crash the store is as the acknowledged changes left it", "[sim]") {
  std::signal(SIGABRT, tell_seed);
  const std::uint64_t first = random_seed();
  const std::uint64_t count = seeds_wanted();
  SimulationTally tally;
  for (std::uint64_t seed = first; seed != first + count; ++seed) {
    std::snprintf(seed_text, sizeof seed_text, "DURABLE_STREAMS_SEED=%llu\n",
                  static_cast<unsigned long long>(seed));
    Simulation simulation(seed);
    const std::string wrong = simulation.run(kSteps);
    tally.add(simulation.tally());
    INFO("DURABLE_STREAMS_SEED=" << seed);
    CHECK(wrong == "");
  }
  WARN(count << " seeds from " << first << ": " << tally.text());
}

}  // namespace durable_streams

// The seed of a random test: new with every run, or the one in DURABLE_STREAMS_SEED, which replays
// a failure.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>

namespace durable_streams {

// Tests name it with INFO("DURABLE_STREAMS_SEED=" << seed), so that every failure tells how to
// replay it.
inline std::uint64_t random_seed() {
  if (const char* given = std::getenv("DURABLE_STREAMS_SEED")) return std::stoull(given);
  return std::random_device()();
}

// Random numbers that are the same for the same seed on every machine, as the standard
// distributions' are not. Threads: one at a time.
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  // Below `bound`, which is not 0.
  std::uint64_t below(std::uint64_t bound) { return engine_() % bound; }

  bool one_in(std::uint64_t count) { return below(count) == 0; }

 private:
  std::mt19937_64 engine_;
};

}  // namespace durable_streams

// The heap of deadlines, held against a plain list.
#include "store/memory/deadline_index.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/seed.h"

namespace durable_streams {

namespace {

WallTime at(std::uint64_t second) {
  return WallTime(std::chrono::seconds(static_cast<std::int64_t>(second)));
}

std::vector<MemoryStream::Ptr> streams(std::size_t count) {
  std::vector<MemoryStream::Ptr> made;
  for (std::size_t i = 0; i < count; ++i) {
    StreamRecord record;
    record.id = i;
    record.path = std::to_string(i);
    made.push_back(MemoryStream::create(record, 0, {}));
  }
  return made;
}

}  // namespace

TEST_CASE("the deadline index keeps order through any changes", "[store][deadline]") {
  const std::uint64_t seed = random_seed();
  INFO("DURABLE_STREAMS_SEED=" << seed);
  Random random(seed);
  constexpr std::size_t kStreams = 200;
  const std::vector<MemoryStream::Ptr> all = streams(kStreams);
  std::vector<WallTime> deadlines(kStreams, kNever);
  DeadlineIndex index;
  for (int step = 0; step < 5000; ++step) {
    const std::size_t chosen = random.below(kStreams);
    deadlines[chosen] = random.one_in(4) ? kNever : at(random.below(300));
    index.set(*all[chosen], deadlines[chosen]);
    REQUIRE(index.earliest() == *std::min_element(deadlines.begin(), deadlines.end()));
    if (step % 50 != 0) continue;
    std::vector<WallTime> expected;
    const WallTime now = at(random.below(300));
    std::copy_if(deadlines.begin(), deadlines.end(), std::back_inserter(expected),
                 [&](WallTime deadline) { return deadline <= now; });
    std::sort(expected.begin(), expected.end());
    expected.resize(std::min<std::size_t>(expected.size(), 40));
    std::vector<WallTime> found;
    for (const ExpiredStream& each : index.due(now, 40)) {
      REQUIRE(each.path == std::to_string(each.id));
      found.push_back(deadlines[each.id]);
    }
    REQUIRE(found == expected);
  }
}

}  // namespace durable_streams

// What a batch gathers is what it gives back, and what it writes.
#include "store/file/journal_batch.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/store_file/change_samples.h"
#include "tests/support/catch.h"
#include "tests/support/seed.h"

namespace durable_streams {
namespace {

std::vector<std::string> changes_in(const JournalBatch& batch) {
  std::vector<std::string> changes;
  Function<void(std::size_t, const Change&)> visit = [&](std::size_t index, const Change& change) {
    REQUIRE(index == changes.size());
    changes.push_back(encoded(change));
  };
  batch.for_each(visit);
  return changes;
}

std::size_t gathered_bytes(const JournalBatch& batch) {
  std::vector<std::string_view> parts;
  batch.gather(parts);
  std::size_t bytes = 0;
  for (const std::string_view part : parts) bytes += part.size();
  return bytes;
}

TEST_CASE("a batch gives back its changes in order, shared bodies among them",
          "[store_file][journal]") {
  const std::uint64_t seed = random_seed();
  INFO("DURABLE_STREAMS_SEED=" << seed);
  Random random(seed);
  JournalBatch batch;
  for (int round = 0; round < 20; ++round) {
    std::vector<std::string> expected;
    for (std::uint64_t left = random.below(30); left > 0; --left) {
      const SampleChange sample(random);
      batch.add(sample.change);
      expected.push_back(encoded(sample.change));
      if (!random.one_in(4)) continue;
      const Slice body =
          Slice::copy_of(std::string(JournalBatch::kSharedBytesMin - 2 + random.below(4), 'b'));
      const AppendChange append{.id = 7, .version = 1, .bytes = body.view(), .owned = body};
      batch.add(append);
      expected.push_back(encoded(append));
    }
    REQUIRE(batch.records() == expected.size());
    REQUIRE(batch.empty() == expected.empty());
    REQUIRE(changes_in(batch) == expected);
    REQUIRE(gathered_bytes(batch) == batch.bytes());
    batch.clear();
    REQUIRE(batch.empty());
    REQUIRE(batch.bytes() == 0);
  }
}

TEST_CASE("a large body that the change shares is not copied", "[store_file][journal]") {
  const Slice body = Slice::copy_of(std::string(JournalBatch::kSharedBytesMin, 'b'));
  JournalBatch batch;
  batch.add(AppendChange{.id = 1, .version = 1, .bytes = body.view(), .owned = body});
  CHECK(body.owner().use_count() == 2);
  std::vector<std::string_view> parts;
  batch.gather(parts);
  REQUIRE(parts.size() == 2);
  CHECK(parts[1].data() == body.data());
  Function<void(std::size_t, const Change&)> visit = [&](std::size_t, const Change& change) {
    CHECK(std::get<AppendChange>(change).owned.data() == body.data());
    CHECK(std::get<AppendChange>(change).bytes == body.view());
  };
  batch.for_each(visit);
  batch.clear();
  CHECK(body.owner().use_count() == 1);
}

TEST_CASE("a small body is copied, so that its share need not be kept", "[store_file][journal]") {
  const Slice body = Slice::copy_of(std::string(JournalBatch::kSharedBytesMin - 1, 'b'));
  JournalBatch batch;
  batch.add(AppendChange{.id = 1, .version = 1, .bytes = body.view(), .owned = body});
  CHECK(body.owner().use_count() == 1);
  Function<void(std::size_t, const Change&)> visit = [&](std::size_t, const Change& change) {
    CHECK(std::get<AppendChange>(change).owned.empty());
    CHECK(std::get<AppendChange>(change).bytes == body.view());
  };
  batch.for_each(visit);
}

}  // namespace
}  // namespace durable_streams

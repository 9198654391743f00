// A change comes back from its record as it was; bytes that are no record are recognised.
#include "store/file/change_codec.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "tests/store_file/change_samples.h"
#include "tests/support/catch.h"
#include "tests/support/seed.h"

namespace durable_streams {
namespace {

TEST_CASE("a change decodes to the change that was encoded", "[store_file][change]") {
  const std::uint64_t seed = random_seed();
  INFO("DURABLE_STREAMS_SEED=" << seed);
  Random random(seed);
  DecodedChange decoded;
  for (int i = 0; i < 1000; ++i) {
    const SampleChange sample(random);
    const std::string bytes = encoded(sample.change);
    REQUIRE(decode_change(bytes, decoded));
    REQUIRE(decoded.change.index() == sample.change.index());
    REQUIRE(encoded(decoded.change) == bytes);
    const auto* append = std::get_if<AppendChange>(&sample.change);
    if (append == nullptr) continue;
    const auto& found = std::get<AppendChange>(decoded.change);
    REQUIRE(found.id == append->id);
    REQUIRE(found.version == append->version);
    REQUIRE(found.bytes == append->bytes);
    REQUIRE(found.tail == append->tail);
    REQUIRE(found.producer_id == append->producer_id);
    REQUIRE(found.producer == append->producer);
    REQUIRE(found.producer_is_new == append->producer_is_new);
    REQUIRE(found.forgotten_producer == append->forgotten_producer);
    REQUIRE(found.stream_seq == append->stream_seq);
    REQUIRE(found.close == append->close);
    REQUIRE(found.owned.empty());
  }
}

TEST_CASE("a change's record cut before its bytes is none", "[store_file][change]") {
  const std::uint64_t seed = random_seed();
  INFO("DURABLE_STREAMS_SEED=" << seed);
  Random random(seed);
  DecodedChange decoded;
  for (int i = 0; i < 200; ++i) {
    const SampleChange sample(random);
    std::string bytes;
    encode_change(sample.change, bytes);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      REQUIRE_FALSE(decode_change(std::string(bytes, 0, size), decoded));
    }
  }
}

TEST_CASE("a record with an unknown kind, an unknown flag or more than its fields is none",
          "[store_file][change]") {
  DecodedChange decoded;
  const std::string remove = encoded(RemoveChange{.id = 1, .version = 2});
  REQUIRE(decode_change(remove, decoded));
  CHECK_FALSE(decode_change(remove + "x", decoded));
  CHECK_FALSE(decode_change(encoded(ReleaseChange{.source = 1, .version = 2}) + "x", decoded));
  CHECK_FALSE(decode_change(encoded(DeadlineChange{.id = 1}) + "x", decoded));
  for (const int first : {0x00, 0x06, 0x07, 0x09, 0x13, 0x14, 0x82, 0x0d}) {
    CHECK_FALSE(
        decode_change(std::string(1, static_cast<char>(first)) + std::string(20, '\1'), decoded));
  }
}

TEST_CASE("bytes at random never make a record that says more than they hold",
          "[store_file][change]") {
  const std::uint64_t seed = random_seed();
  INFO("DURABLE_STREAMS_SEED=" << seed);
  Random random(seed);
  DecodedChange decoded;
  for (int i = 0; i < 20'000; ++i) {
    const std::string bytes = random_text(random, 40);
    if (!decode_change(bytes, decoded)) continue;
    REQUIRE(encoded(decoded.change).size() <= bytes.size());
  }
}

}  // namespace
}  // namespace durable_streams

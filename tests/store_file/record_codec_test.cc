// A stream's record comes back from its bytes as it was, or not at all.
#include "store/file/record_codec.h"

#include <cstddef>
#include <string>
#include <string_view>

#include "tests/store_file/change_samples.h"
#include "tests/support/catch.h"
#include "tests/support/seed.h"

namespace durable_streams {
namespace {

TEST_CASE("a record decodes to the record that was encoded, and leaves what follows it",
          "[store_file][record]") {
  const std::uint64_t seed = random_seed();
  INFO("DURABLE_STREAMS_SEED=" << seed);
  Random random(seed);
  for (int i = 0; i < 500; ++i) {
    const StreamRecord record = random_record(random);
    std::string bytes;
    encode_record(record, bytes);
    const std::string behind = random_text(random, 10);
    ByteReader in(bytes += behind);
    StreamRecord decoded;
    REQUIRE(decode_record(in, decoded));
    REQUIRE(in.rest() == behind);
    std::string again;
    encode_record(decoded, again);
    REQUIRE(again + behind == bytes);
    REQUIRE(decoded.path == record.path);
    REQUIRE(decoded.content_type == record.content_type);
    REQUIRE(decoded.framing == record.framing);
    REQUIRE(decoded.expiry == record.expiry);
    REQUIRE(decoded.deadline == record.deadline);
    REQUIRE(decoded.version == record.version);
    REQUIRE(decoded.tail == record.tail);
    REQUIRE(decoded.sequences == record.sequences);
    REQUIRE(decoded.closed == record.closed);
    REQUIRE(decoded.soft_deleted == record.soft_deleted);
    REQUIRE(decoded.forks == record.forks);
    REQUIRE(decoded.producers == record.producers);
    REQUIRE(decoded.stream_seq == record.stream_seq);
    REQUIRE(decoded.closed_by == record.closed_by);
    REQUIRE(decoded.fork == record.fork);
  }
}

TEST_CASE("a record cut short anywhere is none", "[store_file][record]") {
  const std::uint64_t seed = random_seed();
  INFO("DURABLE_STREAMS_SEED=" << seed);
  Random random(seed);
  for (int i = 0; i < 200; ++i) {
    std::string bytes;
    encode_record(random_record(random), bytes);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const std::string cut = bytes.substr(0, size);
      ByteReader in(cut);
      StreamRecord decoded;
      REQUIRE_FALSE(decode_record(in, decoded));
    }
  }
}

}  // namespace
}  // namespace durable_streams

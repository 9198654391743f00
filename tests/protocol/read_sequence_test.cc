// The rules of read sequences, over starts as a stream collects them.
#include "protocol/read_sequence.h"

#include "tests/support/catch.h"

namespace durable_streams::protocol {
namespace {

TEST_CASE("a stream that lost nothing has one sequence, which ends at its tail",
          "[protocol][read-sequence]") {
  CHECK(sequence_at({}, 0) == 0);
  CHECK(sequence_at({}, 100) == 0);
  CHECK(sequence_end({}, 0, 100) == 100);
  CHECK_FALSE(sequence_end({}, 5, 100));
}

TEST_CASE("a sequence ends where the next one starts", "[protocol][read-sequence]") {
  SequenceStarts starts;
  raise_sequence(starts, 2, 10);
  raise_sequence(starts, 2, 15);
  raise_sequence(starts, 1, 15);
  raise_sequence(starts, 5, 20);
  CHECK(starts == SequenceStarts{{2, 10}, {5, 20}});
  CHECK(sequence_end(starts, 0, 30) == 10);
  CHECK_FALSE(sequence_end(starts, 1, 30));  // if it was given, it is lost whole
  CHECK(sequence_end(starts, 2, 30) == 20);
  CHECK_FALSE(sequence_end(starts, 4, 30));
  CHECK(sequence_end(starts, 5, 30) == 30);
}

TEST_CASE("offsets grow with the positions that they name", "[protocol][read-sequence]") {
  const SequenceStarts starts{{2, 10}, {5, 20}};
  Offset before;
  for (std::uint64_t position = 1; position <= 30; ++position) {
    const Offset offset{.read_sequence = sequence_at(starts, position), .position = position};
    CHECK(offset.to_string() > before.to_string());
    CHECK(position <= sequence_end(starts, offset.read_sequence, 30));
    before = offset;
  }
  CHECK(sequence_at(starts, 10) == 0);
  CHECK(sequence_at(starts, 11) == 2);
  CHECK(sequence_at(starts, 20) == 2);
  CHECK(sequence_at(starts, 21) == 5);
}

TEST_CASE("a fork inherits the starts before it", "[protocol][read-sequence]") {
  const SequenceStarts starts{{2, 10}, {5, 20}};
  CHECK(inherited_starts(starts, 10).empty());
  CHECK(inherited_starts(starts, 11) == SequenceStarts{{2, 10}});
  CHECK(inherited_starts(starts, 30) == starts);
}

TEST_CASE("however often a stream is cut, it keeps few starts, and none names lost bytes",
          "[protocol][read-sequence]") {
  SequenceStarts starts;
  SequenceStarts all;
  for (std::uint64_t cut = 1; cut <= 3 * kSequenceStartsMax; ++cut) {
    raise_sequence(starts, cut, cut * 10);
    all.push_back({.sequence = cut, .position = cut * 10});
    CHECK(starts.size() <= kSequenceStartsMax);
    CHECK(starts.back() == all.back());
    for (std::uint64_t sequence = 0; sequence <= cut; ++sequence) {
      CHECK(sequence_end(starts, sequence, 10'000).value_or(0) <=
            *sequence_end(all, sequence, 10'000));
    }
  }
}

}  // namespace
}  // namespace durable_streams::protocol

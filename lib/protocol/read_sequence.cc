// Starts are few and in order, so each question is a walk over them.
#include "protocol/read_sequence.h"

namespace durable_streams::protocol {

std::uint64_t sequence_at(const SequenceStarts& starts, std::uint64_t position) {
  std::uint64_t sequence = 0;
  for (const SequenceStart& start : starts) {
    if (start.position >= position) break;
    sequence = start.sequence;
  }
  return sequence;
}

std::optional<std::uint64_t> sequence_end(const SequenceStarts& starts, std::uint64_t sequence,
                                          std::uint64_t tail) {
  bool known = sequence == 0;
  for (const SequenceStart& start : starts) {
    if (start.sequence > sequence) return known ? std::optional(start.position) : std::nullopt;
    known = known || start.sequence == sequence;
  }
  return known ? std::optional(tail) : std::nullopt;
}

void raise_sequence(SequenceStarts& starts, std::uint64_t sequence, std::uint64_t position) {
  const std::uint64_t last = starts.empty() ? 0 : starts.back().sequence;
  if (sequence <= last) return;
  // The bytes between the two get offsets of the younger one, which has named nothing else.
  if (starts.size() == kSequenceStartsMax) {
    starts[1].position = starts[0].position;
    starts.erase(starts.begin());
  }
  starts.push_back({.sequence = sequence, .position = position});
}

SequenceStarts inherited_starts(const SequenceStarts& starts, std::uint64_t position) {
  SequenceStarts inherited;
  for (const SequenceStart& start : starts) {
    if (start.position < position) inherited.push_back(start);
  }
  return inherited;
}

}  // namespace durable_streams::protocol

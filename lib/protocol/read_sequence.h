// Which bytes of a stream an offset of an old read sequence still names. Pure rules, over the
// places where the read sequence was raised.
#pragma once

#include <durable_streams/store.h>

#include <cstddef>
#include <cstdint>
#include <optional>

namespace durable_streams::protocol {

// How many starts a stream keeps; then the two oldest become one, and offsets between them that
// were good are taken for lost.
inline constexpr std::size_t kSequenceStartsMax = 64;

// The read sequence that offsets behind the byte before `position` have.
std::uint64_t sequence_at(const SequenceStarts& starts, std::uint64_t position);

// Up to where offsets of `sequence` name what they have always named. Nullopt: the stream has no
// byte of it; if it had once, they are lost.
std::optional<std::uint64_t> sequence_end(const SequenceStarts& starts, std::uint64_t sequence,
                                          std::uint64_t tail);

// Raises the read sequence of a stream that ends at `position`; nothing if it is as high already.
void raise_sequence(SequenceStarts& starts, std::uint64_t sequence, std::uint64_t position);

// What a fork that leaves its source at `position` has of its starts.
SequenceStarts inherited_starts(const SequenceStarts& starts, std::uint64_t position);

}  // namespace durable_streams::protocol

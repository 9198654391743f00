// Changes at random, as a store is given them, for tests of what is made of them.
#pragma once

#include <durable_streams/store.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "store/file/change_codec.h"
#include "tests/support/seed.h"

namespace durable_streams {

inline std::string random_text(Random& random, std::size_t size_max) {
  std::string text(random.below(size_max + 1), '\0');
  for (char& byte : text) byte = static_cast<char>(random.below(256));
  return text;
}

// Of every size that a number may have as a varint.
inline std::uint64_t random_number(Random& random) {
  const std::uint64_t bits = (random.below(UINT32_MAX) << 32) | random.below(UINT32_MAX);
  return bits >> random.below(64);
}

inline StreamRecord random_record(Random& random) {
  StreamRecord record{.id = random_number(random),
                      .path = random_text(random, 40),
                      .content_type = random_text(random, 20),
                      .framing = random.one_in(2) ? Framing::kJson : Framing::kBytes};
  record.version = random_number(random);
  record.tail.position = random_number(random);
  for (std::uint64_t i = random.one_in(2) ? random.below(5) : 0; i > 0; --i) {
    SequenceStart start;
    if (!record.sequences.empty()) start = record.sequences.back();
    start.sequence += 1 + random_number(random) / 8;
    start.position += random_number(random) / 8;
    record.sequences.push_back(start);
    record.tail.read_sequence = start.sequence;
  }
  record.closed = random.one_in(2);
  record.soft_deleted = random.one_in(2);
  if (random.one_in(2)) record.expiry.ttl = std::chrono::seconds(random.below(1 << 30));
  if (random.one_in(2))
    record.expiry.at =
        WallTime(std::chrono::milliseconds(random.below(1 << 30))) - std::chrono::hours(99);
  if (random.one_in(2))
    record.deadline = WallTime(std::chrono::milliseconds(random.below(1 << 30)));
  if (random.one_in(2)) record.forks = static_cast<std::uint32_t>(random.below(UINT32_MAX));
  if (random.one_in(2)) record.producers = static_cast<std::uint32_t>(random.below(UINT32_MAX));
  if (random.one_in(2)) record.stream_seq = random_text(random, 20);
  if (random.one_in(2)) {
    record.closed_by = ClosingTuple{.producer_id = random_text(random, 20),
                                    .epoch = random_number(random),
                                    .seq = random_number(random)};
  }
  if (random.one_in(2)) {
    record.fork = ForkPoint{
        .source = random_number(random),
        .source_path = random_text(random, 40),
        .position = random_number(random),
        .anchor = {.read_sequence = random_number(random), .position = random_number(random)},
        .sub_offset = random_number(random)};
  }
  return record;
}

// A change and all that it refers to. Stays where it is.
struct SampleChange {
  explicit SampleChange(Random& random, std::size_t bytes_max = 200)
      : record(random_record(random)),
        bytes(random_text(random, bytes_max)),
        producer_id(random.one_in(2) ? random_text(random, 20) : std::string()),
        forgotten_producer(random.one_in(2) ? random_text(random, 20) : std::string()),
        stream_seq(random.one_in(2) ? random_text(random, 20) : std::string()),
        change(make(random)) {}
  SampleChange(const SampleChange&) = delete;
  SampleChange& operator=(const SampleChange&) = delete;

  Change make(Random& random) {
    const std::uint64_t id = random_number(random);
    const std::uint64_t version = random_number(random);
    switch (random.below(6)) {
      case 0:
        return CreateChange{.record = record, .bytes = bytes, .source_version = version};
      case 1:
        return RemoveChange{
            .id = id,
            .version = version,
            .mode = random.one_in(2) ? RemoveChange::Mode::kSoft : RemoveChange::Mode::kFull};
      case 2:
        return ReleaseChange{.source = id, .version = version, .remove = random.one_in(2)};
      case 3:
        return DeadlineChange{.id = id, .deadline = record.deadline};
      default:
        break;
    }
    AppendChange append{.id = id, .version = version, .bytes = bytes};
    append.tail = record.tail;
    append.producer_id = producer_id;
    if (!producer_id.empty()) {
      append.producer = {.epoch = random_number(random),
                         .last_seq = random_number(random),
                         .last_used = record.deadline};
      append.producer_is_new = random.one_in(2);
      if (append.producer_is_new) append.forgotten_producer = forgotten_producer;
    }
    append.stream_seq = stream_seq;
    append.close = random.one_in(2);
    return append;
  }

  StreamRecord record;
  std::string bytes;
  std::string producer_id;
  std::string forgotten_producer;
  std::string stream_seq;
  Change change;
};

// All of a change, for comparison.
inline std::string encoded(const Change& change) {
  std::string text;
  const std::string_view bytes = encode_change(change, text);
  text += bytes;
  return text;
}

}  // namespace durable_streams

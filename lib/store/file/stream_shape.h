// The few numbers of a stream that conditions and reads turn on: told without copying its record.
#pragma once

#include <durable_streams/store.h>

#include <cstdint>

namespace durable_streams {

struct StreamShape {
  std::uint64_t version = 0;    // 0: there is no such stream
  std::uint64_t own_begin = 0;  // position of the first byte that is not inherited
  std::uint64_t end = 0;        // position after the last byte
  StreamId source = 0;          // 0: not a fork
  std::uint32_t forks = 0;
  Framing framing = Framing::kBytes;
};

inline StreamShape shape_of(const StreamRecord& record) {
  return {.version = record.version,
          .own_begin = record.fork ? record.fork->position : 0,
          .end = record.tail.position,
          .source = record.fork ? record.fork->source : 0,
          .forks = record.forks,
          .framing = record.framing};
}

}  // namespace durable_streams

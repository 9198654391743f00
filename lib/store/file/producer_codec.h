// A producer's state as bytes, the same in journal, packs and catalog (docs/disk-format.md,
// "Producer state").
#pragma once

#include <durable_streams/store.h>

#include "base/byte_reader.h"
#include "base/byte_writer.h"

namespace durable_streams {

inline void encode_producer_state(const ProducerState& state, ByteWriter& out) {
  out.varint(state.epoch);
  out.varint(state.last_seq);
  out.varint(static_cast<std::uint64_t>(state.last_used.time_since_epoch().count()));
}

inline ProducerState decode_producer_state(ByteReader& in) {
  ProducerState state;
  state.epoch = in.varint();
  state.last_seq = in.varint();
  state.last_used = WallTime(WallTime::duration(static_cast<WallTime::rep>(in.varint())));
  return state;
}

}  // namespace durable_streams

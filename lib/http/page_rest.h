// What is still to be sent of a page that is not held for its client.
#pragma once

#include <durable_streams/store.h>

#include <cstddef>
#include <cstdint>

namespace durable_streams::http {

// Its bytes are read from the store again, a piece at a time, as its client takes them.
struct PageRest {
  static constexpr std::size_t kPieceBytes = std::size_t{64} << 10;

  StreamId stream = 0;
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  bool array = false;    // of JSON, and has to be closed
  bool reading = false;  // a piece has not come back yet
};

}  // namespace durable_streams::http

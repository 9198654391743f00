// One connection under load: sends precomputed requests and times the answers.
#pragma once

#include "bench/channel.h"
#include "bench/histogram.h"
#include "bench/nanos.h"
#include "bench/request_ring.h"
#include "bench/response_parser.h"

#include <durable_streams/result.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace durable_streams::bench {

// What came back while it counted.
struct Tally {
  bool counting = false;
  Histogram latency;
  std::uint64_t body_bytes = 0;
};

// Never has more than `depth` requests in flight. Threads: one at a time.
class Connection {
 public:
  Connection(Channel channel, RequestRing requests, std::size_t depth, int expected_status);

  int descriptor() const { return channel_.descriptor(); }
  std::size_t room() const { return started_.size() - in_flight_; }

  // Sends `count` requests, room() at the most; their latency counts from `started`.
  Status send(std::size_t count, Nanos started);

  // Sends what the socket did not take before.
  Status flush();

  // Reads all that has arrived and says how many answers that completed. `buffer` is scratch room.
  // An answer with another status than expected is an error.
  Result<std::size_t> receive(std::span<char> buffer, Tally& tally);

 private:
  Result<std::size_t> read_once(std::span<char> buffer, Tally& tally, bool& drained);
  Status finish_answer(Nanos now, Tally& tally);

  Channel channel_;
  RequestRing requests_;
  ResponseParser parser_;
  int expected_status_;
  std::vector<Nanos> started_;  // a ring: when the requests in flight were started
  std::size_t oldest_ = 0;
  std::size_t in_flight_ = 0;
  std::size_t owed_ = 0;  // in flight, but not yet taken from the ring
  std::string_view unsent_;
};

}  // namespace durable_streams::bench

// The requests of one connection, rendered before the run, so that sending some of them costs one
// system call and, at the most, a few digits.
#pragma once

#include "bench/request_text.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace durable_streams::bench {

// Repeats a cycle of requests, back to back. Threads: one at a time.
class RequestRing {
 public:
  // `most` is the largest number of requests taken at once.
  RequestRing(std::span<const RequestText> cycle, std::size_t most);

  // The next `count` requests, their counters filled in. Valid until the next call.
  std::string_view take(std::size_t count);

 private:
  struct Slot {
    std::size_t begin = 0;
    std::size_t counter_at = 0;
    std::size_t counter_width = 0;
    char counter_pad = '0';
    std::size_t counter = 0;  // index into counters_
  };

  void fill_counter(const Slot& slot);

  std::string bytes_;
  std::vector<Slot> slots_;  // and a last one that only has a beginning
  std::vector<std::uint64_t> counters_;
  std::size_t cycle_;
  std::size_t next_ = 0;
};

}  // namespace durable_streams::bench

// What the process has used of the machine, as the system tells it.
#pragma once

#include <cstdint>
#include <optional>

namespace durable_streams::server {

// What this system does not tell is absent.
struct ProcessStats {
  double cpu_seconds = 0;
  std::optional<std::uint64_t> resident_bytes;
  std::optional<std::uint64_t> open_descriptors;
  std::optional<std::uint64_t> descriptors_max;
  std::optional<double> start_time;  // seconds since the Unix epoch
};

// Takes some microseconds, and as many again as there are thousands of descriptors. Threads: any.
ProcessStats read_process_stats();

}  // namespace durable_streams::server

// Where lines of the log go.
#pragma once

#include <cstdint>
#include <string_view>

namespace durable_streams::server {

// Threads: any.
class LogSink {
 public:
  virtual ~LogSink() = default;

  // Takes whole lines, or loses them, and does not wait. Returns how many had been lost since the
  // last that was taken, when this one is taken again; else 0.
  virtual std::uint64_t write(std::string_view line) = 0;
};

}  // namespace durable_streams::server

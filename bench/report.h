// What a run found, printed for people and, in one line of key=value, for programs.
#pragma once

#include "bench/histogram.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace durable_streams::bench {

// Threads: one at a time.
class Report {
 public:
  // `decimals` is how many digits follow the point.
  void add(std::string_view key, double value, int decimals = 0);
  void add(std::string_view key, std::string_view value);

  // p50_us, p99_us and max_us, each with `prefix` before it.
  void add_latency(const Histogram& latency, std::string_view prefix = {});

  // Writes a line for each value, then all in one line that begins with `result`.
  void print() const;

 private:
  std::vector<std::pair<std::string, std::string>> values_;
};

}  // namespace durable_streams::bench

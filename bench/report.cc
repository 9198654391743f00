// Both forms come from one list, so they cannot disagree.
#include "bench/report.h"

#include <fmt/format.h>

#include <cstdio>

namespace durable_streams::bench {

void Report::add(std::string_view key, double value, int decimals) {
  values_.emplace_back(key, fmt::format("{:.{}f}", value, decimals));
}

void Report::add(std::string_view key, std::string_view value) { values_.emplace_back(key, value); }

void Report::add_latency(const Histogram& latency, std::string_view prefix) {
  const auto micros = [](Nanos nanos) { return static_cast<double>(nanos) / 1000; };
  add(fmt::format("{}p50_us", prefix), micros(latency.quantile(0.50)), 1);
  add(fmt::format("{}p99_us", prefix), micros(latency.quantile(0.99)), 1);
  add(fmt::format("{}max_us", prefix), micros(latency.max()), 1);
}

void Report::print() const {
  std::string line = "result";
  for (const auto& [key, value] : values_) {
    fmt::print("{:>20}  {}\n", key, value);
    line += fmt::format(" {}={}", key, value);
  }
  fmt::print("{}\n", line);
  std::fflush(stdout);
}

}  // namespace durable_streams::bench

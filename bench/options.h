// What a run of the load generator is asked to do, as its command line says it.
#pragma once

#include <durable_streams/result.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include <sys/types.h>

namespace durable_streams::bench {

struct Options {
  std::string workload;
  std::string url = "http://127.0.0.1:4437/v1/stream";
  pid_t pid = 0;  // of the server; 0: its CPU and memory are not known
  std::string label = "server";
  std::size_t connections = 32;
  std::size_t streams = 64;
  std::string names;  // what the streams' names begin with; empty: as no earlier run's
  std::size_t pipeline = 1;
  std::size_t bytes = 100;
  std::string type = "text";
  bool producer = false;
  double rate = 0;  // requests per second; 0: as fast as answers come
  double warmup_seconds = 1;
  double seconds = 5;
  std::size_t threads = 1;

  bool json() const { return type == "json"; }
  std::string_view content_type() const;
};

// Reads `WORKLOAD [--flag VALUE]...`, over the defaults that suit the workload.
Result<Options> parse_options(std::span<const char* const> arguments);

// The text of `--help`.
std::string_view options_help();

}  // namespace durable_streams::bench

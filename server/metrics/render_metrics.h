// The text that Prometheus reads, made from all that the server's parts have counted.
#pragma once

#include <durable_streams/engine.h>
#include <durable_streams/file_store.h>
#include <durable_streams/store.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "server/metrics/loop_metrics.h"
#include "server/metrics/process_stats.h"

namespace durable_streams::server {

// What a store in files tells besides.
struct FileStoreMetrics {
  FileStoreStats stats;
  std::uint64_t journal_bytes_max = 0;   // settling begins there, and at twice as much appends wait
  std::uint64_t memtable_bytes_max = 0;  // the same
  std::uint64_t in_flight_bytes_max = 0;
};

// One endpoint's streams. No two have the same `endpoint` and `site`.
struct EndpointMetrics {
  std::string endpoint;    // its prefix, `/v1/stream/`
  std::string site;        // a label only where it is not empty
  std::string store_kind;  // Store::kind()
  EngineStats engine;
  StoreStats store;
  std::optional<FileStoreMetrics> files;

  static EndpointMetrics of(std::string endpoint, const Engine& engine,
                            const FileStoreOptions* file_options = nullptr);
};

// Since the start, of all listeners.
struct TlsStats {
  std::uint64_t full_handshakes = 0;
  std::uint64_t resumed_handshakes = 0;
  std::uint64_t failed_handshakes = 0;
  WallTime certificates_expire = kNever;  // the first of them
};

struct MetricsSources {
  std::span<const LoopMetrics* const> loops;
  std::vector<EndpointMetrics> endpoints;
  std::optional<TlsStats> tls;     // absent: nothing listens by TLS
  std::uint64_t rate_refused = 0;  // requests that came too fast
  std::uint64_t log_lines_lost = 0;
  ProcessStats process;
};

// docs/metrics.md explains each family. All are there from the start but those of TLS and of stores
// in files, where there are none; of requests only the statuses that were sent. Threads: any.
std::string render_metrics(const MetricsSources& sources);

}  // namespace durable_streams::server

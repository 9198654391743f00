// Sources with something of everything, so that the text made of them names all that can be named.
#pragma once

#include <array>
#include <utility>

#include "server/metrics/render_metrics.h"

namespace durable_streams::server {

struct SampleMetrics {
  SampleMetrics() {
    loops[0].count_request(MethodLabel::kPost, 204);
    loops[1].count_request(MethodLabel::kPost, 204);
    loops[1].count_request(MethodLabel::kUnread, 431);
    loops[0].latency[static_cast<std::size_t>(MethodLabel::kPost)].observe(90'000);
    loops[1].latency[static_cast<std::size_t>(MethodLabel::kPost)].observe(2'000'000);
    loops[0].live_begun[static_cast<std::size_t>(LiveKind::kSse)].add(5);
    loops[1].live_ended[static_cast<std::size_t>(LiveKind::kSse)].add(2);
    loops[0].connections_begun.add(10);
    loops[1].connections_begun.add(7);
    loops[1].connections_ended.add(4);
    loops[1].refuse(RefusedBy::kHeaderSize);
    loops[0].delay.observe(3'000'000);
  }

  MetricsSources sources() {
    EndpointMetrics memory;
    memory.endpoint = "/v1/stream/";
    memory.store_kind = "memory";
    memory.engine.appends = 11;
    EndpointMetrics file;
    file.endpoint = "/kept/";
    file.site = "a\"b\n\xff";
    file.store_kind = "file";
    file.store.streams = 3;
    file.store.producers = 5;
    file.files.emplace();
    file.files->stats.read_only = true;
    file.files->stats.read_only_reason = "not for metrics";
    file.files->stats.damage = {"pack 1: stream secret/path"};
    file.files->journal_bytes_max = 1000;
    return {.loops = views,
            .endpoints = {std::move(memory), std::move(file)},
            .tls = TlsStats{.full_handshakes = 3, .resumed_handshakes = 2, .failed_handshakes = 1},
            .log_lines_lost = 4,
            .process = {.cpu_seconds = 1.5,
                        .resident_bytes = 1 << 20,
                        .open_descriptors = 20,
                        .descriptors_max = 1024,
                        .start_time = 1795432500.25}};
  }

  std::array<LoopMetrics, 2> loops;
  std::array<const LoopMetrics*, 2> views{&loops[0], &loops[1]};
};

}  // namespace durable_streams::server

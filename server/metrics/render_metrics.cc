// A value that one of the library's structs holds is a line of a table here; what loops count is
// summed by hand.
#include "server/metrics/render_metrics.h"

#include <durable_streams/version.h>
#include <fmt/format.h>

#include <array>
#include <string_view>
#include <utility>

#include "server/metrics/exposition.h"

namespace durable_streams::server {
namespace {

using Loops = std::span<const LoopMetrics* const>;
using Files = FileStoreMetrics;
constexpr MetricType kCounter = MetricType::kCounter;
constexpr MetricType kGauge = MetricType::kGauge;
constexpr MetricType kHistogram = MetricType::kHistogram;

// One value of one endpoint.
template <class Source>
struct EndpointFamily {
  std::string_view name;
  MetricType type;
  std::string_view help;
  double (*value)(const Source&);
};

double number(std::uint64_t value) { return static_cast<double>(value); }

constexpr EndpointFamily<EndpointMetrics> kEndpointFamilies[] = {
    {"durable_streams_appends_total", kCounter,
     "Appends taken; a producer's retry of one is not another.",
     [](const EndpointMetrics& e) { return number(e.engine.appends); }},
    {"durable_streams_appended_bytes_total", kCounter, "Bytes that appends brought.",
     [](const EndpointMetrics& e) { return number(e.engine.appended_bytes); }},
    {"durable_streams_new_producers_total", kCounter,
     "Producers that a stream had not known when they first appended to it.",
     [](const EndpointMetrics& e) { return number(e.engine.new_producers); }},
    {"durable_streams_expired_streams_total", kCounter, "Streams that ended by their TTL or time.",
     [](const EndpointMetrics& e) { return number(e.engine.expired_streams); }},
    {"durable_streams_loaded_streams", kGauge, "Streams whose state is held ready in memory.",
     [](const EndpointMetrics& e) { return number(e.engine.loaded_streams); }},
    {"durable_streams_streams", kGauge, "Streams, soft-deleted ones included.",
     [](const EndpointMetrics& e) { return number(e.store.streams); }},
    {"durable_streams_producers", kGauge,
     "Producers that streams know, each counted for each of its streams.",
     [](const EndpointMetrics& e) { return number(e.store.producers); }},
    {"durable_streams_stored_bytes", kGauge, "Bytes of streams, as they were appended.",
     [](const EndpointMetrics& e) { return number(e.store.stored_bytes); }},
    {"durable_streams_store_memory_bytes", kGauge,
     "Memory that the store holds streams in, as its limit counts it.",
     [](const EndpointMetrics& e) { return number(e.store.memory_bytes); }},
};

constexpr EndpointFamily<Files> kFileFamilies[] = {
    {"durable_streams_store_commits_total", kCounter,
     "Writes of the journal, each for all changes that had gathered.",
     [](const Files& f) { return number(f.stats.commits); }},
    {"durable_streams_store_committed_changes_total", kCounter,
     "Changes committed; by commits it is the size of a batch.",
     [](const Files& f) { return number(f.stats.committed_changes); }},
    {"durable_streams_store_journal_written_bytes_total", kCounter,
     "Bytes written to the journal, its headers and padding included.",
     [](const Files& f) { return number(f.stats.journal_written_bytes); }},
    {"durable_streams_store_pack_written_bytes_total", kCounter,
     "Bytes written to packs, by settling and merging.",
     [](const Files& f) { return number(f.stats.pack_written_bytes); }},
    {"durable_streams_store_in_flight_changes", kGauge,
     "Changes submitted that are neither committed nor refused.",
     [](const Files& f) { return number(f.stats.in_flight_changes); }},
    {"durable_streams_store_unsettled_seconds", kGauge,
     "How long the oldest change that is not settled has been committed.",
     [](const Files& f) { return std::chrono::duration<double>(f.stats.unsettled_age).count(); }},
    {"durable_streams_store_journal_bytes", kGauge, "Bytes of the journal that are not settled.",
     [](const Files& f) { return number(f.stats.journal_bytes); }},
    {"durable_streams_store_journal_limit_bytes", kGauge,
     "Where settling begins; at twice as much changes are refused.",
     [](const Files& f) { return number(f.journal_bytes_max); }},
    {"durable_streams_store_memtable_bytes", kGauge, "Memory of what is not settled.",
     [](const Files& f) { return number(f.stats.memtable_bytes); }},
    {"durable_streams_store_memtable_limit_bytes", kGauge,
     "Where settling begins; at twice as much changes are refused.",
     [](const Files& f) { return number(f.memtable_bytes_max); }},
    {"durable_streams_store_in_flight_bytes", kGauge, "Bytes of changes that wait to be written.",
     [](const Files& f) { return number(f.stats.in_flight_bytes); }},
    {"durable_streams_store_in_flight_limit_bytes", kGauge,
     "How many may wait; past it changes are refused.",
     [](const Files& f) { return number(f.in_flight_bytes_max); }},
    {"durable_streams_store_settlings_total", kCounter, "Times that the journal was settled.",
     [](const Files& f) { return number(f.stats.settlings); }},
    {"durable_streams_store_merges_total", kCounter, "Merges of packs.",
     [](const Files& f) { return number(f.stats.merges); }},
    {"durable_streams_store_packs", kGauge, "Pack files.",
     [](const Files& f) { return number(f.stats.packs); }},
    {"durable_streams_store_pack_bytes", kGauge, "Bytes of pack files.",
     [](const Files& f) { return number(f.stats.pack_bytes); }},
    {"durable_streams_store_open_packs", kGauge, "Pack files that are held open.",
     [](const Files& f) { return number(f.stats.open_packs); }},
    {"durable_streams_store_read_cache_bytes", kGauge, "Settled bytes that are held in memory.",
     [](const Files& f) { return number(f.stats.read_cache_bytes); }},
    {"durable_streams_store_read_cache_hits_total", kCounter, "Blocks that reads found there.",
     [](const Files& f) { return number(f.stats.read_cache_hits); }},
    {"durable_streams_store_read_cache_misses_total", kCounter,
     "Blocks that reads took from a pack and verified.",
     [](const Files& f) { return number(f.stats.read_cache_misses); }},
    {"durable_streams_store_short_of_room", kGauge,
     "1 while the disk is full: creates and appends are refused.",
     [](const Files& f) { return f.stats.short_of_room ? 1.0 : 0.0; }},
    {"durable_streams_store_read_only", kGauge,
     "1 once a write has failed: nothing is written until the server is started again.",
     [](const Files& f) { return f.stats.read_only ? 1.0 : 0.0; }},
    {"durable_streams_store_damages", kGauge,
     "Places that could not be read or failed their checksum, since the start; at most 100.",
     [](const Files& f) { return number(f.stats.damage.size()); }},
    {"durable_streams_store_backups_total", kCounter, "Backups that are whole.",
     [](const Files& f) { return number(f.stats.backups); }},
    {"durable_streams_store_scrubbed_bytes_total", kCounter,
     "Bytes read and verified by scrubbing.",
     [](const Files& f) { return number(f.stats.scrubbed_bytes); }},
    {"durable_streams_store_scrubs_total", kCounter, "Passes of scrubbing over all packs.",
     [](const Files& f) { return number(f.stats.scrubs); }},
};

template <class CounterOf>
double sum(Loops loops, CounterOf counter_of) {
  std::uint64_t total = 0;
  for (const LoopMetrics* loop : loops) total += counter_of(*loop).value();
  return number(total);
}

template <const auto& kBounds, class HistogramOf>
void put_histogram(Exposition& text, Loops loops, Exposition::Labels labels,
                   HistogramOf histogram_of) {
  std::array<std::uint64_t, Histogram<kBounds>::kBuckets> counts{};
  std::uint64_t nanoseconds = 0;
  for (const LoopMetrics* loop : loops) {
    const Histogram<kBounds>& histogram = histogram_of(*loop);
    for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += histogram.count(i);
    nanoseconds += histogram.nanoseconds();
  }
  text.histogram(kBounds, counts, number(nanoseconds) / 1e9, labels);
}

void put_requests(Exposition& text, Loops loops) {
  text.family("durable_streams_http_requests_total", kCounter,
              "Requests that are over, by method and status; 499: nobody waited for the answer.");
  for (std::size_t method = 0; method < kMethodNames.size(); ++method) {
    for (std::size_t code = 0; code < LoopMetrics::kCodes; ++code) {
      const double count = sum(
          loops, [&](const LoopMetrics& l) -> auto& { return l.requests[method][code]; });
      if (count == 0) continue;
      const std::string status = fmt::format("{}", LoopMetrics::kCodeMin + code);
      text.sample(count, {{"method", kMethodNames[method]}, {"code", status}});
    }
  }
  text.family("durable_streams_http_request_duration_seconds", kHistogram,
              "From a request's head to its answer's end; live requests are not among them.");
  for (std::size_t method = 0; method < static_cast<std::size_t>(MethodLabel::kUnread); ++method) {
    put_histogram<kLatencyBounds>(
        text, loops, {{"method", kMethodNames[method]}}, [&](const LoopMetrics& l) -> auto& {
          return l.latency[method];
        });
  }
  text.family(
      "durable_streams_http_aborted_total", kCounter,
      "Answers whose clients went away before their end; live requests are not among them.");
  text.sample(sum(
      loops, [](const LoopMetrics& l) -> auto& { return l.aborted; }));
}

void put_live_requests(Exposition& text, Loops loops) {
  const auto begun = [&](std::size_t kind) {
    return sum(
        loops, [&](const LoopMetrics& l) -> auto& { return l.live_begun[kind]; });
  };
  // First, so that one which ends meanwhile is not missing twice.
  std::array<double, kLiveNames.size()> ended{};
  for (std::size_t kind = 0; kind < ended.size(); ++kind)
    ended[kind] = sum(
        loops, [&](const LoopMetrics& l) -> auto& { return l.live_ended[kind]; });
  text.family("durable_streams_http_live_requests_total", kCounter,
              "Long-polls and SSE requests that came.");
  for (std::size_t kind = 0; kind < ended.size(); ++kind)
    text.sample(begun(kind), {{"kind", kLiveNames[kind]}});
  text.family("durable_streams_http_live_requests", kGauge,
              "Long-polls and SSE requests that are being served.");
  for (std::size_t kind = 0; kind < ended.size(); ++kind)
    text.sample(begun(kind) - ended[kind], {{"kind", kLiveNames[kind]}});
}

void put_connections(Exposition& text, Loops loops, std::uint64_t rate_refused) {
  text.family("durable_streams_http_received_bytes_total", kCounter,
              "Bytes of requests, heads included, without TLS.");
  text.sample(sum(
      loops, [](const LoopMetrics& l) -> auto& { return l.received_bytes; }));
  text.family("durable_streams_http_sent_bytes_total", kCounter,
              "Bytes of responses that the system took, heads included, without TLS.");
  text.sample(sum(
      loops, [](const LoopMetrics& l) -> auto& { return l.sent_bytes; }));
  const double ended = sum(
      loops, [](const LoopMetrics& l) -> auto& { return l.connections_ended; });
  const double begun = sum(
      loops, [](const LoopMetrics& l) -> auto& { return l.connections_begun; });
  text.family("durable_streams_http_connections_accepted_total", kCounter,
              "Connections accepted, those among them that are then answered 503.");
  text.sample(begun);
  text.family("durable_streams_http_connections", kGauge, "Connections that are open.");
  text.sample(begun - ended);
  text.family("durable_streams_http_refused_total", kCounter,
              "Connections and requests refused before anything served them, by limit.");
  for (std::size_t limit = 0; limit < kRefusedByNames.size(); ++limit) {
    text.sample(sum(
                    loops, [&](const LoopMetrics& l) -> auto& { return l.refused[limit]; }),
                {{"limit", kRefusedByNames[limit]}});
  }
  text.sample(number(rate_refused), {{"limit", "rate"}});
}

void put_loops(Exposition& text, Loops loops) {
  text.family("durable_streams_loops", kGauge, "Event loops.");
  text.sample(number(loops.size()));
  text.family("durable_streams_loop_delay_seconds", kHistogram,
              "How late loops did what was due, in samples of four a second of each.");
  put_histogram<kLoopDelayBounds>(
      text, loops, {}, [](const LoopMetrics& l) -> auto& { return l.delay; });
}

std::vector<Exposition::Label> labels_of(const EndpointMetrics& endpoint) {
  std::vector<Exposition::Label> labels{{"endpoint", endpoint.endpoint}};
  if (!endpoint.site.empty()) labels.emplace_back("site", endpoint.site);
  return labels;
}

// How large commits were, and how long their syncs took.
void put_commits(Exposition& text, std::span<const EndpointMetrics> endpoints) {
  const std::vector<double> sizes(kCommitSizeBounds.begin(), kCommitSizeBounds.end());
  std::vector<double> seconds;
  seconds.reserve(kSyncTimeBounds.size());
  for (const auto bound : kSyncTimeBounds)
    seconds.push_back(std::chrono::duration<double>(bound).count());
  text.family("durable_streams_store_commit_changes", kHistogram, "Changes in a commit.");
  for (const EndpointMetrics& endpoint : endpoints) {
    if (!endpoint.files) continue;
    const FileStoreStats& stats = endpoint.files->stats;
    text.plain_histogram(sizes, stats.commit_sizes, number(stats.committed_changes),
                         labels_of(endpoint));
  }
  text.family("durable_streams_store_sync_seconds", kHistogram,
              "How long syncs of the journal took.");
  for (const EndpointMetrics& endpoint : endpoints) {
    if (!endpoint.files) continue;
    const FileStoreStats& stats = endpoint.files->stats;
    text.plain_histogram(seconds, stats.sync_times,
                         std::chrono::duration<double>(stats.sync_time).count(),
                         labels_of(endpoint));
  }
}

void put_endpoints(Exposition& text, const std::vector<EndpointMetrics>& endpoints) {
  for (const EndpointFamily<EndpointMetrics>& family : kEndpointFamilies) {
    text.family(family.name, family.type, family.help);
    for (const EndpointMetrics& endpoint : endpoints)
      text.sample(family.value(endpoint), labels_of(endpoint));
  }
  text.family("durable_streams_waiting_readers", kGauge, "Readers that wait at a tail, by kind.");
  for (const EndpointMetrics& endpoint : endpoints) {
    const auto put = [&](std::string_view kind, std::uint64_t count) {
      std::vector<Exposition::Label> labels = labels_of(endpoint);
      labels.emplace_back("kind", kind);
      text.sample(number(count), labels);
    };
    put("long-poll", endpoint.engine.waiting_long_polls);
    put("sse", endpoint.engine.waiting_sse);
    put("follower", endpoint.engine.waiting_followers);
  }
  text.family("durable_streams_store_info", kGauge, "Which store an endpoint has; always 1.");
  bool any_files = false;
  for (const EndpointMetrics& endpoint : endpoints) {
    std::vector<Exposition::Label> labels = labels_of(endpoint);
    labels.emplace_back("kind", endpoint.store_kind);
    text.sample(1, labels);
    any_files = any_files || endpoint.files.has_value();
  }
  if (!any_files) return;
  for (const EndpointFamily<Files>& family : kFileFamilies) {
    text.family(family.name, family.type, family.help);
    for (const EndpointMetrics& endpoint : endpoints) {
      if (endpoint.files) text.sample(family.value(*endpoint.files), labels_of(endpoint));
    }
  }
  put_commits(text, endpoints);
}

void put_tls(Exposition& text, const TlsStats& tls) {
  text.family("durable_streams_tls_handshakes_total", kCounter,
              "TLS handshakes, by how they went.");
  text.sample(number(tls.full_handshakes), {{"result", "full"}});
  text.sample(number(tls.resumed_handshakes), {{"result", "resumed"}});
  text.sample(number(tls.failed_handshakes), {{"result", "failed"}});
  text.family("durable_streams_tls_certificate_expiry_seconds", kGauge,
              "When the first of the certificates in use expires, since the Unix epoch.");
  const auto expiry = tls.certificates_expire.time_since_epoch();
  text.sample(std::chrono::duration<double>(expiry).count());
}

// By the names that Prometheus's own client libraries use.
void put_process(Exposition& text, const ProcessStats& process) {
  text.family("process_cpu_seconds_total", kCounter, "CPU time of the process, user and system.");
  text.sample(process.cpu_seconds);
  const auto put = [&](std::string_view name, std::string_view help, const auto& value) {
    if (!value) return;
    text.family(name, kGauge, help);
    text.sample(static_cast<double>(*value));
  };
  put("process_resident_memory_bytes", "Memory of the process.", process.resident_bytes);
  put("process_open_fds", "Open descriptors.", process.open_descriptors);
  put("process_max_fds", "How many descriptors may be open.", process.descriptors_max);
  put("process_start_time_seconds", "When the process started, since the Unix epoch.",
      process.start_time);
}

}  // namespace

EndpointMetrics EndpointMetrics::of(std::string endpoint, const Engine& engine,
                                    const FileStoreOptions* file_options) {
  EndpointMetrics metrics;
  metrics.endpoint = std::move(endpoint);
  metrics.store_kind = engine.store().kind();
  metrics.engine = engine.stats();
  metrics.store = engine.store().stats();
  const auto* const files = dynamic_cast<const FileStore*>(&engine.store());
  if (files == nullptr || file_options == nullptr) return metrics;
  metrics.files = FileStoreMetrics{.stats = files->file_stats(),
                                   .journal_bytes_max = file_options->journal_bytes_max,
                                   .memtable_bytes_max = file_options->memtable_bytes_max,
                                   .in_flight_bytes_max = file_options->in_flight_bytes_max};
  return metrics;
}

std::string render_metrics(const MetricsSources& sources) {
  Exposition text;
  put_requests(text, sources.loops);
  put_live_requests(text, sources.loops);
  put_connections(text, sources.loops, sources.rate_refused);
  put_loops(text, sources.loops);
  put_endpoints(text, sources.endpoints);
  if (sources.tls) put_tls(text, *sources.tls);
  text.family("durable_streams_log_lost_lines_total", kCounter,
              "Lines of logs that were lost because nobody read them.");
  text.sample(number(sources.log_lines_lost));
  put_process(text, sources.process);
  text.family("durable_streams_build_info", kGauge, "What runs; always 1.");
  text.sample(1, {{"version", kVersion}});
  return text.take();
}

}  // namespace durable_streams::server

// The text that Prometheus reads.
#include "server/metrics/render_metrics.h"

#include <durable_streams/engine.h>
#include <durable_streams/manual_loop.h>
#include <durable_streams/memory_store.h>
#include <durable_streams/streams.h>

#include <set>
#include <sstream>
#include <string>

#include "tests/server/metrics/sample_metrics.h"
#include "tests/support/catch.h"

namespace durable_streams::server {
namespace {

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

TEST_CASE("what loops counted is summed", "[server][metrics]") {
  SampleMetrics sample;
  const std::string text = render_metrics(sample.sources());
  for (const char* line : {
           "durable_streams_http_requests_total{method=\"POST\",code=\"204\"} 2",
           "durable_streams_http_requests_total{method=\"unread\",code=\"431\"} 1",
           "durable_streams_http_request_duration_seconds_bucket{method=\"POST\",le=\"0.0001\"} 1",
           "durable_streams_http_request_duration_seconds_bucket{method=\"POST\",le=\"0.001\"} 1",
           "durable_streams_http_request_duration_seconds_bucket{method=\"POST\",le=\"0.0025\"} 2",
           "durable_streams_http_request_duration_seconds_count{method=\"POST\"} 2",
           "durable_streams_http_request_duration_seconds_sum{method=\"POST\"} 0.00209",
           "durable_streams_http_live_requests_total{kind=\"sse\"} 5",
           "durable_streams_http_live_requests{kind=\"sse\"} 3",
           "durable_streams_http_live_requests{kind=\"long-poll\"} 0",
           "durable_streams_http_connections_accepted_total 17",
           "durable_streams_http_connections 13",
           "durable_streams_http_refused_total{limit=\"header_size\"} 1",
           "durable_streams_http_refused_total{limit=\"rate\"} 0",
           "durable_streams_loop_delay_seconds_count 1",
           "durable_streams_loops 2",
           "durable_streams_tls_handshakes_total{result=\"resumed\"} 2",
           "durable_streams_log_lost_lines_total 4",
           "durable_streams_build_info{version=\"0.1.0\"} 1",
           "process_cpu_seconds_total 1.5",
           "process_open_fds 20",
       }) {
    CAPTURE(line);
    CHECK(has_line(text, line));
  }
}

TEST_CASE("each endpoint has its own values, and no stream is named", "[server][metrics]") {
  SampleMetrics sample;
  const std::string text = render_metrics(sample.sources());
  const std::string kept = "{endpoint=\"/kept/\",site=\"a\\\"b\\n\xef\xbf\xbd\"";
  CHECK(has_line(text, "durable_streams_appends_total{endpoint=\"/v1/stream/\"} 11"));
  CHECK(has_line(text, "durable_streams_appends_total" + kept + "} 0"));
  CHECK(has_line(text, "durable_streams_streams" + kept + "} 3"));
  CHECK(has_line(text, "durable_streams_producers" + kept + "} 5"));
  CHECK(has_line(text, "durable_streams_store_info" + kept + ",kind=\"file\"} 1"));
  CHECK(has_line(text, "durable_streams_store_read_only" + kept + "} 1"));
  CHECK(has_line(text, "durable_streams_store_damages" + kept + "} 1"));
  CHECK(text.find("durable_streams_store_packs{endpoint=\"/v1/stream/\"") == std::string::npos);
  CHECK(text.find("secret") == std::string::npos);
  CHECK(text.find("not for metrics") == std::string::npos);
}

TEST_CASE("every sample stands behind its family's help and type", "[server][metrics]") {
  SampleMetrics sample;
  std::istringstream text(render_metrics(sample.sources()));
  std::set<std::string> families;
  std::string family;
  for (std::string line; std::getline(text, line);) {
    if (line.starts_with("# HELP ")) {
      family = line.substr(7, line.find(' ', 7) - 7);
      CHECK(families.insert(family).second);
      CHECK(line.size() > 8 + family.size());
      REQUIRE(std::getline(text, line));
      CHECK(line.starts_with("# TYPE " + family + " "));
      CHECK(family.ends_with("_total") == line.ends_with(" counter"));
      continue;
    }
    CHECK(line.starts_with(family));
  }
  CHECK(families.size() > 30);
}

TEST_CASE("what a server has not is not rendered", "[server][metrics]") {
  const std::string text =
      render_metrics({.loops = {}, .endpoints = {}, .tls = {}, .log_lines_lost = 0, .process = {}});
  CHECK(text.find("tls") == std::string::npos);
  CHECK(text.find("journal") == std::string::npos);
  CHECK(text.find("process_open_fds") == std::string::npos);
  CHECK(has_line(text, "durable_streams_http_connections 0"));
}

TEST_CASE("an endpoint's values are those of its engine and store", "[server][metrics]") {
  ManualLoop loop;
  MemoryStore store;
  Engine engine(store);
  Streams streams(engine, loop);
  streams.create_now("s", {.content_type = "text/plain"}).value();
  streams.append_now("s", "12345").value();
  const EndpointMetrics metrics = EndpointMetrics::of("/x/", engine);
  CHECK(metrics.endpoint == "/x/");
  CHECK(metrics.store_kind == "memory");
  CHECK(metrics.engine.appends == 1);
  CHECK(metrics.engine.appended_bytes == 5);
  CHECK(metrics.store.streams == 1);
  CHECK_FALSE(metrics.files.has_value());
}

TEST_CASE("the process's own figures are there", "[server][metrics]") {
  const ProcessStats stats = read_process_stats();
  CHECK(stats.cpu_seconds > 0);
#if defined(__linux__)
  CHECK(stats.resident_bytes.value() > 100'000);
  CHECK(stats.open_descriptors.value() >= 3);
  CHECK(stats.open_descriptors.value() < 1000);
  CHECK(stats.start_time.value() > 1.7e9);
#endif
}

}  // namespace
}  // namespace durable_streams::server

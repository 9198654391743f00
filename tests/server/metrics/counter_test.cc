// One thread counts while others read.
#include "server/metrics/counter.h"

#include <atomic>
#include <thread>

#include "server/metrics/loop_metrics.h"
#include "server/metrics/render_metrics.h"
#include "tests/support/catch.h"

namespace durable_streams::server {
namespace {

constexpr std::array<std::uint64_t, 3> kBounds = {10, 100, 1000};

TEST_CASE("a value falls into the first bucket that ends at or after it", "[server][metrics]") {
  Histogram<kBounds> histogram;
  for (const std::uint64_t value : {0U, 10U, 11U, 100U, 1000U, 1001U, 5000U})
    histogram.observe(value);
  histogram.observe(50, 7);
  CHECK(histogram.count(0) == 2);
  CHECK(histogram.count(1) == 9);
  CHECK(histogram.count(2) == 1);
  CHECK(histogram.count(3) == 2);
  CHECK(histogram.nanoseconds() == 0 + 10 + 11 + 100 + 1000 + 1001 + 5000 + 350);
}

TEST_CASE("a reader sees counts grow, and at the end all of them", "[server][metrics]") {
  LoopMetrics metrics;
  const LoopMetrics* const loops[] = {&metrics};
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (int i = 0; i < 100'000; ++i) {
      metrics.count_request(MethodLabel::kPost, 204);
      metrics.latency[static_cast<std::size_t>(MethodLabel::kPost)].observe(200'000);
      metrics.received_bytes.add(3);
    }
    done = true;
  });
  std::uint64_t last = 0;
  std::size_t texts = 0;
  do {
    const std::uint64_t now = metrics.received_bytes.value();
    REQUIRE(now >= last);
    last = now;
    texts += render_metrics(
                 {.loops = loops, .endpoints = {}, .tls = {}, .log_lines_lost = 0, .process = {}})
                 .size();
  } while (!done);
  writer.join();
  CHECK(texts > 0);
  CHECK(metrics.received_bytes.value() == 300'000);
  CHECK(metrics.requests[static_cast<std::size_t>(MethodLabel::kPost)][104].value() == 100'000);
}

}  // namespace
}  // namespace durable_streams::server

// Latencies: what a histogram keeps of them, and how far it may be off.
#include "bench/histogram.h"

#include "tests/support/catch.h"

using durable_streams::bench::Histogram;
using durable_streams::bench::Nanos;

TEST_CASE("a histogram without latencies answers 0", "[bench][histogram]") {
  CHECK(Histogram().quantile(0.99) == 0);
}

TEST_CASE("small latencies are kept exactly", "[bench][histogram]") {
  Histogram histogram;
  for (Nanos latency = 1; latency <= 200; ++latency) histogram.record(latency);
  CHECK(histogram.quantile(0.5) == 100);
  CHECK(histogram.quantile(0.99) == 198);
  CHECK(histogram.quantile(1) == 200);
}

TEST_CASE("a quantile is never below the latency, nor 1/128 above it", "[bench][histogram]") {
  for (Nanos latency = 1; latency < Nanos{1} << 39; latency = latency * 3 / 2 + 1) {
    Histogram histogram;
    histogram.record(latency);
    histogram.record(Nanos{1} << 39);
    const Nanos found = histogram.quantile(0.5);
    CHECK(found >= latency);
    CHECK(found - latency <= latency / 128);
  }
}

TEST_CASE("merged histograms answer as one", "[bench][histogram]") {
  Histogram low;
  Histogram high;
  for (int i = 0; i < 99; ++i) low.record(10);
  high.record(5000);
  low.merge(high);
  CHECK(low.count() == 100);
  CHECK(low.quantile(0.99) == 10);
  CHECK(low.quantile(1) == 5000);
  CHECK(low.max() == 5000);
}

// Prometheus's text form, byte for byte.
#include "server/metrics/exposition.h"

#include <array>
#include <cmath>
#include <limits>
#include <string>

#include "tests/support/catch.h"

namespace durable_streams::server {
namespace {

TEST_CASE("a family has its help and type before its samples", "[server][metrics]") {
  Exposition text;
  text.family("a_total", MetricType::kCounter, "Says \\ and\na \"line\".");
  text.sample(3);
  text.sample(0.5, {{"x", "y"}, {"z", ""}});
  text.family("b", MetricType::kGauge, "B.");
  text.sample(-1);
  CHECK(text.take() ==
        "# HELP a_total Says \\\\ and\\na \"line\".\n"
        "# TYPE a_total counter\n"
        "a_total 3\n"
        "a_total{x=\"y\",z=\"\"} 0.5\n"
        "# HELP b B.\n"
        "# TYPE b gauge\n"
        "b -1\n");
}

TEST_CASE("a label's value may hold any bytes", "[server][metrics]") {
  Exposition text;
  text.family("a", MetricType::kGauge, "A.");
  text.sample(1, {{"x", "a\"b\\c\nd\xff\u00e9"}});
  CHECK(text.take().find("a{x=\"a\\\"b\\\\c\\nd\xef\xbf\xbd\u00e9\"} 1\n") != std::string::npos);
}

TEST_CASE("a histogram's buckets are cumulative and end at infinity", "[server][metrics]") {
  constexpr std::array<std::uint64_t, 3> kBounds = {100'000, 2'500'000, 10'000'000'000};
  constexpr std::array<std::uint64_t, 4> kCounts = {2, 0, 3, 1};
  Exposition text;
  text.family("t_seconds", MetricType::kHistogram, "T.");
  text.histogram(kBounds, kCounts, 1.25, {{"m", "GET"}});
  CHECK(text.take() ==
        "# HELP t_seconds T.\n"
        "# TYPE t_seconds histogram\n"
        "t_seconds_bucket{m=\"GET\",le=\"0.0001\"} 2\n"
        "t_seconds_bucket{m=\"GET\",le=\"0.0025\"} 2\n"
        "t_seconds_bucket{m=\"GET\",le=\"10\"} 5\n"
        "t_seconds_bucket{m=\"GET\",le=\"+Inf\"} 6\n"
        "t_seconds_sum{m=\"GET\"} 1.25\n"
        "t_seconds_count{m=\"GET\"} 6\n");
}

TEST_CASE("numbers are written so that they can be read back", "[server][metrics]") {
  const auto written = [](double value) {
    Exposition text;
    text.family("a", MetricType::kGauge, "A.");
    text.sample(value);
    const std::string all = text.take();
    return all.substr(all.rfind("\na ") + 3);
  };
  CHECK(written(1'795'432'500.25) == "1795432500.25\n");
  CHECK(written(123456789012345) == "123456789012345\n");
  CHECK(written(1e300) == "1e+300\n");
  CHECK(written(std::numeric_limits<double>::infinity()) == "+Inf\n");
  CHECK(written(std::nan("")) == "NaN\n");
}

}  // namespace
}  // namespace durable_streams::server

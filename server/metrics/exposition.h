// Prometheus's text form: families of samples, each with its help and type.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace durable_streams::server {

inline constexpr std::string_view kMetricsContentType = "text/plain; version=0.0.4; charset=utf-8";

enum class MetricType : std::uint8_t { kCounter, kGauge, kHistogram };

// Threads: one at a time.
class Exposition {
 public:
  // Names are literals. Values may hold any bytes; what is no UTF-8 is U+FFFD in the text.
  using Label = std::pair<std::string_view, std::string_view>;
  using Labels = std::initializer_list<Label>;

  // What follows are samples of this family, which comes once only.
  void family(std::string_view name, MetricType type, std::string_view help);

  void sample(double value, Labels labels = {}) {
    put_sample({}, {labels.begin(), labels.size()}, value);
  }
  void sample(double value, std::span<const Label> labels) { put_sample({}, labels, value); }

  // One histogram of the family. `counts` are those of each bucket by itself, one more than there
  // are `bounds`; bounds are in nanoseconds.
  void histogram(std::span<const std::uint64_t> bounds, std::span<const std::uint64_t> counts,
                 double sum_seconds, Labels labels = {});
  // The same with bounds in the unit of the family.
  void plain_histogram(std::span<const double> bounds, std::span<const std::uint64_t> counts,
                       double sum, std::span<const Label> labels);

  std::string take() { return std::move(text_); }

 private:
  void put_sample(std::string_view suffix, std::span<const Label> labels, double value,
                  std::string_view le = {});
  void put_escaped(std::string_view text, bool quotes);

  std::string_view name_;
  std::string text_;
};

}  // namespace durable_streams::server

// Numbers are written as short as they can be read back.
#include "server/metrics/exposition.h"

#include <fmt/format.h>

#include <cmath>
#include <iterator>
#include <vector>

#include "server/log/utf8.h"

namespace durable_streams::server {
namespace {

std::string_view name_of(MetricType type) {
  switch (type) {
    case MetricType::kCounter:
      return "counter";
    case MetricType::kGauge:
      return "gauge";
    case MetricType::kHistogram:
      break;
  }
  return "histogram";
}

std::string number(double value) {
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  if (std::isnan(value)) return "NaN";
  constexpr double kWholeMax = 9007199254740992.0;
  if (std::abs(value) < kWholeMax && value == std::trunc(value))
    return fmt::format("{}", static_cast<std::int64_t>(value));
  return fmt::format("{}", value);
}

}  // namespace

void Exposition::family(std::string_view name, MetricType type, std::string_view help) {
  name_ = name;
  fmt::format_to(std::back_inserter(text_), "# HELP {} ", name);
  put_escaped(help, /*quotes=*/false);
  fmt::format_to(std::back_inserter(text_), "\n# TYPE {} {}\n", name, name_of(type));
}

void Exposition::histogram(std::span<const std::uint64_t> bounds,
                           std::span<const std::uint64_t> counts, double sum_seconds,
                           Labels labels) {
  std::vector<double> seconds;
  for (const std::uint64_t bound : bounds) seconds.push_back(static_cast<double>(bound) / 1e9);
  plain_histogram(seconds, counts, sum_seconds, {labels.begin(), labels.size()});
}

void Exposition::plain_histogram(std::span<const double> bounds,
                                 std::span<const std::uint64_t> counts, double sum,
                                 std::span<const Label> labels) {
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    below += counts[i];
    put_sample("_bucket", labels, static_cast<double>(below),
               i < bounds.size() ? number(bounds[i]) : std::string("+Inf"));
  }
  put_sample("_sum", labels, sum);
  put_sample("_count", labels, static_cast<double>(below));
}

void Exposition::put_sample(std::string_view suffix, std::span<const Label> labels, double value,
                            std::string_view le) {
  text_ += name_;
  text_ += suffix;
  char before = '{';
  const auto put_label = [&](std::string_view name, std::string_view text) {
    text_ += std::exchange(before, ',');
    text_ += name;
    text_ += "=\"";
    put_escaped(text, /*quotes=*/true);
    text_ += '"';
  };
  for (const auto& [name, text] : labels) put_label(name, text);
  if (!le.empty()) put_label("le", le);
  if (before == ',') text_ += '}';
  text_ += ' ';
  text_ += number(value);
  text_ += '\n';
}

// A line feed is all that could end a value's line.
void Exposition::put_escaped(std::string_view text, bool quotes) {
  while (!text.empty()) {
    const Character character = first_character(text);
    if (!character.valid) {
      text_ += "\xef\xbf\xbd";
    } else if (character.code == '\n') {
      text_ += "\\n";
    } else if (character.code == '\\' || (quotes && character.code == '"')) {
      text_ += '\\';
      text_ += text.front();
    } else {
      text_ += text.substr(0, character.bytes);
    }
    text.remove_prefix(character.bytes);
  }
}

}  // namespace durable_streams::server

// A sum of numbers with units, each at most once in any order, as Go reads them.
#include "server/text/duration.h"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <optional>

namespace durable_streams::server {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t nanoseconds;
};

// A unit stands before those that it begins with.
constexpr std::array<Unit, 8> kUnits{{
    {"ns", 1},
    {"us", 1'000},
    {"\u00b5s", 1'000},
    {"ms", 1'000'000},
    {"s", 1'000'000'000},
    {"m", 60'000'000'000},
    {"h", 3'600'000'000'000},
    {"d", 86'400'000'000'000},
}};

// 292 years, which is what fits.
constexpr std::int64_t kNanosecondsMax = INT64_MAX;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Reads `12` or `1.5` off the front; `scale` is how many units of the last digit make one.
std::optional<std::int64_t> take_number(std::string_view& text, std::int64_t& scale) {
  constexpr std::int64_t kDigitsMax = INT64_MAX / 10;
  std::int64_t number = 0;
  std::size_t digits = 0;
  bool fraction = false;
  scale = 1;
  for (; !text.empty() && (is_digit(text.front()) || (text.front() == '.' && !fraction));
       text.remove_prefix(1)) {
    if (text.front() == '.') {
      fraction = true;
      continue;
    }
    if (number >= kDigitsMax || scale >= kDigitsMax) return std::nullopt;
    number = number * 10 + (text.front() - '0');
    if (fraction) scale *= 10;
    ++digits;
  }
  if (digits == 0) return std::nullopt;
  return number;
}

std::optional<std::int64_t> take_unit(std::string_view& text) {
  for (const Unit& unit : kUnits) {
    if (!text.starts_with(unit.name)) continue;
    text.remove_prefix(unit.name.size());
    return unit.nanoseconds;
  }
  return std::nullopt;
}

std::optional<std::int64_t> take_part(std::string_view& text) {
  std::int64_t scale = 1;
  const std::optional<std::int64_t> number = take_number(text, scale);
  if (!number) return std::nullopt;
  const std::optional<std::int64_t> unit = take_unit(text);
  if (!unit) return std::nullopt;
  const long double nanoseconds = static_cast<long double>(*number) * *unit / scale;
  if (nanoseconds >= static_cast<long double>(kNanosecondsMax)) return std::nullopt;
  return static_cast<std::int64_t>(nanoseconds);
}

}  // namespace

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const Error malformed{ErrorCode::kInvalidArgument,
                        fmt::format("'{}' is no duration: write 30s, 1m30s, 500ms or 1d", text),
                        {}};
  if (text == "0") return std::chrono::milliseconds{0};
  if (text.empty()) return malformed;
  std::int64_t sum = 0;
  while (!text.empty()) {
    const std::optional<std::int64_t> part = take_part(text);
    if (!part || *part > kNanosecondsMax - sum) return malformed;
    sum += *part;
  }
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::nanoseconds{sum});
}

std::string duration_text(std::chrono::milliseconds duration) {
  std::int64_t left = duration.count();
  if (left == 0) return "0s";
  std::string text;
  const auto take = [&](std::int64_t unit_ms, std::string_view name) {
    if (left >= unit_ms) text += fmt::format("{}{}", left / unit_ms, name);
    left %= unit_ms;
  };
  take(3'600'000, "h");
  take(60'000, "m");
  take(1'000, "s");
  take(1, "ms");
  return text;
}

}  // namespace durable_streams::server

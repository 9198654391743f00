// Cursors by the interval.
#include "protocol/cursor.h"

#include "protocol/ascii.h"

#include <algorithm>
#include <charconv>
#include <limits>

namespace durable_streams::protocol {
namespace {

constexpr std::uint64_t kCursorMax = std::numeric_limits<std::uint64_t>::max();

std::uint64_t current_interval(WallTime now) {
  if (now <= kCursorEpoch) return 0;
  return static_cast<std::uint64_t>((now - kCursorEpoch) / kCursorInterval);
}

}  // namespace

std::optional<std::uint64_t> parse_cursor(std::string_view text) {
  if (text.empty() || !std::all_of(text.begin(), text.end(), is_digit)) return std::nullopt;
  std::uint64_t cursor = 0;
  const std::from_chars_result read =
      std::from_chars(text.data(), text.data() + text.size(), cursor);
  return read.ec == std::errc::result_out_of_range ? kCursorMax : cursor;
}

std::uint64_t next_cursor(WallTime now, std::optional<std::uint64_t> client, std::uint64_t random) {
  const std::uint64_t current = current_interval(now);
  if (!client || *client < current) return current;
  // 1 to 3600 seconds, in whole intervals, at least one.
  constexpr std::uint64_t kIntervalsMax = kCursorJitterMax / kCursorInterval;
  const std::uint64_t jitter = 1 + random % kIntervalsMax;
  return *client > kCursorMax - jitter ? kCursorMax : *client + jitter;
}

char* write_cursor(char* out, std::uint64_t cursor) {
  return std::to_chars(out, out + kCursorTextBytesMax, cursor).ptr;
}

}  // namespace durable_streams::protocol

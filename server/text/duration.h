// Durations as Caddy writes them: `30s`, `1m30s`, `500ms`, `1.5h`, `1d`.
#pragma once

#include <durable_streams/result.h>

#include <chrono>
#include <string>
#include <string_view>

namespace durable_streams::server {

// Units: ns, us (or µs), ms, s, m, h, d. What is less than a millisecond is cut off. No sign; `0`
// needs no unit.
Result<std::chrono::milliseconds> parse_duration(std::string_view text);

// The same value as parse_duration() reads: `1m30s`, `500ms`, `24h`.
std::string duration_text(std::chrono::milliseconds duration);

}  // namespace durable_streams::server

// The headers that say how long a stream lives (protocol section 5.1): Stream-TTL and
// Stream-Expires-At.
#pragma once

#include <durable_streams/clock.h>
#include <durable_streams/result.h>

#include <chrono>
#include <cstddef>
#include <string_view>

namespace durable_streams::protocol {

// The longest TTL, 285 million years. With it any moment up to the year 9999 plus a TTL is still a
// WallTime. (A TTL in nanoseconds may overflow: compare it in milliseconds.)
inline constexpr std::chrono::seconds kTtlMax{9'007'199'254'740'991};

// Reads Stream-TTL: seconds in decimal digits, without sign, leading zeros or fraction, at most
// kTtlMax. Errors: kInvalidArgument.
Result<std::chrono::seconds> parse_ttl(std::string_view text);

// Reads an RFC 3339 timestamp: any offset from UTC, a fraction of any length (cut to milliseconds),
// `t` and `z` in either case, and a second 60 at the end of a month in UTC, which counts as the
// second after it. The moment lies in the years 0001 to 9999 of UTC. Errors: kInvalidArgument.
Result<WallTime> parse_rfc3339(std::string_view text);

inline constexpr std::size_t kRfc3339BytesMax = 24;

// Writes `time` as UTC: `2025-01-31T12:00:00.250Z`, without a fraction on the full second. A
// library user may set any time: one outside the years 0001 to 9999 is written as the nearest
// moment inside. At most kRfc3339BytesMax characters; returns the end of what it wrote.
char* write_rfc3339(char* out, WallTime time);

}  // namespace durable_streams::protocol

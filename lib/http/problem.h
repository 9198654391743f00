// Refusals: which status an error has, and what it says of itself (RFC 9457).
#pragma once

#include <durable_streams/result.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace durable_streams::http {

// The one mapping from outcomes to statuses.
int status_of(ErrorCode code);

// A refusal that may pass says when to come again: after one second up to this many, at random, so
// that not all come at once.
inline constexpr std::uint64_t kRetryAfterSecondsMax = 4;

inline constexpr std::string_view kProblemType = "application/problem+json";

// `{"title":"Conflict","status":409,"code":"closed","detail":"..."}`. `code` is left out when
// empty. Whatever `detail` holds, the answer is JSON.
std::string problem_body(int status, std::string_view code, std::string_view detail);

}  // namespace durable_streams::http

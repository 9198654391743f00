// Which paths a route is for: `/exact`, `/prefix/*`, or any.
#pragma once

#include <durable_streams/result.h>

#include <string>
#include <string_view>

namespace durable_streams::server {

inline constexpr std::string_view kAnyPath = "*";

// `*`, `/`, `/health` or `/v1/stream/*`. No `.` or `..` segments, no empty ones, nothing
// percent-encoded: a pattern is compared with the decoded path.
Status check_path_pattern(std::string_view pattern);

// `/v1/stream/` of `/v1/stream/*`, `/` of `*`; empty: the pattern is for one path only.
std::string_view prefix_of(std::string_view pattern);

// `path` is a request's, decoded.
bool matches(std::string_view pattern, std::string_view path);

// Whether all that `inner` matches is matched by `outer`.
bool covers(std::string_view outer, std::string_view inner);

}  // namespace durable_streams::server

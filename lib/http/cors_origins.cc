// Origins are put into one form when an endpoint is made, so that a request's needs only to be
// looked up.
#include "http/cors_origins.h"

#include <algorithm>
#include <utility>

#include "protocol/ascii.h"
#include "protocol/header_names.h"

namespace durable_streams::http {

std::string serialized_origin(std::string_view origin) {
  std::string out(origin);
  std::transform(out.begin(), out.end(), out.begin(), protocol::to_lower);
  constexpr std::pair<std::string_view, std::string_view> kOwnPorts[] = {{"http://", ":80"},
                                                                         {"https://", ":443"}};
  for (const auto& [scheme, port] : kOwnPorts) {
    if (out.starts_with(scheme) && out.ends_with(port)) out.resize(out.size() - port.size());
  }
  return out;
}

std::string_view origin_of(std::span<const Header> headers) {
  std::string_view origin;
  bool seen = false;
  for (const Header& header : headers) {
    if (header.name.size() != 6 || !protocol::equal_ignoring_case(header.name, "Origin")) continue;
    if (std::exchange(seen, true)) return {};
    origin = header.value;
  }
  return origin;
}

std::string cors_lines(std::string_view origin) {
  return std::string("Access-Control-Allow-Origin: ")
      .append(origin)
      .append("\r\nAccess-Control-Expose-Headers: ")
      .append(protocol::kCorsResponseHeaders)
      .append("\r\n");
}

CorsOrigins::CorsOrigins(std::span<const std::string> origins) {
  everybody_ = std::find(origins.begin(), origins.end(), "*") != origins.end();
  if (everybody_) return;
  std::vector<std::string> sorted;
  for (const std::string& origin : origins) sorted.push_back(serialized_origin(origin));
  std::sort(sorted.begin(), sorted.end());
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  for (std::string& origin : sorted) {
    std::string lines = cors_lines(origin);
    allowed_.push_back({.origin = std::move(origin), .lines = std::move(lines)});
  }
}

std::uint32_t CorsOrigins::find(std::span<const Header> headers) const {
  const std::string_view origin = origin_of(headers);
  if (origin.empty()) return 0;
  const auto found = std::lower_bound(
      allowed_.begin(), allowed_.end(), origin,
      [](const Allowed& allowed, std::string_view asked) { return allowed.origin < asked; });
  if (found == allowed_.end() || found->origin != origin) return 0;
  return static_cast<std::uint32_t>(found - allowed_.begin()) + 1;
}

}  // namespace durable_streams::http

// A colon parts host and port, so an IPv6 address stands in brackets.
#include "server/net/listen_address.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace durable_streams::server {
namespace {

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return port;
}

bool is_digits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

Error not_an_address(std::string_view text, std::string_view why) {
  return {ErrorCode::kInvalidArgument, fmt::format("'{}' is no address: {}", text, why), {}};
}

}  // namespace

Result<ListenAddress> parse_listen_address(std::string_view text) {
  ListenAddress address;
  std::string_view port;
  // A slash is Caddy's, who writes the kind of network before it.
  if (text.empty() || text.find('/') != std::string_view::npos)
    return not_an_address(text, "write HOST:PORT, :PORT or PORT");
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return not_an_address(text, "']' is missing");
    address.host = text.substr(1, end - 1);
    const std::string_view rest = text.substr(end + 1);
    if (!rest.empty() && !rest.starts_with(':'))
      return not_an_address(text, "after ']' comes ':PORT'");
    if (rest.empty()) return address;
    port = rest.substr(1);
  } else if (is_digits(text)) {
    port = text;
  } else {
    const std::size_t colon = text.find(':');
    if (colon != text.rfind(':'))
      return not_an_address(text, "an IPv6 address stands in brackets, as in [::1]:4437");
    address.host = text.substr(0, colon);
    if (colon == std::string_view::npos) return address;
    port = text.substr(colon + 1);
  }
  const std::optional<std::uint16_t> number = parse_port(port);
  if (!number) return not_an_address(text, "a port is a number from 0 to 65535");
  address.port = *number;
  return address;
}

}  // namespace durable_streams::server

// Scheme, host and port, each of which may be missing.
#include "server/config/caddyfile/site_address.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace durable_streams::server {
namespace {

Error invalid(std::string_view text, std::string_view why) {
  return {ErrorCode::kInvalidArgument, fmt::format("'{}' {}", text, why), {}};
}

bool is_ip_address(const std::string& host) {
  in_addr v4{};
  in6_addr v6{};
  return inet_pton(AF_INET, host.c_str(), &v4) == 1 || inet_pton(AF_INET6, host.c_str(), &v6) == 1;
}

bool is_name(std::string_view host) {
  if (host.starts_with("*.")) host.remove_prefix(2);
  if (host.empty() || host.size() > 253) return false;
  bool begins = true;
  for (const char c : host) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    if (!letter && (begins || (c != '-' && c != '.'))) return false;
    begins = c == '.';
  }
  return true;
}

Status take_scheme(std::string_view& text, SiteAddress& address) {
  const std::size_t end = text.find("://");
  if (end == std::string_view::npos) return {};
  const std::string_view scheme = text.substr(0, end);
  if (scheme != "http" && scheme != "https")
    return invalid(scheme, "is no scheme of a site: write http or https");
  address.scheme = scheme == "http" ? SiteAddress::Scheme::kHttp : SiteAddress::Scheme::kHttps;
  text.remove_prefix(end + 3);
  return {};
}

Status take_port(std::string_view& text, SiteAddress& address) {
  const std::size_t colon = text.rfind(':');
  const std::size_t bracket = text.rfind(']');
  if (colon == std::string_view::npos) return {};
  if (bracket != std::string_view::npos && bracket > colon) return {};
  std::uint16_t port = 0;
  const std::string_view digits = text.substr(colon + 1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc() || end != digits.data() + digits.size() || port == 0)
    return invalid(digits, "is no port: write a number from 1 to 65535");
  address.port = port;
  text = text.substr(0, colon);
  return {};
}

}  // namespace

bool SiteAddress::is_ip() const { return is_ip_address(host); }

Result<SiteAddress> parse_site_address(std::string_view text) {
  const std::string_view whole = text;
  SiteAddress address;
  if (Status taken = take_scheme(text, address); !taken) return taken.error();
  if (text.find('/') != std::string_view::npos)
    return invalid(whole, "has a path: write it as a route within the site, route /path/* { ... }");
  if (Status taken = take_port(text, address); !taken) return taken.error();
  if (text.starts_with('[') && text.ends_with(']')) {
    address.host = std::string(text.substr(1, text.size() - 2));
    if (!address.is_ip()) return invalid(whole, "has no IPv6 address between its brackets");
    return address;
  }
  address.host = std::string(text);
  std::transform(address.host.begin(), address.host.end(), address.host.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  if (address.host.empty() && !address.port)
    return invalid(whole, "is no address: write :8787, localhost:8787 or example.com");
  if (address.host.find(':') != std::string::npos)
    return invalid(whole, "is no address: an IPv6 address stands in brackets, [::1]:8787");
  if (!address.host.empty() && !address.is_ip() && !is_name(address.host))
    return invalid(whole, "is no address: write :8787, localhost:8787 or example.com");
  return address;
}

}  // namespace durable_streams::server

// The entries are sorted once, so that the first which matches is the best.
#include "server/runtime/route_table.h"

#include <algorithm>
#include <charconv>

#include "server/config/path_pattern.h"

namespace durable_streams::server {
namespace {

// A name before a wildcard before any; of wildcards the longest.
std::size_t host_rank(std::string_view host) {
  if (host.empty()) return 0;
  return host.starts_with('.') ? host.size() : SIZE_MAX;
}

// A path before all below it, and of those the longest.
std::size_t path_rank(std::string_view pattern) {
  if (pattern == kAnyPath) return 0;
  return 2 * pattern.size() + (prefix_of(pattern).empty() ? 3 : 0);
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// `https://example.com:8443` of an absolute target; empty: it is of another form.
std::string_view authority_of(std::string_view target) {
  if (target.starts_with('/')) return {};
  const std::size_t scheme = target.find("://");
  if (scheme == std::string_view::npos) return {};
  target.remove_prefix(scheme + 3);
  return target.substr(0, target.find_first_of("/?#"));
}

}  // namespace

RouteTable::RouteTable(std::span<const RouteConfig> routes) {
  for (std::size_t i = 0; i < routes.size(); ++i) {
    const std::vector<std::string> any_host = {""};
    const PathPatterns any_path = {std::string(kAnyPath)};
    for (const std::string& host : routes[i].hosts.empty() ? any_host : routes[i].hosts) {
      for (const std::string& path : routes[i].paths.empty() ? any_path : routes[i].paths) {
        entries_.push_back(
            {.host = host.starts_with("*.") ? host.substr(1) : host, .path = path, .route = i});
      }
    }
  }
  std::stable_sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
    if (host_rank(a.host) != host_rank(b.host)) return host_rank(a.host) > host_rank(b.host);
    return path_rank(a.path) > path_rank(b.path);
  });
}

std::optional<std::size_t> RouteTable::find(std::string_view host, std::string_view path) const {
  for (const Entry& entry : entries_) {
    if (host_matches(entry, host) && matches(entry.path, path)) return entry.route;
  }
  return std::nullopt;
}

bool RouteTable::host_matches(const Entry& entry, std::string_view host) {
  if (entry.host.empty()) return true;
  if (!entry.host.starts_with('.')) return host == entry.host;
  // `*` stands for one label.
  if (!host.ends_with(entry.host)) return false;
  const std::string_view label = host.substr(0, host.size() - entry.host.size());
  return !label.empty() && label.find('.') == std::string_view::npos;
}

std::string_view host_of(std::string_view target, std::string_view host_field,
                         std::span<char> room) {
  const std::string_view authority = authority_of(target);
  std::string_view host = authority.empty() ? host_field : authority;
  if (host.starts_with('[')) {
    host = host.substr(1, std::min(host.find(']'), host.size()) - 1);
  } else {
    host = host.substr(0, host.find(':'));
  }
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.size() > room.size()) return {};
  std::transform(host.begin(), host.end(), room.begin(), lower);
  return {room.data(), host.size()};
}

std::string_view path_of(std::string_view target, std::span<char> room) {
  if (!target.starts_with('/')) {
    const std::string_view authority = authority_of(target);
    if (authority.empty()) return {};
    target.remove_prefix(static_cast<std::size_t>(authority.data() - target.data()) +
                         authority.size());
    if (!target.starts_with('/')) return "/";
  }
  // One character after the other: find_first_of() would look each of them up.
  std::string_view path = target.substr(0, target.find('?'));
  path = path.substr(0, path.find('#'));
  if (path.find('%') == std::string_view::npos) return path;
  if (path.size() > room.size()) return {};
  std::size_t size = 0;
  for (std::size_t at = 0; at < path.size(); ++at) {
    unsigned char byte = 0;
    const char* const digits = path.data() + at + 1;
    if (path[at] == '%' && at + 2 < path.size() &&
        std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) {
      room[size++] = static_cast<char>(byte);
      at += 2;
    } else {
      room[size++] = path[at];
    }
  }
  return {room.data(), size};
}

}  // namespace durable_streams::server

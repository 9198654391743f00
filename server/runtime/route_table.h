// Which route a request belongs to.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/config/config.h"

namespace durable_streams::server {

// Threads: any, once made.
class RouteTable {
 public:
  RouteTable() = default;
  explicit RouteTable(std::span<const RouteConfig> routes);

  // The index of the route that matches best: by its host before those for any host, then by the
  // longest path, then the first. `host` is in lower case and without a port; `path` is decoded.
  std::optional<std::size_t> find(std::string_view host, std::string_view path) const;

 private:
  struct Entry {
    std::string host;  // empty: any; `.example.com` for `*.example.com`
    std::string path;  // a pattern
    std::size_t route;
  };

  static bool host_matches(const Entry& entry, std::string_view host);

  std::vector<Entry> entries_;  // the best first
};

// The host that a request is for: that of its target, if there is one, or of its Host; in lower
// case, without port and brackets, in `room`, which is large enough for all that is a host. Empty:
// none, or one that is too long to be any.
std::string_view host_of(std::string_view target, std::string_view host_field,
                         std::span<char> room);

// The path of a request's target, without its query, decoded into `room` if it has to be. Empty:
// there is none, or it does not fit.
std::string_view path_of(std::string_view target, std::span<char> room);

}  // namespace durable_streams::server

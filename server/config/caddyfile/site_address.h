// A site's address, as a person writes it before the site's block.
#pragma once

#include <durable_streams/result.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace durable_streams::server {

struct SiteAddress {
  enum class Scheme : std::uint8_t { kNone, kHttp, kHttps };

  Scheme scheme = Scheme::kNone;
  std::string host;  // lower case, without brackets; empty: any
  std::optional<std::uint16_t> port;

  bool is_ip() const;
  // localhost, an IP address, or none: nobody else vouches for such a name.
  bool is_local() const { return host.empty() || host == "localhost" || is_ip(); }
};

// `:8787`, `localhost:8787`, `http://host:port`, `[::1]:8787`, `example.com`, `*.example.com`.
Result<SiteAddress> parse_site_address(std::string_view text);

}  // namespace durable_streams::server

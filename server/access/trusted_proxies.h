// Which client a request is from, when proxies stand between: only what trusted ones say counts,
// for everybody can send X-Forwarded-For.
#pragma once

#include <durable_streams/http/message.h>
#include <durable_streams/result.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/access/ip_address.h"

namespace durable_streams::server {

// Threads: any, once made.
class TrustedProxies {
 public:
  // Addresses (`192.0.2.1`, `::1`), ranges (`10.0.0.0/8`) and `private_ranges`: this machine and
  // the networks that are nobody's on the Internet. Errors name the text that is none of these.
  static Result<TrustedProxies> parse(std::span<const std::string> texts);

  TrustedProxies() = default;  // trusts nobody

  bool trusts(const IpAddress& address) const;

 private:
  struct Range {
    IpAddress network;
    unsigned bits = 0;
  };

  static Result<Range> parse_range(std::string_view text);

  std::vector<Range> ranges_;
};

// The client's address: the peer's, unless the peer is a trusted proxy; then the rightmost address
// of X-Forwarded-For that is none. All lines of the header are one list. Behind an item that is no
// address nobody is believed: the last trusted proxy before it stands for the client. Nothing when
// `peer` is no address, as that of a Unix socket.
std::optional<IpAddress> client_address(std::string_view peer,
                                        std::span<const http::Header> headers,
                                        const TrustedProxies& proxies);

}  // namespace durable_streams::server

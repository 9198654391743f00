// Where to listen, as a person writes it.
#pragma once

#include <durable_streams/result.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace durable_streams::server {

// The port of a server that was given none.
inline constexpr std::uint16_t kDefaultPort = 4437;

struct ListenAddress {
  std::string host = "localhost";     // a name or an address; empty: every interface
  std::uint16_t port = kDefaultPort;  // 0: any that is free

  bool operator==(const ListenAddress&) const = default;
};

// `localhost:8787`, `127.0.0.1:0`, `[::1]:4437`, `:8787` (every interface), `8787` (this machine
// only), `example.org`.
Result<ListenAddress> parse_listen_address(std::string_view text);

}  // namespace durable_streams::server

// An IPv4 or IPv6 address with its port, small enough to be carried along with a socket.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace durable_streams::server {

// Threads: one at a time.
class SocketAddress {
 public:
  static constexpr std::size_t kTextBytesMax = INET6_ADDRSTRLEN;

  SocketAddress() = default;
  static SocketAddress ipv4(std::uint32_t address, std::uint16_t port);
  static SocketAddress ipv6(const in6_addr& address, std::uint16_t port);
  // Anything else than IPv4 or IPv6 becomes the empty address.
  static SocketAddress of(const sockaddr& address);

  int family() const { return address_.in.sin_family; }
  std::uint16_t port() const;
  const sockaddr* data() const { return reinterpret_cast<const sockaddr*>(&address_); }
  socklen_t size() const {
    return family() == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
  }

  // Whether both cannot be listened at: one is the other, or is every address of its family and
  // port.
  bool overlaps(const SocketAddress& other) const;

  // The address alone, in `room`; an IPv4 address that came over an IPv6 socket is written as what
  // it is.
  std::string_view host(std::array<char, kTextBytesMax>& room) const;

  // `127.0.0.1:4437`, `[::1]:4437`.
  std::string to_string() const;

 private:
  union Any {
    sockaddr_in6 in6;
    sockaddr_in in;
  };

  bool is_every() const;

  Any address_{};
};

}  // namespace durable_streams::server

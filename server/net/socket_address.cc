// The one place that looks into sockaddr.
#include "server/net/socket_address.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <cstring>

namespace durable_streams::server {

SocketAddress SocketAddress::ipv4(std::uint32_t address, std::uint16_t port) {
  SocketAddress result;
  result.address_.in.sin_family = AF_INET;
  result.address_.in.sin_port = htons(port);
  result.address_.in.sin_addr.s_addr = htonl(address);
  return result;
}

SocketAddress SocketAddress::ipv6(const in6_addr& address, std::uint16_t port) {
  SocketAddress result;
  result.address_.in6.sin6_family = AF_INET6;
  result.address_.in6.sin6_port = htons(port);
  result.address_.in6.sin6_addr = address;
  return result;
}

SocketAddress SocketAddress::of(const sockaddr& address) {
  SocketAddress result;
  if (address.sa_family == AF_INET) std::memcpy(&result.address_.in, &address, sizeof(sockaddr_in));
  if (address.sa_family == AF_INET6)
    std::memcpy(&result.address_.in6, &address, sizeof(sockaddr_in6));
  return result;
}

std::uint16_t SocketAddress::port() const {
  return ntohs(family() == AF_INET ? address_.in.sin_port : address_.in6.sin6_port);
}

bool SocketAddress::is_every() const {
  if (family() == AF_INET) return address_.in.sin_addr.s_addr == htonl(INADDR_ANY);
  return family() == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&address_.in6.sin6_addr);
}

bool SocketAddress::overlaps(const SocketAddress& other) const {
  if (family() != other.family() || port() != other.port()) return false;
  if (is_every() || other.is_every()) return true;
  if (family() == AF_INET) return address_.in.sin_addr.s_addr == other.address_.in.sin_addr.s_addr;
  return IN6_ARE_ADDR_EQUAL(&address_.in6.sin6_addr, &other.address_.in6.sin6_addr) &&
         address_.in6.sin6_scope_id == other.address_.in6.sin6_scope_id;
}

std::string_view SocketAddress::host(std::array<char, kTextBytesMax>& room) const {
  const char* text = nullptr;
  if (family() == AF_INET) {
    text = inet_ntop(AF_INET, &address_.in.sin_addr, room.data(), kTextBytesMax);
  } else if (family() == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&address_.in6.sin6_addr)) {
    text = inet_ntop(AF_INET, &address_.in6.sin6_addr.s6_addr[12], room.data(), kTextBytesMax);
  } else if (family() == AF_INET6) {
    text = inet_ntop(AF_INET6, &address_.in6.sin6_addr, room.data(), kTextBytesMax);
  }
  return text == nullptr ? std::string_view() : std::string_view(text);
}

std::string SocketAddress::to_string() const {
  std::array<char, kTextBytesMax> room;
  if (family() == AF_INET6) return fmt::format("[{}]:{}", host(room), port());
  return fmt::format("{}:{}", host(room), port());
}

}  // namespace durable_streams::server

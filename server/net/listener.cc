// SO_REUSEADDR only lets a restarted server have its port back; without SO_REUSEPORT a port in use
// is an error, not a silent share of somebody else's connections. So that stays off but while one
// configuration takes over from another, which may have `:8787` where that had `localhost:8787`.
#include "server/net/listener.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace durable_streams::server {
namespace {

// The kernel cuts it to its own limit (net.core.somaxconn).
constexpr int kPendingConnectionsMax = 4096;

// How often a free port is looked for that both loopbacks have.
constexpr int kAnyPortTries = 16;

enum class Stack : bool { kOwn, kDual };

// Whether the error says that this machine has no such address, rather than that it may not be
// used.
bool is_absent(int error) {
  return error == EAFNOSUPPORT || error == EADDRNOTAVAIL || error == EPROTONOSUPPORT;
}

void set_option(int fd, int level, int option, int value) {
  // Best effort: what matters shows when the socket is bound.
  static_cast<void>(setsockopt(fd, level, option, &value, sizeof(value)));
}

// On failure the listener has no socket, and errno says why.
Listener try_bind(const SocketAddress& address, Stack stack, Sharing sharing) {
  UniqueFd fd(socket(address.family(), SOCK_STREAM, 0));
  if (!fd) return {};
  fcntl(fd.get(), F_SETFD, FD_CLOEXEC);
  fcntl(fd.get(), F_SETFL, O_NONBLOCK);
  set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (sharing == Sharing::kShared) set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1);
  set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY,
             1);  // inherited by what is accepted, as Linux does
  if (address.family() == AF_INET6)
    set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, stack == Stack::kOwn ? 1 : 0);
  if (bind(fd.get(), address.data(), address.size()) != 0) return {};
  if (sharing == Sharing::kAlone && listen(fd.get(), kPendingConnectionsMax) != 0) return {};
  sockaddr_storage bound{};
  socklen_t size = sizeof(bound);
  if (getsockname(fd.get(), reinterpret_cast<sockaddr*>(&bound), &size) != 0) return {};
  return {.socket = std::move(fd),
          .address = SocketAddress::of(reinterpret_cast<const sockaddr&>(bound))};
}

Error cannot_listen(const std::string& where, int error) {
  std::string message;
  if (error == EADDRINUSE) {
    message =
        fmt::format("{} is in use by another program: stop that one, or listen elsewhere", where);
  } else if (error == EACCES) {
    message = fmt::format("may not listen at {}: ports below 1024 need privileges; choose another",
                          where);
  } else if (error == EADDRNOTAVAIL) {
    message = fmt::format("{} is no address of this machine; choose another", where);
  } else {
    message = fmt::format("cannot listen at {}: {}", where, std::strerror(error));
  }
  return {ErrorCode::kUnavailable, std::move(message), {}};
}

Result<std::vector<Listener>> listen_on_loopbacks(std::uint16_t port, int tries, Sharing sharing) {
  std::vector<Listener> listeners;
  std::uint16_t chosen = port;
  for (const bool ipv6 : {false, true}) {
    const SocketAddress address = ipv6 ? SocketAddress::ipv6(in6addr_loopback, chosen)
                                       : SocketAddress::ipv4(INADDR_LOOPBACK, chosen);
    Listener listener = try_bind(address, Stack::kOwn, sharing);
    if (listener.socket) {
      chosen = listener.address.port();
      listeners.push_back(std::move(listener));
    } else if (port == 0 && errno == EADDRINUSE && tries > 1) {
      return listen_on_loopbacks(port, tries - 1, sharing);
    } else if (!is_absent(errno) || (ipv6 && listeners.empty())) {
      return cannot_listen(address.to_string(), errno);
    }
  }
  return listeners;
}

Result<std::vector<Listener>> listen_everywhere(std::uint16_t port, Sharing sharing) {
  Listener listener = try_bind(SocketAddress::ipv6(in6addr_any, port), Stack::kDual, sharing);
  if (!listener.socket && is_absent(errno))
    listener = try_bind(SocketAddress::ipv4(INADDR_ANY, port), Stack::kOwn, sharing);
  if (!listener.socket) return cannot_listen(fmt::format("port {}", port), errno);
  std::vector<Listener> listeners;
  listeners.push_back(std::move(listener));
  return listeners;
}

Result<std::vector<SocketAddress>> look_up(const ListenAddress& address) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int status =
      getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
  if (status != 0) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("cannot find the host '{}': {}", address.host, gai_strerror(status)),
                 {}};
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> guard(found, freeaddrinfo);
  std::vector<SocketAddress> addresses;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next)
    addresses.push_back(SocketAddress::of(*each->ai_addr));
  return addresses;
}

Result<std::vector<Listener>> listen_by_name(const ListenAddress& address, Sharing sharing) {
  const Result<std::vector<SocketAddress>> places = look_up(address);
  if (!places) return places.error();
  std::vector<Listener> listeners;
  for (const SocketAddress& place : *places) {
    Listener listener = try_bind(place, Stack::kOwn, sharing);
    if (!listener.socket) return cannot_listen(place.to_string(), errno);
    listeners.push_back(std::move(listener));
    if (address.port == 0) break;  // the others would get ports of their own
  }
  return listeners;
}

}  // namespace

Result<std::vector<Listener>> listen_at(const ListenAddress& address, Sharing sharing) {
  if (address.host.empty()) return listen_everywhere(address.port, sharing);
  if (address.host == "localhost") return listen_on_loopbacks(address.port, kAnyPortTries, sharing);
  return listen_by_name(address, sharing);
}

Result<std::vector<SocketAddress>> addresses_of(const ListenAddress& address) {
  std::vector<SocketAddress> addresses;
  if (address.host.empty()) {
    addresses = {SocketAddress::ipv4(INADDR_ANY, address.port),
                 SocketAddress::ipv6(in6addr_any, address.port)};
  } else if (address.host == "localhost") {
    addresses = {SocketAddress::ipv4(INADDR_LOOPBACK, address.port),
                 SocketAddress::ipv6(in6addr_loopback, address.port)};
  } else {
    return look_up(address);
  }
  return addresses;
}

Status begin_listening(const Listener& listener) {
  if (listen(listener.socket.get(), kPendingConnectionsMax) != 0)
    return cannot_listen(listener.address.to_string(), errno);
  return {};
}

void share(const Listener& listener, bool shared) {
  set_option(listener.socket.get(), SOL_SOCKET, SO_REUSEPORT, shared ? 1 : 0);
}

void set_send_buffer(const Listener& listener, std::size_t bytes) {
  set_option(listener.socket.get(), SOL_SOCKET, SO_SNDBUF, static_cast<int>(bytes));
}

void set_silence_max(const Listener& listener, std::chrono::milliseconds silence) {
#if defined(TCP_USER_TIMEOUT)
  set_option(listener.socket.get(), IPPROTO_TCP, TCP_USER_TIMEOUT,
             static_cast<int>(silence.count()));
#else
  static_cast<void>(listener);
  static_cast<void>(silence);
#endif
}

}  // namespace durable_streams::server

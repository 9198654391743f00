// Connecting, in the plainest way: one address, one attempt.
#include "bench/socket.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <unistd.h>

namespace durable_streams::bench {

namespace {

constexpr std::string_view kScheme = "http://";
constexpr std::string_view kTlsScheme = "https://";
constexpr std::string_view kDefaultPort = "4437";

Status resolve(const std::string& host, const std::string& port, Target& target) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int failure = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found); failure != 0) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{}:{}: {}", host, port, ::gai_strerror(failure)),
                 {}};
  }
  std::memcpy(&target.address, found->ai_addr, found->ai_addrlen);
  target.address_bytes = found->ai_addrlen;
  ::freeaddrinfo(found);
  return {};
}

}  // namespace

Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

Error system_error(std::string_view what) {
  return {ErrorCode::kIo, fmt::format("{}: {}", what, std::strerror(errno)), {}};
}

Result<Target> parse_target(std::string_view url) {
  Target target;
  target.tls = url.starts_with(kTlsScheme);
  if (!target.tls && !url.starts_with(kScheme)) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{}: must begin with {} or {}", url, kScheme, kTlsScheme),
                 {}};
  }
  const std::string_view rest = url.substr(target.tls ? kTlsScheme.size() : kScheme.size());
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  target.authority = rest.substr(0, slash);
  target.prefix = rest.substr(slash);
  while (target.prefix.ends_with('/')) target.prefix.pop_back();

  std::string host = target.authority;
  std::string port(kDefaultPort);
  const std::size_t colon = host.rfind(':');
  if (colon != std::string::npos && host.find(']', colon) == std::string::npos) {
    port = host.substr(colon + 1);
    host.resize(colon);
  }
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (const Status status = resolve(host, port, target); !status) return status.error();
  return target;
}

Result<Descriptor> connect_to(const Target& target) {
  Descriptor socket(::socket(target.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (socket.get() < 0) return system_error("socket");
  const auto* address = reinterpret_cast<const sockaddr*>(&target.address);
  if (::connect(socket.get(), address, target.address_bytes) != 0) {
    return system_error(fmt::format("connecting to {}", target.authority));
  }
  const int on = 1;
  if (::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) {
    return system_error("TCP_NODELAY");
  }
  return socket;
}

Result<Descriptor> begin_connecting(const Target& target, int receive_bytes) {
  const int type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
  Descriptor socket(::socket(target.address.ss_family, type, 0));
  if (socket.get() < 0) return system_error("socket");
  if (receive_bytes > 0 && ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &receive_bytes,
                                        sizeof receive_bytes) != 0) {
    return system_error("SO_RCVBUF");
  }
  const auto* address = reinterpret_cast<const sockaddr*>(&target.address);
  if (::connect(socket.get(), address, target.address_bytes) != 0 && errno != EINPROGRESS) {
    return system_error(fmt::format("connecting to {}", target.authority));
  }
  return socket;
}

Status allow_open_files(std::size_t files) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return system_error("limit of open files");
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return system_error("limit of open files");
  if (limit.rlim_max >= files) return {};
  return Error{
      ErrorCode::kTooMany,
      fmt::format("{} open files are needed, and the system allows {}", files, limit.rlim_max),
      {}};
}

}  // namespace durable_streams::bench

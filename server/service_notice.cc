// The protocol is one datagram to the socket that the environment names.
#include "server/service_notice.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>

#include "server/net/unique_fd.h"

namespace durable_streams::server {

void notify_service_manager(std::string_view state) {
  const char* const name = std::getenv("NOTIFY_SOCKET");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (name == nullptr || std::strlen(name) >= sizeof(address.sun_path)) return;
  const std::size_t size = std::strlen(name);
  std::memcpy(static_cast<char*>(address.sun_path), name, size);
  // An abstract name is written with an @.
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
  std::string text(state);
  if (state == "RELOADING=1") {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    const auto microseconds = now.tv_sec * 1'000'000LL + now.tv_nsec / 1'000;
    text += "\nMONOTONIC_USEC=" + std::to_string(microseconds);
  }
  const UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return;
  static_cast<void>(::sendto(socket.get(), text.data(), text.size(), MSG_NOSIGNAL,
                             reinterpret_cast<const sockaddr*>(&address),
                             static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + size)));
}

}  // namespace durable_streams::server

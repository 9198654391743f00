// A socket's address holds about a hundred bytes, which a directory's path may exceed: such a one
// is named by way of an open descriptor.
#include "server/admin/control_socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

namespace durable_streams::server {
namespace {

constexpr int kPendingConnectionsMax = 16;

Error failure(const std::string& directory, std::string_view doing, int reason) {
  const bool absent = reason == ENOENT || reason == ECONNREFUSED;
  return {absent ? ErrorCode::kNotFound : ErrorCode::kUnavailable,
          fmt::format("{} {}/{}: {}", doing, directory, kControlSocketName, std::strerror(reason)),
          {}};
}

// nullopt: the path does not fit.
std::optional<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return std::nullopt;
  std::memcpy(static_cast<char*>(address.sun_path), path.c_str(), path.size() + 1);
  return address;
}

sockaddr_un address_in(const std::string& directory, const UniqueFd& open_directory) {
  if (const auto address = address_of(fmt::format("{}/{}", directory, kControlSocketName)))
    return *address;
  return *address_of(fmt::format("/proc/self/fd/{}/{}", open_directory.get(), kControlSocketName));
}

UniqueFd open_directory(const std::string& directory) {
  return UniqueFd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

UniqueFd make_socket() {
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM, 0));
  if (fd) fcntl(fd.get(), F_SETFD, FD_CLOEXEC);
  return fd;
}

}  // namespace

Result<ControlSocket> ControlSocket::listen(const std::string& directory) {
  UniqueFd open = open_directory(directory);
  if (!open) return failure(directory, "open", errno);
  UniqueFd socket = make_socket();
  if (!socket) return failure(directory, "make", errno);
  fcntl(socket.get(), F_SETFL, O_NONBLOCK);
  if (unlinkat(open.get(), kControlSocketName, 0) != 0 && errno != ENOENT)
    return failure(directory, "replace", errno);
  const sockaddr_un address = address_in(directory, open);
  if (bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    return failure(directory, "make", errno);
  // Before it listens nobody can connect, whatever its mode is.
  if (fchmodat(open.get(), kControlSocketName, S_IRUSR | S_IWUSR, 0) != 0)
    return failure(directory, "keep others from", errno);
  if (::listen(socket.get(), kPendingConnectionsMax) != 0)
    return failure(directory, "listen at", errno);
  return ControlSocket(std::move(open), std::move(socket));
}

void ControlSocket::remove_name() {
  if (directory_) static_cast<void>(unlinkat(directory_.get(), kControlSocketName, 0));
  directory_.reset();
}

Result<UniqueFd> connect_to_control(const std::string& directory) {
  const UniqueFd open = open_directory(directory);
  if (!open) return failure(directory, "open", errno);
  UniqueFd socket = make_socket();
  if (!socket) return failure(directory, "connect to", errno);
  const sockaddr_un address = address_in(directory, open);
  if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    return failure(directory, "connect to", errno);
  return socket;
}

}  // namespace durable_streams::server

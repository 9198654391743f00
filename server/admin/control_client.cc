// One request on one connection, which ends with the answer.
#include "server/admin/control_client.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <string_view>

#include "server/admin/control_socket.h"

namespace durable_streams::server {
namespace {

bool send_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

std::string receive_all(int fd) {
  std::string text;
  std::array<char, 4096> bytes;
  while (true) {
    const ssize_t size = ::recv(fd, bytes.data(), bytes.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return text;
    text.append(bytes.data(), static_cast<std::size_t>(size));
  }
}

// The `detail` of a problem, as the server writes it; empty: there is none.
std::string detail_of(std::string_view answer) {
  constexpr std::string_view kBegin = "\"detail\":\"";
  std::size_t at = answer.find(kBegin);
  if (at == std::string_view::npos) return {};
  std::string detail;
  for (at += kBegin.size(); at < answer.size() && answer[at] != '"'; ++at) {
    if (answer[at] == '\\' && at + 1 < answer.size()) ++at;
    detail += answer[at];
  }
  return detail;
}

}  // namespace

Status tell_server(const std::string& directory, const std::string& target) {
  const Result<UniqueFd> socket = connect_to_control(directory);
  if (!socket) return socket.error();
  const std::string request = fmt::format(
      "POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
      target);
  if (!send_all(socket->get(), request))
    return Error{ErrorCode::kUnavailable, "the server closed the connection", {}};
  const std::string answer = receive_all(socket->get());
  constexpr std::string_view kVersion = "HTTP/1.1 ";
  if (!answer.starts_with(kVersion) || answer.find("\r\n\r\n") == std::string::npos)
    return Error{ErrorCode::kUnavailable, "the server stopped before it was done", {}};
  const std::string status = answer.substr(kVersion.size(), 3);
  if (status.starts_with('2')) return {};
  const std::string detail = detail_of(answer);
  return Error{ErrorCode::kUnavailable,
               detail.empty() ? fmt::format("the server answered {}", status) : detail,
               {}};
}

}  // namespace durable_streams::server

// One request on one connection, which ends with the answer.
#include "server/admin/admin_client.h"

#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "server/admin/control_socket.h"
#include "server/config/json/json_value.h"
#include "server/net/unique_fd.h"

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

// With errno as the last recv() left it.
std::string receive_all(int fd) {
  std::string text;
  std::array<char, 4096> bytes;
  while (true) {
    const ssize_t size = ::recv(fd, bytes.data(), bytes.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size == 0) errno = 0;
    if (size <= 0) return text;
    text.append(bytes.data(), static_cast<std::size_t>(size));
  }
}

// The `detail` of a problem; empty: there is none.
std::string detail_of(std::string_view body) {
  const Result<JsonValue> problem = parse_json(body);
  if (!problem || problem->object() == nullptr) return {};
  for (const JsonField& field : *problem->object()) {
    if (field.name == "detail" && field.value.text() != nullptr) return *field.value.text();
  }
  return {};
}

void set_patience(int fd, std::chrono::milliseconds patience) {
  const timeval most{.tv_sec = patience.count() / 1000, .tv_usec = patience.count() % 1000 * 1000};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof most);  // heeded by connect(), too
}

// Connects, waiting. kNotFound: nobody listens there.
Result<UniqueFd> connect_to(const ListenAddress& address, std::chrono::milliseconds patience) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const std::string host = address.host.empty() ? "localhost" : address.host;
  // Without a name it is this machine, also where no file tells what localhost is, as in a
  // container.
  const char* const name = host == "localhost" ? nullptr : host.c_str();
  const int failure = getaddrinfo(name, std::to_string(address.port).c_str(), &hints, &found);
  if (failure != 0)
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("cannot find '{}': {}", host, gai_strerror(failure)),
                 {}};
  int reason = ECONNREFUSED;
  UniqueFd socket;
  for (const addrinfo* each = found; each != nullptr && !socket; each = each->ai_next) {
    UniqueFd candidate(::socket(each->ai_family, each->ai_socktype | SOCK_CLOEXEC, 0));
    if (candidate) set_patience(candidate.get(), patience);
    if (candidate && ::connect(candidate.get(), each->ai_addr, each->ai_addrlen) == 0) {
      socket = std::move(candidate);
    } else {
      reason = errno;
    }
  }
  freeaddrinfo(found);
  if (socket) return socket;
  return Error{reason == ECONNREFUSED ? ErrorCode::kNotFound : ErrorCode::kUnavailable,
               fmt::format("connect to {}:{}: {}", host, address.port, std::strerror(reason)),
               {}};
}

Result<std::string> ask(int fd, const AdminQuestion& question) {
  std::string request = fmt::format(
      "{} {} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\nConnection: close\r\n",
      question.method, question.target, question.body.size());
  if (!question.content_type.empty())
    request += fmt::format("Content-Type: {}\r\n", question.content_type);
  request += "\r\n";
  const auto unavailable = [](std::string why) {
    return Error{ErrorCode::kUnavailable, std::move(why), {}};
  };
  if (!send_all(fd, request) || !send_all(fd, question.body))
    return unavailable("the server closed the connection");
  const std::string answer = receive_all(fd);
  if (answer.empty() && errno == EAGAIN) return unavailable("the server does not answer");
  constexpr std::string_view kVersion = "HTTP/1.1 ";
  const std::size_t head_end = answer.find("\r\n\r\n");
  if (!answer.starts_with(kVersion) || head_end == std::string::npos)
    return unavailable("the server stopped before it was done");
  const std::string status = answer.substr(kVersion.size(), 3);
  if (status.starts_with('2')) return answer.substr(head_end + 4);
  const std::string detail = detail_of(std::string_view(answer).substr(head_end + 4));
  return unavailable(detail.empty() ? fmt::format("the server answered {}", status) : detail);
}

}  // namespace

Result<std::string> ask_directory(const std::string& directory, const AdminQuestion& question) {
  const Result<UniqueFd> socket = connect_to_control(directory);
  if (!socket) return socket.error();
  set_patience(socket->get(), question.patience);
  return ask(socket->get(), question);
}

Result<std::string> ask_address(const ListenAddress& address, const AdminQuestion& question) {
  const Result<UniqueFd> socket = connect_to(address, question.patience);
  if (!socket) return socket.error();
  return ask(socket->get(), question);
}

Status tell_directory(const std::string& directory, const AdminQuestion& question) {
  const Result<std::string> answer = ask_directory(directory, question);
  return answer ? Status() : Status(answer.error());
}

}  // namespace durable_streams::server

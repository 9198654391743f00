// A plain HTTP client on a real socket that waits for what it asks for, and fails the test rather
// than wait forever.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/net/socket_address.h"
#include "server/net/unique_fd.h"
#include "tests/support/catch.h"

namespace durable_streams::server {

// The field of most requests that create or append.
inline constexpr std::string_view kText = "Content-Type: text/plain\r\n";

struct ClientResponse {
  int status = 0;
  std::string head;
  std::string body;

  bool says(std::string_view line) const {
    return head.find("\r\n" + std::string(line) + "\r\n") != std::string::npos;
  }

  // The value of a header as the server spells it, or nothing.
  std::string field(std::string_view name) const {
    const std::size_t at = head.find("\r\n" + std::string(name) + ": ");
    if (at == std::string::npos) return {};
    const std::size_t from = at + name.size() + 4;
    return head.substr(from, head.find("\r\n", from) - from);
  }
};

// What must not happen is thrown, for assertions are for one thread, and clients are for many.
class BlockingClient {
 public:
  // Waits so long for anything; far longer than a server that works needs, even under a sanitizer.
  static constexpr int kPatienceSeconds = 30;

  explicit BlockingClient(std::uint16_t port, int receive_buffer_bytes = 0)
      : BlockingClient(SocketAddress::ipv4(INADDR_LOOPBACK, port), receive_buffer_bytes) {}

  explicit BlockingClient(const SocketAddress& address, int receive_buffer_bytes = 0)
      : fd_(socket(address.family(), SOCK_STREAM, 0)) {
    if (!fd_) throw std::runtime_error("no socket");
    const timeval patience{.tv_sec = kPatienceSeconds, .tv_usec = 0};
    setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if (receive_buffer_bytes > 0) {
      setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes,
                 sizeof(receive_buffer_bytes));
    }
    connected_ = ::connect(fd_.get(), address.data(), address.size()) == 0;
  }

  virtual ~BlockingClient() = default;
  BlockingClient(BlockingClient&&) = default;
  BlockingClient& operator=(BlockingClient&&) = default;

  bool connected() const { return connected_; }

  // False: the server has closed the connection.
  virtual bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent < 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  // `GET /v1/stream/a`; a body brings its length with it.
  void request(std::string_view line, std::string_view headers = {}, std::string_view body = {}) {
    std::string text =
        std::string(line) + " HTTP/1.1\r\nHost: localhost\r\n" + std::string(headers);
    if (!body.empty()) text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    if (!send(text + "\r\n" + std::string(body)))
      throw std::runtime_error("the server closed the connection before " + std::string(line));
  }

  ClientResponse exchange(std::string_view line, std::string_view headers = {},
                          std::string_view body = {}) {
    request(line, headers, body);
    return response();
  }

  // The next response, whole. Of one to HEAD, say `has_body` is false.
  ClientResponse response(bool has_body = true) {
    ClientResponse response;
    response.head = take_until("\r\n\r\n");
    if (response.head.size() < 12) return response;
    response.status = std::stoi(response.head.substr(9, 3));
    if (!has_body || response.status == 204 || response.status == 304 || response.status < 200)
      return response;
    const std::string length = response.field("Content-Length");
    if (!length.empty()) {
      response.body = take(std::stoul(length));
    } else if (response.says("Transfer-Encoding: chunked")) {
      for (std::string chunk = take_chunk(); !chunk.empty(); chunk = take_chunk())
        response.body += chunk;
    } else {
      response.body = take_rest();
    }
    return response;
  }

  // One chunk of a chunked response; empty: it was the last.
  std::string take_chunk() {
    const std::string line = take_until("\r\n");
    if (line.empty()) return {};
    std::string chunk = take(std::stoul(line, nullptr, 16) + 2);
    chunk.resize(chunk.size() - std::min<std::size_t>(chunk.size(), 2));
    return chunk;
  }

  // Up to and with `mark`; less only when the connection ends first.
  std::string take_until(std::string_view mark) {
    while (buffer_.find(mark) == std::string::npos && read_more()) {
    }
    const std::size_t at = buffer_.find(mark);
    return take(at == std::string::npos ? buffer_.size() : at + mark.size());
  }

  std::string take(std::size_t bytes) {
    while (buffer_.size() < bytes && read_more()) {
    }
    std::string taken = buffer_.substr(0, bytes);
    buffer_.erase(0, bytes);
    return taken;
  }

  std::string take_rest() {
    while (read_more()) {
    }
    return std::exchange(buffer_, {});
  }

  // Whether the server has ended the connection with nothing more to say.
  bool at_end() { return buffer_.empty() && !read_more(); }

  // Whether there is something to take already, if only the end.
  bool readable() const {
    if (!buffer_.empty()) return true;
    pollfd waiting{.fd = fd_.get(), .events = POLLIN, .revents = 0};
    return poll(&waiting, 1, 0) > 0;
  }

  void shutdown_write() { ::shutdown(fd_.get(), SHUT_WR); }

  // Ends the connection by a reset, as a crashed client would.
  void reset() {
    const linger now{.l_onoff = 1, .l_linger = 0};
    setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    fd_.reset();
  }

 protected:
  // Waits for what the server sends next; empty: it has ended the connection.
  std::string_view receive() {
    // A loop's io_uring interrupts the thread that made the loop, and a call with a time limit is
    // not taken up again.
    ssize_t size = 0;
    do {
      size = recv(fd_.get(), room_.data(), room_.size(), 0);
    } while (size < 0 && errno == EINTR);
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
      throw std::runtime_error("the server let the client wait");
    return {room_.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
  }

  // Takes more of what the server says; false: it is over.
  virtual bool read_more() {
    const std::string_view more = receive();
    buffer_.append(more);
    return !more.empty();
  }
  void take_in(std::string_view bytes) { buffer_.append(bytes); }

 private:
  std::vector<char> room_ = std::vector<char>(65'536);
  UniqueFd fd_;
  bool connected_ = false;
  std::string buffer_;
};

}  // namespace durable_streams::server

// Answers have a length or no body: nothing else is asked for here.
#include "tests/crash/client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace durable_streams::crash {

namespace {

constexpr int kPatienceSeconds = 60;

// Cuts `text` at each `mark`; what follows the last one is left in `text`.
void split(std::string& text, std::string_view mark, std::vector<std::string>& out) {
  std::size_t from = 0;
  for (std::size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, from)) {
    out.push_back(text.substr(from, at - from));
    from = at + mark.size();
  }
  text.erase(0, from);
}

// Adds the messages of one page of a JSON stream, which are all texts; false: it is no array of
// them.
bool split_json(std::string_view body, std::vector<std::string>& out) {
  if (body.size() < 2 || body.front() != '[' || body.back() != ']') return false;
  std::string text(body.substr(1, body.size() - 2));
  if (text.empty()) return true;
  const std::size_t first = out.size();
  split(text, ",\n", out);
  out.push_back(std::move(text));
  for (std::size_t i = first; i < out.size(); ++i) {
    std::string& message = out[i];
    if (message.size() < 2 || message.front() != '"' || message.back() != '"') return false;
    message = message.substr(1, message.size() - 2);
  }
  return true;
}

}  // namespace

std::string Answer::field(std::string_view name) const {
  const std::string mark = "\r\n" + std::string(name) + ": ";
  const std::size_t at = head.find(mark);
  if (at == std::string::npos) return {};
  const std::size_t from = at + mark.size();
  return head.substr(from, head.find("\r\n", from) - from);
}

std::string request(std::string_view method, std::string_view path, std::string_view headers,
                    std::string_view body) {
  std::string text = std::string(method) + " /v1/stream/" + std::string(path) +
                     " HTTP/1.1\r\nHost: localhost\r\n" + std::string(headers);
  if (method == "POST" || !body.empty())
    text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  return text + "\r\n" + std::string(body);
}

Client::Client(std::uint16_t port) : port_(port) { connect(); }

void Client::connect() {
  if (socket_ >= 0) ::close(socket_);
  socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  buffer_.clear();
  closed_ = false;
  const timeval patience{.tv_sec = kPatienceSeconds, .tv_usec = 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  const int on = 1;
  ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port_);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  // That it failed shows with the first request.
  (void)::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
}

Client::~Client() { ::close(socket_); }

bool Client::send(std::string_view bytes) {
  if (closed_) connect();
  last_request_ = bytes.substr(0, bytes.find("\r\n"));
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) {
      lost_ = std::string("send: ") + std::strerror(errno);
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

std::optional<Answer> Client::receive(bool has_body) {
  std::size_t head_end = buffer_.find("\r\n\r\n");
  for (; head_end == std::string::npos; head_end = buffer_.find("\r\n\r\n")) {
    if (!read_more()) return std::nullopt;
  }
  Answer answer;
  answer.head = buffer_.substr(0, head_end + 4);
  answer.status = std::atoi(answer.head.c_str() + sizeof("HTTP/1.1"));
  std::size_t body_bytes = 0;
  if (has_body && answer.status != 204 && answer.status != 304)
    body_bytes = std::strtoul(answer.field("Content-Length").c_str(), nullptr, 10);
  while (buffer_.size() < answer.head.size() + body_bytes) {
    if (!read_more()) return std::nullopt;
  }
  answer.body = buffer_.substr(answer.head.size(), body_bytes);
  buffer_.erase(0, answer.head.size() + body_bytes);
  closed_ = answer.field("Connection") == "close";
  return answer;
}

std::optional<Answer> Client::ask(std::string_view bytes, bool has_body) {
  if (!send(bytes)) return std::nullopt;
  return receive(has_body);
}

std::string Client::end() const { return last_request_ + ": " + lost_; }

bool Client::read_more() {
  std::array<char, 65'536> bytes;
  const ssize_t size = ::recv(socket_, bytes.data(), bytes.size(), 0);
  if (size <= 0) {
    lost_ = size == 0 ? "closed by the server" : std::string("receive: ") + std::strerror(errno);
    return false;
  }
  buffer_.append(bytes.data(), static_cast<std::size_t>(size));
  return true;
}

std::optional<WholeStream> read_all(Client& client, std::string_view path, bool json) {
  WholeStream whole;
  std::string offset = "-1";
  std::string rest;
  while (true) {
    std::optional<Answer> page =
        client.ask(request("GET", std::string(path) + "?offset=" + offset));
    if (!page) return std::nullopt;
    whole.status = page->status;
    if (page->status != 200) return whole;
    rest += json ? std::string() : page->body;
    if (json && !split_json(page->body, whole.messages)) whole.broken = "a page is no JSON array";
    if (!json) split(rest, "\n", whole.messages);
    whole.closed = page->field("Stream-Closed") == "true";
    const std::string next = page->field("Stream-Next-Offset");
    whole.tail = next;
    if (whole.closed || page->field("Stream-Up-To-Date") == "true") break;
    if (next == offset) whole.broken = "a page leads nowhere";
    if (!whole.broken.empty()) return whole;
    offset = next;
  }
  if (!rest.empty()) whole.broken = "the last message is cut: " + rest.substr(0, 60);
  return whole;
}

}  // namespace durable_streams::crash

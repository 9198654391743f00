// durable-streams-yardstick: what the kernel alone allows. It answers appends, reads and creates
// with canned responses that are shaped like a real server's, and looks at requests only as far as
// it must to count them.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

constexpr std::size_t kBufferBytes = std::size_t{256} * 1024;
constexpr std::string_view kHeadEnd = "\r\n\r\n";

struct Options {
  std::uint16_t port = 4437;
  std::size_t threads = 1;
  std::size_t head_bytes = 700;   // of every response
  std::size_t body_bytes = 1024;  // of the response to a read
};

// The responses, whole.
struct Canned {
  std::string append;
  std::string read;
  std::string create;
};

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

std::string make_response(std::string_view start, std::size_t head_bytes, std::string_view body) {
  constexpr std::string_view kPadding = "X-Padding: ";
  std::string head(start);
  head +=
      "\r\nStream-Next-Offset: 0000000000000000_0000000000001024\r\nAccess-Control-Allow-Origin: *";
  head += "\r\nX-Content-Type-Options: nosniff\r\nCross-Origin-Resource-Policy: cross-origin\r\n";
  const std::size_t least = head.size() + kPadding.size() + kHeadEnd.size();
  if (head_bytes > least) head.append(kPadding).append(head_bytes - least, 'x').append("\r\n");
  return head.append("\r\n").append(body);
}

Canned make_responses(const Options& options) {
  const std::string body(options.body_bytes, 'x');
  const std::string length = "\r\nContent-Length: " + std::to_string(body.size());
  return {
      .append = make_response("HTTP/1.1 204 No Content", options.head_bytes, {}),
      .read = make_response("HTTP/1.1 200 OK\r\nStream-Up-To-Date: true" + length,
                            options.head_bytes, body),
      .create = make_response("HTTP/1.1 201 Created\r\nContent-Length: 0", options.head_bytes, {})};
}

// One client. The bodies of a connection's appends all have the length of the first: after that
// one, no field is read.
class Connection {
 public:
  Connection(int socket, const Canned& canned) : socket_(socket), canned_(canned) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { ::close(socket_); }

  int socket() const { return socket_; }

  // Answers what has arrived; false when the client is gone.
  bool serve(std::string& buffer);

  // Sends what is due, as far as the socket takes it.
  bool flush();

 private:
  void count_requests(std::string_view bytes);
  void begin_request(std::string_view head);

  int socket_;
  const Canned& canned_;
  std::string part_;              // a head whose end is still to come
  std::size_t append_bytes_ = 0;  // of every append's body, once the first was seen
  bool append_seen_ = false;
  std::size_t body_left_ = 0;
  std::deque<const std::string*> due_;
  std::size_t sent_ = 0;  // of the first that is due
};

bool Connection::serve(std::string& buffer) {
  while (true) {
    const ssize_t received = ::recv(socket_, buffer.data(), buffer.size(), 0);
    if (received < 0) return errno == EAGAIN;
    if (received == 0) return false;
    count_requests(std::string_view(buffer.data(), static_cast<std::size_t>(received)));
    if (!flush()) return false;
    if (static_cast<std::size_t>(received) < buffer.size()) return true;
  }
}

void Connection::count_requests(std::string_view bytes) {
  std::string joined;
  if (!part_.empty()) {
    joined = std::move(part_.append(bytes));
    part_.clear();
    bytes = joined;
  }
  while (!bytes.empty()) {
    const std::size_t body = std::min(body_left_, bytes.size());
    bytes.remove_prefix(body);
    body_left_ -= body;
    if (bytes.empty()) return;
    const std::size_t end = bytes.find(kHeadEnd);
    if (end == std::string_view::npos) {
      part_.assign(bytes);
      return;
    }
    begin_request(bytes.substr(0, end));
    bytes.remove_prefix(end + kHeadEnd.size());
  }
}

void Connection::begin_request(std::string_view head) {
  if (head.starts_with("GET")) {
    due_.push_back(&canned_.read);
  } else if (head.starts_with("PUT")) {
    due_.push_back(&canned_.create);
  } else {
    if (!append_seen_) {
      constexpr std::string_view kLength = "Content-Length: ";
      const std::size_t at = head.find(kLength);
      if (at != std::string_view::npos)
        append_bytes_ = std::strtoul(&head[at + kLength.size()], nullptr, 10);
      append_seen_ = true;
    }
    body_left_ = append_bytes_;
    due_.push_back(&canned_.append);
  }
}

bool Connection::flush() {
  constexpr std::size_t kPiecesMax = 64;
  while (!due_.empty()) {
    std::array<iovec, kPiecesMax> pieces;
    std::size_t count = 0;
    for (std::size_t i = 0; i < std::min(due_.size(), kPiecesMax); ++i) {
      const std::size_t skip = i == 0 ? sent_ : 0;
      pieces[count++] = {const_cast<char*>(due_[i]->data()) + skip, due_[i]->size() - skip};
    }
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = count;
    const ssize_t sent = ::sendmsg(socket_, &message, MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN;
    sent_ += static_cast<std::size_t>(sent);
    while (!due_.empty() && sent_ >= due_.front()->size()) {
      sent_ -= due_.front()->size();
      due_.pop_front();
    }
  }
  return true;
}

int listen_on(std::uint16_t port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener < 0) fail("socket");
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    fail("bind");
  if (::listen(listener, SOMAXCONN) != 0) fail("listen");
  return listener;
}

void run_loop(int epoll) {
  constexpr int kEventsMax = 256;
  std::array<epoll_event, kEventsMax> events;
  std::string buffer(kBufferBytes, '\0');
  while (true) {
    const int count = ::epoll_wait(epoll, events.data(), kEventsMax, -1);
    for (int i = 0; i < count; ++i) {
      auto* connection = static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr);
      if (!connection->flush() || !connection->serve(buffer)) delete connection;
    }
  }
}

// Accepts connections and deals them to the loops in turn.
[[noreturn]] void accept_connections(int listener, const std::vector<int>& epolls,
                                     const Canned& canned) {
  for (std::size_t next = 0;; next = (next + 1) % epolls.size()) {
    const int socket = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket < 0) continue;
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    auto connection = std::make_unique<Connection>(socket, canned);
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLET;
    event.data.ptr = connection.release();
    if (::epoll_ctl(epolls[next], EPOLL_CTL_ADD, socket, &event) != 0) fail("epoll_ctl");
  }
}

Options parse_options(int count, char** arguments) {
  Options options;
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string_view name = arguments[i];
    const std::size_t value = std::strtoul(arguments[i + 1], nullptr, 10);
    if (name == "--port")
      options.port = static_cast<std::uint16_t>(value);
    else if (name == "--threads")
      options.threads = std::max<std::size_t>(value, 1);
    else if (name == "--head-bytes")
      options.head_bytes = value;
    else if (name == "--body-bytes")
      options.body_bytes = value;
    else
      count = 0;
  }
  if (count % 2 == 1) return options;
  std::fputs(
      "usage: durable-streams-yardstick [--port N] [--threads N] [--head-bytes N] [--body-bytes "
      "N]\n",
      stderr);
  std::exit(2);
}

}  // namespace

int main(int count, char** arguments) {
  const Options options = parse_options(count, arguments);
  const Canned canned = make_responses(options);
  const int listener = listen_on(options.port);
  std::vector<int> epolls;
  for (std::size_t i = 0; i < options.threads; ++i) {
    epolls.push_back(::epoll_create1(EPOLL_CLOEXEC));
    if (epolls.back() < 0) fail("epoll_create1");
    std::thread(run_loop, epolls.back()).detach();
  }
  accept_connections(listener, epolls, canned);
}

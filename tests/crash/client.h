// A plain blocking HTTP client that takes a lost connection for an answer of its own: the server
// may be killed at any byte.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace durable_streams::crash {

struct Answer {
  int status = 0;
  std::string head;
  std::string body;

  // The value of a header as the server spells it, or nothing.
  std::string field(std::string_view name) const;
};

std::string request(std::string_view method, std::string_view path, std::string_view headers = {},
                    std::string_view body = {});

// One connection. After nullopt or false there is no more to be had from it. Threads: one at a
// time.
class Client {
 public:
  explicit Client(std::uint16_t port);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  bool send(std::string_view bytes);
  std::optional<Answer> receive(bool has_body = true);
  std::optional<Answer> ask(std::string_view bytes, bool has_body = true);

  // Whether the last answer said that the server ends the connection. What was sent behind its
  // request is lost, and the next request goes over a new one.
  bool was_closed() const { return closed_; }

  // How the connection was lost, and what came last before, for people.
  std::string end() const;

 private:
  void connect();
  bool read_more();

  const std::uint16_t port_;
  int socket_ = -1;
  bool closed_ = false;
  std::string buffer_;
  std::string lost_;
  std::string last_request_;
};

// All of a stream, page by page.
struct WholeStream {
  int status = 0;  // of the first page that was not 200, else 200
  std::vector<std::string> messages;
  bool closed = false;
  std::string tail = {};    // the offset behind the last message
  std::string broken = {};  // not empty: what about the pages makes no sense
};

// nullopt: the connection was lost.
std::optional<WholeStream> read_all(Client& client, std::string_view path, bool json);

}  // namespace durable_streams::crash

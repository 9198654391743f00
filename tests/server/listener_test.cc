// Addresses as people write them, and the sockets that come of them.
#include "server/net/listener.h"

#include <netinet/tcp.h>

#include <chrono>
#include <string>
#include <utility>

#include "server/net/listen_address.h"
#include "tests/server/blocking_client.h"
#include "tests/support/catch.h"

namespace durable_streams::server {
namespace {

ListenAddress address_of(std::string_view text) {
  const Result<ListenAddress> address = parse_listen_address(text);
  CAPTURE(text);
  REQUIRE(address.ok());
  return *address;
}

TEST_CASE("an address is a host and a port, each of which may be left out", "[server][net]") {
  CHECK(address_of(":8787") == ListenAddress{.host = "", .port = 8787});
  CHECK(address_of("localhost:8787") == ListenAddress{.host = "localhost", .port = 8787});
  CHECK(address_of("127.0.0.1:0") == ListenAddress{.host = "127.0.0.1", .port = 0});
  CHECK(address_of("[::1]:4437") == ListenAddress{.host = "::1", .port = 4437});
  CHECK(address_of("[::1]") == ListenAddress{.host = "::1", .port = kDefaultPort});
  CHECK(address_of("8787") == ListenAddress{.host = "localhost", .port = 8787});
  CHECK(address_of("example.org") == ListenAddress{.host = "example.org", .port = kDefaultPort});
  CHECK(address_of("65535") == ListenAddress{.host = "localhost", .port = 65535});
}

TEST_CASE("what is no address is refused by name", "[server][net]") {
  for (const std::string_view text :
       {"", ":", "a:", "a:b", "a:-1", "a:65536", "65536", "::1", "::1:80", "[::1", "[::1]80",
        "a:1 ", "a:+1", "udp/:1", "unix//a"}) {
    CAPTURE(text);
    const Result<ListenAddress> address = parse_listen_address(text);
    REQUIRE_FALSE(address.ok());
    CHECK(address.error().message.starts_with("'" + std::string(text) + "' is no address: "));
  }
}

TEST_CASE("two addresses overlap where one is the other, or every address of its family",
          "[server][net]") {
  const SocketAddress every = SocketAddress::ipv4(INADDR_ANY, 80);
  const SocketAddress loopback = SocketAddress::ipv4(INADDR_LOOPBACK, 80);
  const SocketAddress loopback6 = SocketAddress::ipv6(in6addr_loopback, 80);
  CHECK(loopback.overlaps(loopback));
  CHECK(loopback.overlaps(every));
  CHECK(every.overlaps(loopback));
  CHECK(loopback6.overlaps(loopback6));
  CHECK(SocketAddress::ipv6(in6addr_any, 80).overlaps(loopback6));
  CHECK_FALSE(loopback.overlaps(SocketAddress::ipv4(INADDR_LOOPBACK, 81)));
  CHECK_FALSE(loopback.overlaps(SocketAddress::ipv4(INADDR_LOOPBACK + 1, 80)));
  CHECK_FALSE(loopback6.overlaps(loopback));
  CHECK_FALSE(loopback6.overlaps(every));
}

TEST_CASE("localhost is every loopback that this machine has, on one port", "[server][net]") {
  const Result<std::vector<Listener>> listeners = listen_at({.host = "localhost", .port = 0});
  REQUIRE(listeners.ok());
  REQUIRE_FALSE(listeners->empty());
  for (const Listener& listener : *listeners) {
    CHECK(listener.address.port() == listeners->front().address.port());
    CHECK(BlockingClient(listener.address).connected());
  }
}

TEST_CASE("a port in use is an error that names it and says what to do", "[server][net]") {
  const Result<std::vector<Listener>> first = listen_at({.host = "localhost", .port = 0});
  REQUIRE(first.ok());
  const std::uint16_t port = first->front().address.port();
  for (const std::string_view host : {"localhost", "127.0.0.1", ""}) {
    CAPTURE(host);
    const Result<std::vector<Listener>> second =
        listen_at({.host = std::string(host), .port = port});
    REQUIRE_FALSE(second.ok());
    CHECK(second.error().message.find(std::to_string(port) + " is in use") != std::string::npos);
    CHECK(second.error().message.find("stop that one, or listen elsewhere") != std::string::npos);
  }
}

TEST_CASE("who shares a port has no clients before it begins to listen", "[server][net]") {
  constexpr int kClients = 32;
  const auto first = listen_at({.host = "127.0.0.1", .port = 0});
  REQUIRE(first.ok());
  const ListenAddress address{.host = "127.0.0.1", .port = first->front().address.port()};
  share(first->front(), true);
  const auto second = listen_at(address, Sharing::kShared);
  REQUIRE(second.ok());
  // Of clients that come, how many the listener gets.
  const auto count = [](const Listener& listener) {
    int accepted = 0;
    for (int i = 0; i < kClients; ++i) {
      const BlockingClient client(listener.address);
      if (UniqueFd(accept(listener.socket.get(), nullptr, nullptr))) ++accepted;
    }
    return accepted;
  };
  CHECK(count(first->front()) == kClients);
  REQUIRE(begin_listening(second->front()).ok());
  CHECK(count(second->front()) > 0);
  // Once shared no longer, nobody who does not ask for a share can have it.
  share(first->front(), false);
  share(second->front(), false);
  CHECK_FALSE(listen_at(address).ok());
}

TEST_CASE("every interface takes IPv4 clients, and IPv6 clients where there are any",
          "[server][net]") {
  const Result<std::vector<Listener>> listeners = listen_at({.host = "", .port = 0});
  REQUIRE(listeners.ok());
  const std::uint16_t port = listeners->front().address.port();
  CHECK(BlockingClient(SocketAddress::ipv4(INADDR_LOOPBACK, port)).connected());
  if (listeners->front().address.family() == AF_INET6 &&
      listen_at({.host = "::1", .port = 0}).ok()) {
    CHECK(BlockingClient(SocketAddress::ipv6(in6addr_loopback, port)).connected());
  }
}

TEST_CASE("a host that is not ours is an error", "[server][net]") {
  CHECK_FALSE(listen_at({.host = "192.0.2.1", .port = 0}).ok());
  CHECK_FALSE(listen_at({.host = "no such host", .port = 0}).ok());
}

TEST_CASE("an address is written as people know it", "[server][net]") {
  std::array<char, SocketAddress::kTextBytesMax> room;
  CHECK(SocketAddress::ipv4(INADDR_LOOPBACK, 80).to_string() == "127.0.0.1:80");
  CHECK(SocketAddress::ipv6(in6addr_loopback, 80).to_string() == "[::1]:80");
  in6_addr mapped{};
  REQUIRE(inet_pton(AF_INET6, "::ffff:192.0.2.7", &mapped) == 1);
  CHECK(SocketAddress::ipv6(mapped, 80).host(room) == "192.0.2.7");
  CHECK(SocketAddress().host(room).empty());
}

TEST_CASE("a connection's send buffer is what its listener was told", "[server][net]") {
  Result<std::vector<Listener>> listeners = listen_at({.host = "127.0.0.1", .port = 0});
  REQUIRE(listeners.ok());
  set_send_buffer(listeners->front(), 32'768);
  const BlockingClient client(listeners->front().address.port());
  const UniqueFd accepted(accept(listeners->front().socket.get(), nullptr, nullptr));
  REQUIRE(accepted);
  int bytes = 0;
  socklen_t size = sizeof(bytes);
  REQUIRE(getsockopt(accepted.get(), SOL_SOCKET, SO_SNDBUF, &bytes, &size) == 0);
  CHECK(bytes == 2 * 32'768);
}

#if defined(TCP_USER_TIMEOUT)
TEST_CASE("a connection gives up its peer when its listener was told to", "[server][net]") {
  Result<std::vector<Listener>> listeners = listen_at({.host = "127.0.0.1", .port = 0});
  REQUIRE(listeners.ok());
  set_silence_max(listeners->front(), std::chrono::milliseconds{12'345});
  const BlockingClient client(listeners->front().address.port());
  const UniqueFd accepted(accept(listeners->front().socket.get(), nullptr, nullptr));
  REQUIRE(accepted);
  int ms = 0;
  socklen_t size = sizeof(ms);
  REQUIRE(getsockopt(accepted.get(), IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, &size) == 0);
  CHECK(ms == 12'345);
}
#endif

}  // namespace
}  // namespace durable_streams::server

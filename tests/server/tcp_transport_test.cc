// How connections share the loop that reads them, on real sockets.
#include "server/net/tcp_transport.h"

#include <uv.h>

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "server/net/listener.h"
#include "tests/server/blocking_client.h"
#include "tests/support/catch.h"

namespace durable_streams::server {
namespace {

// Notes who was given how much, in order: "a16 b1 ".
class Reader final : public TransportEvents {
 public:
  Reader(char name, std::string& notes) : name_(name), notes_(notes) {}
  void on_read(std::string_view bytes) override {
    notes_ += name_ + std::to_string(bytes.size()) + " ";
  }
  void on_read_end() override {}
  void on_written() override {}
  void on_broken() override {}

 private:
  char name_;
  std::string& notes_;
};

// A client and the server's end of its connection.
struct Pair {
  BlockingClient client;
  UniqueFd accepted;
};

Pair connected_pair() {
  const Result<std::vector<Listener>> listeners = listen_at({.host = "127.0.0.1", .port = 0});
  REQUIRE(listeners.ok());
  const Listener& listener = listeners->front();
  BlockingClient client(listener.address);
  REQUIRE(client.connected());
  UniqueFd accepted(accept(listener.socket.get(), nullptr, nullptr));
  REQUIRE(accepted);
  return {std::move(client), std::move(accepted)};
}

TEST_CASE("a client that sends much has one buffer of it read in a turn of the loop",
          "[server][net]") {
  uv_loop_t loop;
  REQUIRE(uv_loop_init(&loop) == 0);
  std::array<char, 16> buffer{};
  std::string notes;
  std::array<Pair, 2> pairs{connected_pair(), connected_pair()};
  std::array<Transport*, 2> transports{};
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    pairs[i].client.send(std::string(4 * buffer.size(), 'x'));
    REQUIRE(TcpTransport::adopt(&loop, buffer, pairs[i].accepted.release(), [&](Transport& made) {
      transports[i] = &made;
      return std::make_unique<Reader>(i == 0 ? 'a' : 'b', notes);
    }));
  }
  for (int turn = 0; turn < 4; ++turn) {
    notes.clear();
    uv_run(&loop, UV_RUN_NOWAIT);
    CHECK((notes == "a16 b16 " || notes == "b16 a16 "));
  }
  pairs[0].client.send("x");
  notes.clear();
  while (notes.empty()) uv_run(&loop, UV_RUN_ONCE);
  CHECK(notes == "a1 ");
  for (Transport* const transport : transports) transport->close();
  uv_run(&loop, UV_RUN_DEFAULT);
  CHECK(uv_loop_close(&loop) == 0);
}

}  // namespace
}  // namespace durable_streams::server

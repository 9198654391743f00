// How connections share the loop that reads them, on real sockets.
#include "server/net/tcp_transport.h"

#include <durable_streams/function.h>

#include <poll.h>
#include <uv.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/net/listener.h"
#include "tests/server/blocking_client.h"
#include "tests/support/catch.h"

namespace durable_streams::server {
namespace {

// Notes what it is told, in order: "a16 a. " for 16 bytes and the end of the turn, "a$ " for the
// end of what the client sends.
class Reader final : public TransportEvents {
 public:
  Reader(char name, std::string& notes) : name_(name), notes_(notes) {}
  void on_read(std::string_view bytes) override {
    note(std::to_string(bytes.size()));
    if (on_first_read) std::exchange(on_first_read, nullptr)();
  }
  void on_turn_end() override { note("."); }
  void on_read_end() override { note("$"); }
  void on_written() override {}
  void on_broken() override { note("!"); }

  Function<void()> on_first_read;

 private:
  void note(std::string_view what) { (notes_ += name_).append(what) += ' '; }

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

// Connections on one loop, named from 'a' on, and what was noted of them.
class TcpFixture {
 public:
  TcpFixture(std::size_t connections, std::size_t buffer_bytes) {
    REQUIRE(uv_loop_init(&loop) == 0);
    turn.emplace(&loop, buffer_bytes);
    for (std::size_t i = 0; i < connections; ++i) {
      Pair pair = connected_pair();
      clients.push_back(std::move(pair.client));
      sockets.push_back(pair.accepted.get());
      const bool adopted =
          TcpTransport::adopt(*turn, pair.accepted.release(), [&](Transport& made) {
            auto reader = std::make_unique<Reader>(static_cast<char>('a' + i), notes);
            transports.push_back(&made);
            readers.push_back(reader.get());
            return reader;
          });
      REQUIRE(adopted);
    }
  }

  ~TcpFixture() {
    for (Transport* const transport : transports) {
      if (transport != nullptr) transport->close();
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    turn.reset();
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&loop) == 0);
  }

  TcpFixture(const TcpFixture&) = delete;
  TcpFixture& operator=(const TcpFixture&) = delete;

  // What is noted in one turn, once all have something to read.
  std::string next_turn() {
    for (const int socket : sockets) {
      pollfd readable{.fd = socket, .events = POLLIN, .revents = 0};
      REQUIRE(poll(&readable, 1, 10'000) == 1);
    }
    notes.clear();
    uv_run(&loop, UV_RUN_NOWAIT);
    return notes;
  }

  TcpTransport& tcp(std::size_t at) { return static_cast<TcpTransport&>(*transports[at]); }

  uv_loop_t loop;
  std::optional<ReadTurn> turn;
  std::string notes;
  std::vector<BlockingClient> clients;
  std::vector<int> sockets;            // of the transports
  std::vector<Transport*> transports;  // null: closed
  std::vector<Reader*> readers;
};

constexpr std::size_t kBufferBytes = 16;

// Of notes of three letters each, what was noted, whoever it was: "1" for a read of one byte.
std::string kinds_in(std::string_view notes) {
  std::string kinds;
  for (std::size_t i = 1; i < notes.size(); i += 3) kinds += notes[i];
  return kinds;
}

TEST_CASE("a client that sends much has one buffer of it read in a turn of the loop",
          "[server][net]") {
  TcpFixture f(2, kBufferBytes);
  for (BlockingClient& client : f.clients) client.send(std::string(4 * kBufferBytes, 'x'));
  for (int i = 0; i < 4; ++i) {
    const std::string notes = f.next_turn();
    CHECK((notes == "a16 b16 a. b. " || notes == "b16 a16 b. a. "));
  }
  for (BlockingClient& client : f.clients) client.send("x");
  const std::string notes = f.next_turn();
  CHECK((notes == "a1 b1 a. b. " || notes == "b1 a1 b. a. "));
}

TEST_CASE("what a turn reads is handed on when all have read, and no later than the room is full",
          "[server][net]") {
  constexpr std::size_t kMore = 8;
  TcpFixture f(ReadTurn::kReadsMax + kMore, kBufferBytes);
  for (BlockingClient& client : f.clients) client.send("x");
  const std::string kinds = kinds_in(f.next_turn());
  const std::size_t fits = kBufferBytes + 1;  // reads of one byte each
  CHECK(kinds == std::string(fits, '1') + std::string(fits, '.') + std::string(fits, '1') +
                     std::string(fits, '.') + std::string(f.clients.size() - 2 * fits, '1') +
                     std::string(f.clients.size() - 2 * fits, '.'));
}

TEST_CASE("no more than so many reads wait for each other", "[server][net]") {
  constexpr std::size_t kMore = 8;
  TcpFixture f(ReadTurn::kReadsMax + kMore, 1024);
  for (BlockingClient& client : f.clients) client.send("x");
  const std::string kinds = kinds_in(f.next_turn());
  CHECK(kinds == std::string(ReadTurn::kReadsMax, '1') + std::string(ReadTurn::kReadsMax, '.') +
                     std::string(kMore, '1') + std::string(kMore, '.'));
}

TEST_CASE("what was read is given before what is learnt next", "[server][net]") {
  TcpFixture f(1, kBufferBytes);
  f.clients[0].send("xyz");
  SECTION("that the client sends no more") {
    // With both sides shut the system tells of the bytes and of the end at once.
    f.transports[0]->shutdown();
    f.clients[0].shutdown_write();
    pollfd shut{.fd = f.sockets[0], .events = POLLHUP, .revents = 0};
    while ((shut.revents & POLLHUP) == 0) REQUIRE(poll(&shut, 1, 10'000) == 1);
    CHECK(f.next_turn() == "a3 a. a$ ");
  }
  SECTION("by whoever reads twice in a turn, in order, and once") {
    std::string_view("12").copy(f.turn->buffer().data(), 2);
    f.turn->add(f.tcp(0), 2);
    std::string_view("345").copy(f.turn->buffer().data(), 3);
    f.turn->add(f.tcp(0), 3);
    f.turn->hand_on_first(f.tcp(0));
    CHECK(f.notes == "a2 a3 a. ");
    CHECK(f.next_turn() == "a3 a. ");
  }
}

TEST_CASE("a connection that another's request closes is not given what it read", "[server][net]") {
  TcpFixture f(2, kBufferBytes);
  std::size_t closed = 2;
  for (std::size_t i = 0; i < 2; ++i) {
    f.readers[i]->on_first_read = [&f, &closed, i] {
      closed = 1 - i;
      std::exchange(f.transports[closed], nullptr)->close();
    };
    f.clients[i].send("x");
  }
  for (std::size_t i = 0; i < 2; ++i) {  // as if it had read before, too
    *f.turn->buffer().data() = 'x';
    f.turn->add(f.tcp(i), 1);
  }
  const std::string notes = f.next_turn();
  CHECK(closed == 1);
  CHECK(notes == "a1 a1 a. a. ");
}

}  // namespace
}  // namespace durable_streams::server

// A TLS connection between a client by hand and a transport, over a wire that takes as much as a
// test says.
#pragma once

#include <durable_streams/manual_loop.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/tls/tls_transport.h"
#include "tests/server/tls/test_certificates.h"
#include "tests/server/tls/tls_client.h"
#include "tests/support/catch.h"

namespace durable_streams::server {

// What is below.
class Wire final : public Transport {
 public:
  std::optional<std::size_t> try_write(std::span<const std::string_view> pieces) override {
    REQUIRE_FALSE(closed);
    REQUIRE_FALSE(shut);
    REQUIRE(under_way.empty());
    if (failing) return std::nullopt;
    std::size_t taken = 0;
    for (const std::string_view piece : pieces) {
      const std::size_t size = std::min(piece.size(), window);
      sent.append(piece.substr(0, size));
      window -= size;
      taken += size;
    }
    return taken;
  }
  bool write(std::span<const std::string_view> pieces) override {
    REQUIRE_FALSE(closed);
    REQUIRE(under_way.empty());
    REQUIRE(pieces.size() == 1);
    under_way = pieces.front();
    REQUIRE_FALSE(under_way.empty());
    return !failing;
  }
  std::size_t unwritten() const override { return under_way.size(); }
  void pause_reading() override { reading = false; }
  void resume_reading() override { reading = true; }
  void shutdown() override {
    REQUIRE(under_way.empty());
    shut = true;
  }
  void close() override {
    REQUIRE_FALSE(closed);
    closed = true;
  }

  // The peer takes so many bytes more.
  void accept(std::size_t bytes, TransportEvents& above) {
    window += bytes;
    while (!under_way.empty() && window > 0 && !closed) {
      const std::size_t size = std::min(under_way.size(), window);
      sent.append(under_way.substr(0, size));
      under_way.remove_prefix(size);
      window -= size;
      if (under_way.empty()) above.on_written();
    }
  }

  std::string sent;
  std::string_view under_way;
  std::size_t window = std::string::npos / 2;
  bool failing = false;
  bool reading = true;
  bool shut = false;
  bool closed = false;
};

// What is above.
class Watcher final : public TransportEvents {
 public:
  explicit Watcher(Transport& below) : transport(below) {}
  void on_read(std::string_view bytes) override {
    REQUIRE_FALSE(inside);
    read.append(bytes);
    ++reads;
  }
  void on_turn_end() override { REQUIRE_FALSE(inside); }
  void on_read_end() override {
    REQUIRE_FALSE(inside);
    ++read_ends;
  }
  void on_written() override {
    REQUIRE_FALSE(inside);
    ++writes;
  }
  void on_broken() override {
    REQUIRE_FALSE(inside);
    broken = true;
    transport.close();
  }

  // What calls the transport, to show that no event comes from inside.
  template <class Call>
  auto call(Call call) {
    inside = true;
    auto result = call(transport);
    inside = false;
    return result;
  }

  Transport& transport;
  std::string read;
  int reads = 0;
  int writes = 0;
  int read_ends = 0;
  bool broken = false;
  bool inside = false;
};

class TlsFixture {
 public:
  explicit TlsFixture(std::vector<std::string> names = {"localhost"}) {
    std::vector<Certificate> shown;
    for (const std::string& name : names) shown.push_back(certificates.issue({name}));
    context =
        std::shared_ptr<const TlsContext>(TlsContext::make(std::move(shown), tickets).value());
  }

  void connect(TlsClient::Options options = {}) {
    transport.reset();
    wire = Wire();
    wire_taken = 0;
    transport = std::make_unique<TlsTransport>(
        wire,
        TlsTransport::Place{
            .loop = tls, .context = context, .handshake_timeout = std::chrono::seconds(10)},
        [this](Transport& made) -> std::unique_ptr<TransportEvents> {
          auto events = std::make_unique<Watcher>(made);
          above = events.get();
          return events;
        });
    client = std::make_unique<TlsClient>(options);
  }

  void pass(std::chrono::milliseconds time) {
    loop.advance(time);
    loop.run_until_idle();
  }

  // The server reads `bytes`.
  void receive(std::string_view bytes) {
    const std::string read(bytes);  // gone with this read, so that a view kept too long is noticed
    transport->on_read(read);
    transport->on_turn_end();
  }

  // Lets both talk until neither has anything to say; the server reads `piece` bytes at a time.
  void talk(std::size_t piece = std::string::npos) {
    for (bool more = true; more;) {
      const std::string from_client = client->output();
      for (std::size_t at = 0; at < from_client.size() && !wire.closed; at += piece) {
        receive(from_client.substr(at, piece));
        if (piece == std::string::npos) break;
      }
      const std::string from_server = wire.sent.substr(wire_taken);
      wire_taken = wire.sent.size();
      client->receive(from_server);
      more = !from_client.empty() || !from_server.empty();
    }
  }

  TestCertificates certificates;
  std::chrono::steady_clock::time_point now{};
  TicketKeys tickets{[this] { return now; }};
  std::shared_ptr<const TlsContext> context;
  ManualLoop loop{ManualLoop::Time::kVirtual};
  LoopMetrics metrics;
  TlsLoop tls{loop, metrics};
  Wire wire;
  std::size_t wire_taken = 0;
  std::unique_ptr<TlsTransport> transport;
  std::unique_ptr<TlsClient> client;
  Watcher* above = nullptr;
};

}  // namespace durable_streams::server

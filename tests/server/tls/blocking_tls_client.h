// A client that speaks TLS to a real server, and waits for its answers.
#pragma once

#include <string>
#include <string_view>

#include "tests/server/blocking_client.h"
#include "tests/server/tls/tls_client.h"

namespace durable_streams::server {

class BlockingTlsClient final : public BlockingClient {
 public:
  // Shakes hands at once. What must not happen is thrown.
  explicit BlockingTlsClient(std::uint16_t port, const TlsClient::Options& options = {})
      : BlockingClient(port), tls_(options) {
    while (!tls_.open()) {
      BlockingClient::send(tls_.output());
      const std::string_view more = receive();
      if (more.empty() || tls_.failed())
        throw std::runtime_error("the handshake failed: " + tls_.error());
      tls_.receive(more);
    }
    BlockingClient::send(tls_.output());
  }

  bool send(std::string_view bytes) override {
    tls_.write(bytes);
    return BlockingClient::send(tls_.output());
  }

  const TlsClient& tls() const { return tls_; }

 protected:
  bool read_more() override {
    for (;;) {
      const std::string fresh = tls_.take_received();
      take_in(fresh);
      if (!fresh.empty()) return true;
      if (tls_.ended() || tls_.failed()) return false;
      const std::string_view more = receive();
      if (more.empty()) return false;
      tls_.receive(more);
    }
  }

 private:
  TlsClient tls_;
};

}  // namespace durable_streams::server

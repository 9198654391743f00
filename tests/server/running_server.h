// A server in this process with one endpoint, as its options say.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "server/server.h"
#include "tests/server/blocking_client.h"
#include "tests/support/catch.h"
#include "tests/support/one_endpoint_server.h"

namespace durable_streams::server {

// Runs until the test is over; drained then, if not before.
class RunningServer {
 public:
  explicit RunningServer(const ServerOptions& options = {}, Logger log = {}) {
    Result<std::unique_ptr<Server>> opened = open_server(options, log);
    REQUIRE(opened.ok());
    server_ = std::move(*opened);
    thread_ = std::thread([this] { server_->run(); });
  }
  ~RunningServer() { stop(); }
  RunningServer(const RunningServer&) = delete;
  RunningServer& operator=(const RunningServer&) = delete;

  std::uint16_t port() const { return server_->port(); }
  BlockingClient client() const { return BlockingClient(port()); }
  std::string metrics_text() const { return server_->metrics_text(); }
  std::size_t body_bytes() const { return server_->plan().endpoints.front()->bodies->taken(); }
  void drain() { server_->drain(); }
  void stop() {
    if (!thread_.joinable()) return;
    server_->drain();
    thread_.join();
  }

 private:
  std::unique_ptr<Server> server_;
  std::thread thread_;
};

}  // namespace durable_streams::server

// A server in this process, as a Caddyfile describes it, whose sites listen at ports of their own.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>

#include "server/config/caddyfile/adapter.h"
#include "server/server.h"
#include "tests/server/blocking_client.h"
#include "tests/support/catch.h"

namespace durable_streams::server {

inline Config config_of(std::string caddyfile) {
  Environment environment = [](std::string_view) -> std::optional<std::string> { return {}; };
  Result<Config> config =
      parse_caddyfile({.name = "Caddyfile", .text = std::move(caddyfile)}, environment);
  if (!config) FAIL(config.error().message);
  return std::move(*config);
}

// A port that nobody listened at a moment ago, and that the system gives to no client. No two calls
// of a process get the same one, for a test asks for several before it listens at any; processes go
// through them in orders of their own.
inline std::string free_port() {
  constexpr std::uint32_t kFirst = 10'000;
  constexpr std::uint32_t kCount = 19'997;  // a prime: every step comes by all of them
  static const std::uint32_t step = 1 + std::random_device{}() % (kCount - 1);
  static std::atomic<std::uint32_t> calls = std::random_device{}() % kCount;
  for (;;) {
    const std::uint64_t at = std::uint64_t{calls++} * step % kCount;
    const auto port = static_cast<std::uint16_t>(kFirst + at);
    if (listen_at({.host = "127.0.0.1", .port = port}).ok()) return std::to_string(port);
  }
}

// Runs until the test is over; drained then, if not before.
class ConfiguredServer {
 public:
  using MakeLogger = std::function<Logger(const LogConfig&)>;

  explicit ConfiguredServer(std::string caddyfile, Logger log = {})
      : ConfiguredServer(std::move(caddyfile), [log](const LogConfig&) { return log; }) {}

  ConfiguredServer(std::string caddyfile, MakeLogger make_logger) {
    ServerContext context;
    context.make_logger = std::move(make_logger);
    context.defaults.file_store.catalog_bytes_max = std::uint64_t{64} << 20;
    context.defaults.file_store.segment_bytes = std::uint64_t{1} << 20;
    context.defaults.file_store.reserve_bytes = 0;
    Result<std::unique_ptr<Server>> opened =
        Server::open(config_of(std::move(caddyfile)), std::move(context));
    if (!opened) FAIL(opened.error().message);
    server_ = std::move(*opened);
    thread_ = std::thread([this] { server_->run(); });
  }
  ~ConfiguredServer() { stop(); }
  ConfiguredServer(const ConfiguredServer&) = delete;
  ConfiguredServer& operator=(const ConfiguredServer&) = delete;

  Server& server() { return *server_; }
  void drain() { server_->drain(); }
  void stop() {
    if (!thread_.joinable()) return;
    server_->drain();
    thread_.join();
  }

  // Waits for the outcome.
  Status reload(std::string caddyfile) {
    return reload([config = config_of(std::move(caddyfile))]() mutable -> Result<Config> {
      return std::move(config);
    });
  }
  Status reload(Function<Result<Config>()> read) {
    std::mutex mutex;
    std::condition_variable told;
    std::optional<Status> outcome;
    server_->reload(std::move(read), [&](Status done) {
      const std::lock_guard lock(mutex);
      outcome = std::move(done);
      told.notify_one();
    });
    std::unique_lock lock(mutex);
    REQUIRE(told.wait_for(lock, std::chrono::seconds(BlockingClient::kPatienceSeconds),
                          [&] { return outcome.has_value(); }));
    return *outcome;
  }

 private:
  std::unique_ptr<Server> server_;
  std::thread thread_;
};

inline BlockingClient client_at(const std::string& port) {
  return BlockingClient(static_cast<std::uint16_t>(std::stoi(port)));
}

}  // namespace durable_streams::server

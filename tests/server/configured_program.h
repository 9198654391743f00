// The server's program with a Caddyfile, and maybe a durable store, in a directory of its own.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <fstream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/server/configured_server.h"
#include "tests/server/program.h"
#include "tests/support/temporary_directory.h"

namespace durable_streams::server {

// Serves streams under /s/ from its first breath on; its port outlives a restart. Threads: one at a
// time.
class ConfiguredProgram {
 public:
  // What `servers` and `durable_streams` have in their blocks. `data_dir data` makes it durable.
  ConfiguredProgram(std::string_view servers, std::string_view endpoint) : port_(free_port()) {
    std::ofstream(directory_.path() + "/Caddyfile")
        << "{\n\tadmin off\n\tservers {\n"
        << servers << "\n\t}\n}\n127.0.0.1:" << port_ << " {\n\tdurable_streams /s/* {\n"
        << endpoint << "\n\t}\n}\n";
    start();
  }

  void start() {
    program_.emplace(std::vector<std::string>{"run", "--config", "Caddyfile"}, std::nullopt,
                     directory_.path());
    program_->read_until("serving streams");
  }

  Program& program() { return *program_; }
  const std::string& port() const { return port_; }
  BlockingClient client() const { return client_at(port_); }

  // Of BlockingClient's constructor.
  BlockingClient slow_client(int receive_buffer_bytes) const {
    return BlockingClient(static_cast<std::uint16_t>(std::stoi(port_)), receive_buffer_bytes);
  }

 private:
  const TemporaryDirectory directory_;
  const std::string port_;
  std::optional<Program> program_;
};

}  // namespace durable_streams::server

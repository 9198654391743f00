// The server as a process of its own, to be killed.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace durable_streams::crash {

// What a server says when it is ready.
struct Opened {
  std::uint16_t port = 0;
  bool clean = false;
  std::uint64_t replayed = 0;
  std::uint64_t torn_bytes = 0;
};

// One run of the server. Threads: one at a time.
class KillableServer {
 public:
  KillableServer(const std::string& directory, const std::string& durability);
  ~KillableServer();
  KillableServer(const KillableServer&) = delete;
  KillableServer& operator=(const KillableServer&) = delete;

  // Waits until it serves; nullopt: it ended instead, or says nothing for a minute.
  std::optional<Opened> await();

  // SIGKILL, and waits for its end. False: it had ended by itself, as `end()` says.
  bool kill();

  // SIGTERM, and waits for its end. True: it exited with status 0.
  bool stop();

  // How it ended, in words.
  const std::string& end() const { return end_; }

 private:
  bool read_line(std::string& line, std::chrono::milliseconds patience);
  int wait();

  pid_t pid_ = -1;
  int output_ = -1;
  std::string text_;
  std::string end_;
};

}  // namespace durable_streams::crash

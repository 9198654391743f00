// The server's program, started as a shell starts it.
#pragma once

#include <poll.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/net/unique_fd.h"
#include "tests/server/blocking_client.h"
#include "tests/support/catch.h"

namespace durable_streams::server {

// A run of the program, with its standard output and error in one pipe.
class Program {
 public:
  explicit Program(std::vector<std::string> arguments,
                   std::optional<rlim_t> open_files_max = std::nullopt,
                   const std::string& working_directory = {}) {
    std::array<int, 2> pipe_ends{};
    REQUIRE(pipe(pipe_ends.data()) == 0);
    output_.reset(pipe_ends[0]);
    arguments.insert(arguments.begin(), DURABLE_STREAMS_SERVER_PATH);
    if (open_files_max) {
      const std::string limit = std::to_string(*open_files_max);
      arguments.insert(arguments.begin(), {"prlimit", "--nofile=" + limit + ":" + limit});
    }
    if (!working_directory.empty())
      arguments.insert(arguments.begin(), {"env", "-C", working_directory});
    std::vector<char*> argv(arguments.size() + 1);  // the last stays null
    std::transform(arguments.begin(), arguments.end(), argv.begin(),
                   [](std::string& argument) { return argument.data(); });
    // Not fork(): a sanitizer cannot follow that out of a process with threads.
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDERR_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    const int failure = posix_spawnp(&pid_, argv[0], &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    close(pipe_ends[1]);
    REQUIRE(failure == 0);
  }

  ~Program() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      wait();
    }
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  pid_t pid() const { return pid_; }

  void signal(int number) { kill(pid_, number); }

  void limit_open_files(rlim_t count) {
    const rlimit limit{.rlim_cur = count, .rlim_max = count};
    REQUIRE(prlimit(pid_, RLIMIT_NOFILE, &limit, nullptr) == 0);
  }

  // The exit status as a shell gives it, once the program has closed its output, which it must in
  // time.
  int wait() {
    read_all();
    int status = 0;
    REQUIRE(waitpid(pid_, &status, 0) == pid_);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  // All output up to and with `mark`, or to the end.
  std::string read_until(std::string_view mark) {
    while (text_.find(mark) == std::string::npos) {
      pollfd readable{.fd = output_.get(), .events = POLLIN, .revents = 0};
      if (poll(&readable, 1, BlockingClient::kPatienceSeconds * 1000) != 1)
        FAIL("the program says nothing");
      std::array<char, 4096> bytes{};
      const ssize_t size = read(output_.get(), bytes.data(), bytes.size());
      if (size <= 0) break;
      text_.append(bytes.data(), static_cast<std::size_t>(size));
    }
    return text_;
  }

  std::string read_all() { return read_until("\x01"); }

  // Of a server that has just been started.
  std::uint16_t port() {
    const std::string greeting = read_until("Ctrl-C stops it.\n");
    const std::size_t at = greeting.find("listening  http://127.0.0.1:");
    REQUIRE(at != std::string::npos);
    return static_cast<std::uint16_t>(std::stoi(greeting.substr(at + 28)));
  }

 private:
  pid_t pid_ = -1;
  UniqueFd output_;
  std::string text_;
};

}  // namespace durable_streams::server

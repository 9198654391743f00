// Its standard output comes through a pipe; what it has to say to people goes to our standard
// error.
#include "tests/crash/killable_server.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <sstream>
#include <stdexcept>

namespace durable_streams::crash {

KillableServer::KillableServer(const std::string& directory, const std::string& durability) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("no process");
  if (pid_ == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    ::execl(DURABLE_STREAMS_CRASH_SERVER_PATH, "crash_server", directory.c_str(),
            durability.c_str(), static_cast<char*>(nullptr));
    ::_exit(127);
  }
  ::close(ends[1]);
  output_ = ends[0];
}

KillableServer::~KillableServer() {
  kill();
  ::close(output_);
}

std::optional<Opened> KillableServer::await() {
  std::string line;
  if (!read_line(line, std::chrono::minutes(1))) return std::nullopt;
  std::istringstream words(line);
  std::string word;
  Opened opened;
  if (!(words >> word >> opened.port >> opened.clean >> opened.replayed >> opened.torn_bytes))
    return std::nullopt;
  return opened;
}

bool KillableServer::kill() {
  if (pid_ < 0) return false;
  ::kill(pid_, SIGKILL);
  const int status = wait();
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

bool KillableServer::stop() {
  if (pid_ < 0) return false;
  ::kill(pid_, SIGTERM);
  const int status = wait();
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int KillableServer::wait() {
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  end_ = WIFEXITED(status) ? "it exited with " + std::to_string(WEXITSTATUS(status))
                           : "signal " + std::to_string(WTERMSIG(status)) + " ended it";
  return status;
}

bool KillableServer::read_line(std::string& line, std::chrono::milliseconds patience) {
  while (text_.find('\n') == std::string::npos) {
    pollfd readable{.fd = output_, .events = POLLIN, .revents = 0};
    if (::poll(&readable, 1, static_cast<int>(patience.count())) != 1) return false;
    std::array<char, 4096> bytes{};
    const ssize_t size = ::read(output_, bytes.data(), bytes.size());
    if (size <= 0) return false;
    text_.append(bytes.data(), static_cast<std::size_t>(size));
  }
  const std::size_t end = text_.find('\n');
  line = text_.substr(0, end);
  text_.erase(0, end + 1);
  return true;
}

}  // namespace durable_streams::crash

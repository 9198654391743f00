// The thread asks whether there is room before each write, so that it can always be ended: a write
// no longer than PIPE_BUF does not block then, also on a descriptor that blocks.
#include "server/log/log_writer.h"

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <utility>

namespace durable_streams::server {
namespace {

constexpr std::size_t kPieceBytesMax = PIPE_BUF;
constexpr int kPollMs = 100;

// Whole lines as far as a piece holds them; of a longer line its next part.
std::string_view next_piece(std::string_view lines) {
  if (lines.size() <= kPieceBytesMax) return lines;
  const std::size_t line_end = lines.rfind('\n', kPieceBytesMax - 1);
  return lines.substr(0, line_end == std::string_view::npos ? kPieceBytesMax : line_end + 1);
}

std::uint64_t lines_in(std::string_view text) {
  return static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
}

// Signals are for the loops; SIGPIPE would end a process that left it as it is.
template <class Body>
std::thread start_without_signals(Body body) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread(std::move(body));
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace

LogWriter::LogWriter(int fd, std::size_t queued_bytes_max, std::chrono::milliseconds patience)
    : fd_(fd),
      queued_bytes_max_(queued_bytes_max),
      patience_(patience),
      thread_(start_without_signals([this] { run(); })) {}

LogWriter::~LogWriter() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  filled_.notify_one();
  thread_.join();
}

std::uint64_t LogWriter::write(std::string_view line) {
  const std::lock_guard lock(mutex_);
  if (queued_.size() + in_hand_ + line.size() > queued_bytes_max_) {
    const std::uint64_t lines = lines_in(line);
    untold_ += lines;
    lost_.fetch_add(lines, std::memory_order_relaxed);
    return 0;
  }
  const bool was_empty = queued_.empty();
  queued_ += line;
  if (was_empty) filled_.notify_one();
  return std::exchange(untold_, 0);
}

void LogWriter::flush(std::chrono::milliseconds wait_max) {
  std::unique_lock lock(mutex_);
  emptied_.wait_for(lock, wait_max, [this] { return queued_.empty() && in_hand_ == 0; });
}

void LogWriter::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    filled_.wait(lock, [this] { return !queued_.empty() || stopping_; });
    if (queued_.empty()) return;
    const std::string lines = std::exchange(queued_, {});
    in_hand_ = lines.size();
    lock.unlock();
    const bool written = write_all(lines);
    lock.lock();
    in_hand_ = 0;
    emptied_.notify_all();
    if (!written && stopping_) return;
  }
}

// False: not all could be written, and what is left is lost.
bool LogWriter::write_all(std::string_view lines) {
  while (!lines.empty()) {
    if (!wait_for_room()) break;
    const std::string_view piece = next_piece(lines);
    const ssize_t written = ::write(fd_, piece.data(), piece.size());
    if (written >= 0) {
      lines.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK) {
      break;  // nobody will ever read it
    }
  }
  lost_.fetch_add(lines_in(lines), std::memory_order_relaxed);
  return lines.empty();
}

// False: the process ends, and nobody reads.
bool LogWriter::wait_for_room() {
  std::chrono::milliseconds waited{0};
  while (true) {
    pollfd room{.fd = fd_, .events = POLLOUT, .revents = 0};
    const int ready = poll(&room, 1, kPollMs);
    if (ready > 0 || (ready < 0 && errno != EINTR)) return true;  // an error is write()'s to tell
    if (!stopping_) continue;
    waited += std::chrono::milliseconds(kPollMs);
    if (waited >= patience_) return false;
  }
}

}  // namespace durable_streams::server

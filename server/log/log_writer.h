// Writes lines to a descriptor from a thread of its own, because whoever reads the other end may
// stop reading, and no event loop shall ever wait for that.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "server/log/log_sink.h"

namespace durable_streams::server {

// A line costs its caller a copy under a lock that is held for nothing else. What is queued is
// bounded: lines that do not fit are lost, counted, and told of when there is room again. Lines
// leave in order, by one write(2) for as many whole ones as a pipe takes in one piece, so that
// other processes' lines do not come between; a line longer than that leaves in several. When the
// process aborts, what was logged in the last moment may not have been written. Threads: any.
class LogWriter final : public LogSink {
 public:
  static constexpr std::size_t kQueuedBytesMax = std::size_t{1} << 20;

  // At its end it writes what is queued, as long as that gets on within this time.
  static constexpr std::chrono::milliseconds kPatience{1'000};

  // Borrows the descriptor, blocking or not.
  explicit LogWriter(int fd, std::size_t queued_bytes_max = kQueuedBytesMax,
                     std::chrono::milliseconds patience = kPatience);
  ~LogWriter() override;
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  std::uint64_t write(std::string_view line) override;

  // Waits until all that was taken has been written, or lost, at the most so long.
  void flush(std::chrono::milliseconds wait_max = kPatience);

  // Lines lost since it was made.
  std::uint64_t lost() const { return lost_.load(std::memory_order_relaxed); }

 private:
  void run();
  bool write_all(std::string_view lines);
  bool wait_for_room();

  const int fd_;
  const std::size_t queued_bytes_max_;
  const std::chrono::milliseconds patience_;
  std::atomic<std::uint64_t> lost_{0};
  std::atomic<bool> stopping_{false};

  std::mutex mutex_;  // guards what follows
  std::condition_variable filled_;
  std::condition_variable emptied_;
  std::string queued_;
  std::size_t in_hand_ = 0;  // bytes that the thread writes now
  std::uint64_t untold_ = 0;

  std::thread thread_;
};

}  // namespace durable_streams::server

// The outputs that a process has for its logs, one writer for each.
#pragma once

#include <durable_streams/clock.h>

#include <cstdint>
#include <mutex>
#include <optional>

#include "server/config/config.h"
#include "server/log/log_writer.h"
#include "server/log/logger.h"

namespace durable_streams::server {

// Outlives every logger that it makes. Threads: any.
class LogOutputs {
 public:
  // Borrows the descriptors. What is logged has the times of `clock`, which outlives it.
  explicit LogOutputs(const Clock& clock, int stdout_fd = 1, int stderr_fd = 2)
      : clock_(clock), stdout_fd_(stdout_fd), stderr_fd_(stderr_fd) {}
  LogOutputs(const LogOutputs&) = delete;
  LogOutputs& operator=(const LogOutputs&) = delete;

  // With the defaults that LogConfig states; one to be discarded says nothing, at no cost.
  Logger make_logger(const LogConfig& config);

  // Waits until what was logged has been written, but not for ever. For who ends the process
  // without destroying this.
  void flush();

  // Lines lost because nobody read them, of all outputs together.
  std::uint64_t lost() const;

 private:
  LogWriter& writer(LogOutput output);

  const Clock& clock_;
  const int stdout_fd_;
  const int stderr_fd_;
  mutable std::mutex mutex_;  // guards what follows
  std::optional<LogWriter> stdout_;
  std::optional<LogWriter> stderr_;
};

}  // namespace durable_streams::server

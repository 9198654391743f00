// A writer, with its thread, is made when the first logger wants it.
#include "server/log/log_outputs.h"

#include <unistd.h>

namespace durable_streams::server {

Logger LogOutputs::make_logger(const LogConfig& config) {
  const LogOutput output = config.output.value_or(LogOutput::kStderr);
  if (output == LogOutput::kDiscard) return {};
  const int fd = output == LogOutput::kStdout ? stdout_fd_ : stderr_fd_;
  const LogFormat by_itself = isatty(fd) != 0 ? LogFormat::kConsole : LogFormat::kJson;
  return {writer(output), config.format.value_or(by_itself), config.level.value_or(LogLevel::kInfo),
          clock_};
}

LogWriter& LogOutputs::writer(LogOutput output) {
  const std::lock_guard lock(mutex_);
  const bool to_stdout = output == LogOutput::kStdout;
  std::optional<LogWriter>& writer = to_stdout ? stdout_ : stderr_;
  if (!writer) writer.emplace(to_stdout ? stdout_fd_ : stderr_fd_);
  return *writer;
}

void LogOutputs::flush() {
  const std::lock_guard lock(mutex_);
  for (std::optional<LogWriter>* writer : {&stdout_, &stderr_}) {
    if (*writer) (*writer)->flush();
  }
}

std::uint64_t LogOutputs::lost() const {
  const std::lock_guard lock(mutex_);
  return (stdout_ ? stdout_->lost() : 0) + (stderr_ ? stderr_->lost() : 0);
}

}  // namespace durable_streams::server

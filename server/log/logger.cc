// A line is made by the thread that says it, and handed to the sink in one piece.
#include "server/log/logger.h"

#include <vector>

namespace durable_streams::server {

void Logger::log(LogLevel level, std::string_view message, std::span<const LogField> fields) const {
  if (!says(level)) return;
  const WallTime now = clock_->now();
  const std::uint64_t lost = sink_->write(render_log_line(
      format_, {.time = now, .level = level, .message = message, .fields = fields}));
  if (lost == 0) return;
  const LogField lines[] = {{"lines", lost}};
  sink_->write(
      render_log_line(format_, {.time = now,
                                .level = LogLevel::kWarn,
                                .message = "lines before the last were lost: they were not read as "
                                           "fast as they came",
                                .fields = lines}));
}

void Logger::debug(std::string_view message, Fields fields) const {
  log(LogLevel::kDebug, message, fields);
}

void Logger::info(std::string_view message, Fields fields) const {
  log(LogLevel::kInfo, message, fields);
}

void Logger::warn(std::string_view message, Fields fields) const {
  log(LogLevel::kWarn, message, fields);
}

void Logger::error(std::string_view message, Fields fields) const {
  log(LogLevel::kError, message, fields);
}

void Logger::complain(Complaint& complaint, std::chrono::milliseconds now, LogLevel level,
                      std::string_view message, Fields fields) const {
  if (!says(level)) return;
  const std::uint64_t times = complaint.again(now);
  if (times == 0) return;
  std::vector<LogField> all(fields);
  if (times > 1) all.emplace_back("times", times);
  log(level, message, all);
}

}  // namespace durable_streams::server

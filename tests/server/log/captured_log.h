// A log that a test reads.
#pragma once

#include <durable_streams/clock.h>

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/log/logger.h"

namespace durable_streams::server {

// Keeps its lines, without their line feeds. Threads: any, but `lines`.
class CapturedLog final : public LogSink {
 public:
  explicit CapturedLog(LogFormat format = LogFormat::kConsole, LogLevel least = LogLevel::kDebug)
      : format_(format), least_(least) {}

  std::uint64_t write(std::string_view line) override {
    const std::lock_guard lock(mutex_);
    lines.emplace_back(line.substr(0, line.size() - 1));
    return std::exchange(lost, 0);
  }

  Logger logger() { return {*this, format_, least_, clock}; }

  std::vector<std::string> lines;
  std::uint64_t lost = 0;
  ManualClock clock{WallTime{std::chrono::milliseconds{1'795'432'500'123}}};  // 2026-11-23T11:15

 private:
  const LogFormat format_;
  const LogLevel least_;
  std::mutex mutex_;
};

}  // namespace durable_streams::server

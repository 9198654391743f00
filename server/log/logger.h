// What the server tells its operator: lines with a time, a level, a message and fields.
#pragma once

#include <durable_streams/clock.h>

#include <chrono>
#include <initializer_list>
#include <span>
#include <string_view>

#include "server/config/config.h"
#include "server/log/log_line.h"
#include "server/log/log_sink.h"
#include "server/net/complaint.h"

namespace durable_streams::server {

// A handle, copied freely; the sink and the clock outlive all copies. It never waits, and what is
// said by one thread stays in order. No value of it is a body or a header of a request, but for the
// user agent of AccessLog. Threads: any.
class Logger {
 public:
  using Fields = std::initializer_list<LogField>;

  // Says nothing.
  Logger() = default;

  // Says what is of level `least` or more.
  Logger(LogSink& sink, LogFormat format, LogLevel least, const Clock& clock)
      : sink_(&sink), clock_(&clock), format_(format), least_(least) {}

  bool says(LogLevel level) const { return sink_ != nullptr && level >= least_; }

  void log(LogLevel level, std::string_view message, std::span<const LogField> fields) const;
  void debug(std::string_view message, Fields fields = {}) const;
  void info(std::string_view message, Fields fields = {}) const;
  void warn(std::string_view message, Fields fields = {}) const;
  void error(std::string_view message, Fields fields = {}) const;

  // Something that goes wrong again and again: said as `complaint` allows, with the field `times`
  // where it stands for several. `now` is of a clock that never goes back.
  void complain(Complaint& complaint, std::chrono::milliseconds now, LogLevel level,
                std::string_view message, Fields fields = {}) const;

 private:
  LogSink* sink_ = nullptr;
  const Clock* clock_ = nullptr;
  LogFormat format_ = LogFormat::kConsole;
  LogLevel least_ = LogLevel::kInfo;
};

}  // namespace durable_streams::server

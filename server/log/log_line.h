// How a line of the log is written, for people and for programs.
#pragma once

#include <durable_streams/clock.h>

#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "server/config/config.h"

namespace durable_streams::server {

// Something that a line says besides its message. The name is a literal of letters and
// underscores; the value may hold any bytes, and is borrowed.
struct LogField {
  using Value = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool>;

  LogField(std::string_view field, std::string_view text) : name(field), value(text) {}
  LogField(std::string_view field, const char* text) : name(field), value(std::string_view(text)) {}
  LogField(std::string_view field, const std::string& text)
      : name(field), value(std::string_view(text)) {}
  LogField(std::string_view field, bool flag) : name(field), value(flag) {}
  LogField(std::string_view field, double number) : name(field), value(number) {}
  template <std::signed_integral Number>
  LogField(std::string_view field, Number number) : name(field), value(std::int64_t{number}) {}
  template <std::unsigned_integral Number>
  LogField(std::string_view field, Number number) : name(field), value(std::uint64_t{number}) {}

  std::string_view name;
  Value value;
};

struct LogLine {
  WallTime time;
  LogLevel level = LogLevel::kInfo;
  std::string_view message;
  std::span<const LogField> fields;
};

// One line with its line feed, whatever bytes the message and the values hold. kConsole:
// `2026-11-23T11:15:00.123Z INFO message key=value`; a value with anything in it that could be
// mistaken stands in quotes, and what does not show, or is no UTF-8, as an escape. kJson: one
// object, in which what is no UTF-8 is U+FFFD.
std::string render_log_line(LogFormat format, const LogLine& line);

// `debug`, `info`, `warn`, `error`.
std::string_view name_of(LogLevel level);

}  // namespace durable_streams::server

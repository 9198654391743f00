// Escaping is by character and not by byte, so that no control character hides behind a code of
// several bytes.
#include "server/log/log_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "server/log/utf8.h"

namespace durable_streams::server {
namespace {

auto to_end(std::string& text) { return std::back_inserter(text); }

void put_time(WallTime time, std::string& to) {
  using std::chrono::floor;
  const auto day = floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  fmt::format_to(to_end(to), "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
                 static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                 static_cast<unsigned>(date.day()), clock.hours().count(), clock.minutes().count(),
                 clock.seconds().count(), clock.subseconds().count());
}

// What console text has instead of a character that cannot stand there.
void put_escaped(const Character& character, std::string& to) {
  switch (character.code) {
    case '\n':
      to += "\\n";
      return;
    case '\r':
      to += "\\r";
      return;
    case '\t':
      to += "\\t";
      return;
    default:
      break;
  }
  const auto code = static_cast<std::uint32_t>(character.code);
  if (code < 0x80 || !character.valid) {
    fmt::format_to(to_end(to), "\\x{:02x}", code);
  } else {
    fmt::format_to(to_end(to), "\\u{:04x}", code);
  }
}

// `marks`: characters that get a backslash before them.
void put_text(std::string_view text, std::string_view marks, std::string& to) {
  while (!text.empty()) {
    const Character character = first_character(text);
    if (!character.valid || !is_shown(character.code)) {
      put_escaped(character, to);
    } else {
      if (marks.find(text.front()) != std::string_view::npos) to += '\\';
      to += text.substr(0, character.bytes);
    }
    text.remove_prefix(character.bytes);
  }
}

bool stands_bare(std::string_view text) {
  if (text.empty()) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && c < 0x7f && c != '"' && c != '=' && c != '\\';
  });
}

void put_console_value(std::string_view text, std::string& to) {
  if (stands_bare(text)) {
    to += text;
    return;
  }
  to += '"';
  put_text(text, "\"\\", to);
  to += '"';
}

void put_json_string(std::string_view text, std::string& to) {
  to += '"';
  while (!text.empty()) {
    const Character character = first_character(text);
    const auto code = static_cast<std::uint32_t>(character.code);
    if (!character.valid) {
      to += "\\ufffd";
    } else if (code == '"' || code == '\\') {
      to += '\\';
      to += text.front();
    } else if (!is_shown(character.code)) {
      fmt::format_to(to_end(to), "\\u{:04x}", code);
    } else {
      to += text.substr(0, character.bytes);
    }
    text.remove_prefix(character.bytes);
  }
  to += '"';
}

void put_value(LogFormat format, const LogField::Value& value, std::string& to) {
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    if (format == LogFormat::kJson) return put_json_string(*text, to);
    return put_console_value(*text, to);
  }
  if (const auto* number = std::get_if<double>(&value);
      number != nullptr && !std::isfinite(*number))
    to += format == LogFormat::kJson ? "null" : "nan";
  else
    std::visit([&](const auto& plain) { fmt::format_to(to_end(to), "{}", plain); }, value);
}

std::string_view capitals_of(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "DEBUG";
    case LogLevel::kInfo:
      return "INFO";
    case LogLevel::kWarn:
      return "WARN";
    case LogLevel::kError:
      break;
  }
  return "ERROR";
}

std::string render_console(const LogLine& line) {
  std::string text;
  put_time(line.time, text);
  text += ' ';
  text += capitals_of(line.level);
  text += ' ';
  put_text(line.message, {}, text);
  for (const LogField& field : line.fields) {
    text += ' ';
    text += field.name;
    text += '=';
    put_value(LogFormat::kConsole, field.value, text);
  }
  text += '\n';
  return text;
}

std::string render_json(const LogLine& line) {
  std::string text = R"({"time":")";
  put_time(line.time, text);
  text += R"(","level":")";
  text += name_of(line.level);
  text += R"(","message":)";
  put_json_string(line.message, text);
  for (const LogField& field : line.fields) {
    text += ",\"";
    text += field.name;
    text += "\":";
    put_value(LogFormat::kJson, field.value, text);
  }
  text += "}\n";
  return text;
}

}  // namespace

std::string render_log_line(LogFormat format, const LogLine& line) {
  return format == LogFormat::kJson ? render_json(line) : render_console(line);
}

std::string_view name_of(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarn:
      return "warn";
    case LogLevel::kError:
      break;
  }
  return "error";
}

}  // namespace durable_streams::server

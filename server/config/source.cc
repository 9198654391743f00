// The mark stands below what it marks also where tabs precede it: they are repeated.
#include "server/config/source.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

namespace durable_streams::server {
namespace {

std::string_view line_of(std::string_view text, std::size_t line) {
  for (; line > 1; --line) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  std::string_view found = text.substr(0, text.find('\n'));
  if (found.ends_with('\r')) found.remove_suffix(1);
  return found;
}

}  // namespace

Environment process_environment() {
  return [](std::string_view name) -> std::optional<std::string> {
    const char* const value = std::getenv(std::string(name).c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
}

Error error_at(const ConfigSource& source, Position position, std::string_view message) {
  const std::string_view line = line_of(source.text, position.line);
  std::string mark;
  for (const char c : line.substr(0, std::min(line.size(), position.column - 1)))
    mark += c == '\t' ? '\t' : ' ';
  const std::size_t left = line.size() - std::min(line.size(), position.column - 1);
  const std::size_t tail = std::min(std::max<std::size_t>(position.size, 1), left);
  mark += '^';
  if (tail > 1) mark.append(tail - 1, '~');
  return {ErrorCode::kInvalidArgument,
          fmt::format("{}:{}:{}: {}\n{:>5} | {}\n      | {}", source.name, position.line,
                      position.column, message, position.line, line, mark),
          {}};
}

}  // namespace durable_streams::server

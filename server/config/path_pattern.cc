// A pattern is a prefix that ends with a slash, or one path.
#include "server/config/path_pattern.h"

#include <fmt/format.h>

namespace durable_streams::server {
namespace {

bool segments_are_plain(std::string_view path) {
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    const std::string_view segment = path.substr(0, path.find('/'));
    path.remove_prefix(segment.size());
    if (segment == "." || segment == ".." || (segment.empty() && !path.empty())) return false;
  }
  return true;
}

}  // namespace

Status check_path_pattern(std::string_view pattern) {
  const auto invalid = [&](std::string_view why) {
    return Error{ErrorCode::kInvalidArgument, fmt::format("'{}' {}", pattern, why), {}};
  };
  if (pattern == kAnyPath) return {};
  if (!pattern.starts_with('/')) return invalid("is no path: write /exact, /prefix/* or *");
  std::string_view fixed = pattern;
  if (fixed.ends_with("/*")) fixed.remove_suffix(1);
  if (fixed.find('*') != std::string_view::npos)
    return invalid("has a * that stands for more than all below a path: write /prefix/*");
  if (fixed.find('%') != std::string_view::npos)
    return invalid("is percent-encoded: write the path as it is");
  for (const char c : fixed) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F || c == '?' || c == '#')
      return invalid("holds a character that no path has");
  }
  if (!segments_are_plain(fixed)) return invalid("has an empty segment, or one that is . or ..");
  return {};
}

std::string_view prefix_of(std::string_view pattern) {
  if (pattern == kAnyPath) return "/";
  if (!pattern.ends_with("/*")) return {};
  return pattern.substr(0, pattern.size() - 1);
}

bool matches(std::string_view pattern, std::string_view path) {
  if (pattern == kAnyPath) return true;
  const std::string_view prefix = prefix_of(pattern);
  return prefix.empty() ? path == pattern : path.starts_with(prefix);
}

bool covers(std::string_view outer, std::string_view inner) {
  if (outer == kAnyPath) return true;
  if (inner == kAnyPath) return prefix_of(outer) == "/";
  const std::string_view prefix = prefix_of(outer);
  if (prefix.empty()) return outer == inner;
  const std::string_view inner_prefix = prefix_of(inner);
  return (inner_prefix.empty() ? inner : inner_prefix).starts_with(prefix);
}

}  // namespace durable_streams::server

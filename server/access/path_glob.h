// Which URL paths somebody means: the patterns of token files and of the configuration.
#pragma once

#include <durable_streams/result.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace durable_streams::server {

// A pattern of a whole URL path, matched with the path decoded once:
//   `/a/b`    that path
//   `/a/*`    every path that begins with `/a/`, however deep
//   `/a/*/b`  `*` inside a path: any characters but a slash, none among them (`/a/room-*`)
//   `/a/**/b` `**` as a whole segment: any number of segments, none among them
// Every other character stands for itself, in its case. The pattern is written as a URL is:
// `%2A` is an asterisk that stands for itself, `%20` a blank, and `%2F` a slash like any other.
// Threads: any, once made.
class PathGlob {
 public:
  // Errors tell what is wrong without repeating `text`, which may be a secret in the wrong place.
  static Result<PathGlob> parse(std::string_view text);

  bool matches(std::string_view path) const;

 private:
  enum class Kind : std::uint8_t { kExact, kBelow, kSegments };

  PathGlob() = default;

  Kind kind_ = Kind::kExact;
  std::string path_;                   // kExact: all of it; kBelow: what it begins with
  std::vector<std::string> segments_;  // kSegments; an asterisk that means something is a NUL
};

// Parses each of `texts`, and refuses what can be the path of no stream. Errors name which it is,
// as its place in the list.
Result<std::vector<PathGlob>> parse_stream_globs(std::span<const std::string_view> texts);

bool any_matches(std::span<const PathGlob> globs, std::string_view path);

}  // namespace durable_streams::server

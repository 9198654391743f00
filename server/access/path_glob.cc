// A decoded path holds no NUL, so in a parsed pattern a NUL can stand for "any characters".
#include "server/access/path_glob.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "server/access/access_limits.h"
#include "server/http/characters.h"

namespace durable_streams::server {
namespace {

using namespace std::string_view_literals;  // NOLINT(google-build-using-namespace)

constexpr char kAny = '\0';
constexpr std::string_view kAnySegment = "\0"sv;
constexpr std::string_view kAnySegments = "\0\0"sv;

// What a URL's path is made of (RFC 3986 section 3.3); the rest of ASCII has to be escaped.
constexpr CharacterSet kPathChars = alphanumerics_and("-._~!$&'()*+,;=:@/");

Error invalid(std::string message) {
  return Error{ErrorCode::kInvalidArgument, std::move(message), {}};
}

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

// The byte that the escape at the front of `text` means.
std::optional<char> escaped_byte(std::string_view text) {
  if (text.size() < 3) return std::nullopt;
  const std::optional<unsigned> high = hex_digit(text[1]);
  const std::optional<unsigned> low = hex_digit(text[2]);
  if (!high || !low) return std::nullopt;
  return static_cast<char>(*high << 4 | *low);
}

// The pattern decoded, with kAny for each asterisk.
Result<std::string> decode(std::string_view text) {
  std::string decoded;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '*') {
      decoded += kAny;
    } else if (c == '%') {
      const std::optional<char> byte = escaped_byte(text.substr(at));
      if (!byte) return invalid("behind '%' stand two hexadecimal digits (%25 is a percent sign)");
      if (*byte == '\0') return invalid("no path holds a NUL byte (%00)");
      decoded += *byte;
      at += 2;
    } else if (in(kPathChars, c) || static_cast<unsigned char>(c) >= 0x80) {
      decoded += c;
    } else {
      return invalid(
          fmt::format("it holds a character that no URL's path does: write %{:02X} for it",
                      static_cast<unsigned char>(c)));
    }
  }
  return decoded;
}

Status check_segment(std::string_view segment, bool last) {
  if (segment.empty() && !last) return invalid("it has an empty segment ('//')");
  if (segment == "." || segment == "..") return invalid("it has a '.' or '..' segment");
  if (segment != kAnySegments && segment.find(kAnySegments) != std::string_view::npos) {
    return invalid("'**' stands alone between slashes (/a/**/b)");
  }
  return {};
}

Result<std::vector<std::string>> split(std::string_view decoded) {
  std::vector<std::string> segments;
  for (std::size_t begin = 1; begin != 0;) {
    const std::size_t slash = decoded.find('/', begin);
    const bool last = slash == std::string_view::npos;
    const std::string_view segment = decoded.substr(begin, last ? slash : slash - begin);
    if (Status valid = check_segment(segment, last); !valid) return std::move(valid).error();
    segments.emplace_back(segment);
    begin = last ? 0 : slash + 1;
  }
  return segments;
}

// An asterisk takes as little as it can; when what follows does not fit, the last one takes more.
bool segment_matches(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t behind_any = 0;  // 0: there was none yet
  std::size_t taken_to = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == kAny) {
      behind_any = ++p;
      taken_to = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (behind_any > 0) {
      p = behind_any;
      t = ++taken_to;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of(kAny, p) == std::string_view::npos;
}

// The same over segments. `path` is without its first slash.
bool segments_match(std::span<const std::string> pattern, std::string_view path) {
  const auto next_segment = [&](std::size_t begin) {
    const std::size_t slash = path.find('/', begin);
    return slash == std::string_view::npos ? path.size() + 1 : slash + 1;
  };
  std::size_t p = 0;
  std::size_t begin = 0;  // of the segment that comes; beyond the end: there is none
  std::size_t behind_any = 0;
  std::size_t taken_to = 0;
  while (begin <= path.size()) {
    const std::size_t next = next_segment(begin);
    if (p < pattern.size() && pattern[p] == kAnySegments) {
      behind_any = ++p;
      taken_to = begin;
    } else if (p < pattern.size() &&
               segment_matches(pattern[p], path.substr(begin, next - 1 - begin))) {
      ++p;
      begin = next;
    } else if (behind_any > 0) {
      p = behind_any;
      begin = taken_to = next_segment(taken_to);
    } else {
      return false;
    }
  }
  return std::all_of(pattern.begin() + static_cast<std::ptrdiff_t>(p), pattern.end(),
                     [](const std::string& rest) { return rest == kAnySegments; });
}

}  // namespace

Result<PathGlob> PathGlob::parse(std::string_view text) {
  if (!text.starts_with('/')) return invalid("a path begins with a slash ('/*' is every path)");
  if (text.size() > kPathGlobBytesMax) {
    return invalid(fmt::format("it is longer than {} bytes", kPathGlobBytesMax));
  }
  Result<std::string> decoded = decode(text);
  if (!decoded) return std::move(decoded).error();
  Result<std::vector<std::string>> segments = split(*decoded);
  if (!segments) return std::move(segments).error();
  PathGlob glob;
  const std::size_t any = decoded->find(kAny);
  const bool open_end = segments->back() == kAnySegment || segments->back() == kAnySegments;
  if (any == std::string::npos) {
    glob.path_ = std::move(*decoded);
  } else if (open_end && any + segments->back().size() == decoded->size()) {
    glob.kind_ = Kind::kBelow;
    glob.path_ = decoded->substr(0, any);
  } else {
    glob.kind_ = Kind::kSegments;
    glob.segments_ = std::move(*segments);
    if (open_end) {
      glob.segments_.back() = kAnySegment;
      glob.segments_.emplace_back(kAnySegments);
    }
  }
  return glob;
}

bool PathGlob::matches(std::string_view path) const {
  switch (kind_) {
    case Kind::kExact:
      return path == path_;
    case Kind::kBelow:
      return path.starts_with(path_);
    case Kind::kSegments:
      break;
  }
  return path.starts_with('/') && segments_match(segments_, path.substr(1));
}

Result<std::vector<PathGlob>> parse_stream_globs(std::span<const std::string_view> texts) {
  if (texts.size() > kPathGlobsMax) {
    return invalid(
        fmt::format("{} paths are more than the {} there can be", texts.size(), kPathGlobsMax));
  }
  std::vector<PathGlob> globs;
  for (const std::string_view text : texts) {
    Result<PathGlob> glob = PathGlob::parse(text);
    const std::size_t place = globs.size() + 1;
    if (!glob) return invalid(fmt::format("path {}: {}", place, glob.error().message));
    if (text.ends_with('/')) {
      return invalid(fmt::format(
          "path {}: no stream's path ends with a slash; write '*' behind it for all below", place));
    }
    globs.push_back(std::move(*glob));
  }
  return globs;
}

bool any_matches(std::span<const PathGlob> globs, std::string_view path) {
  return std::any_of(globs.begin(), globs.end(),
                     [&](const PathGlob& glob) { return glob.matches(path); });
}

}  // namespace durable_streams::server

// Which paths may name a stream, and how a request's target becomes one. The rules hold for library
// users as for HTTP.
#pragma once

#include <durable_streams/result.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace durable_streams::protocol {

// A decoded stream path's greatest length. A path is a key of the durable catalog, whose keys end
// at 511 bytes, and shares that with its key's prefix.
inline constexpr std::size_t kStreamPathBytesMax = 480;

// Whether `path` (decoded, relative to its endpoint: `a/b`) may name a stream: 1 to
// kStreamPathBytesMax bytes, none of them NUL, and no segment that is empty, `.` or `..`. Reserved
// paths pass: ask is_reserved_path() too. Errors: kInvalidArgument, kPathTooLong.
Status validate_stream_path(std::string_view path);

// Whether `path` lies under `__ds`, which the protocol keeps for its own control requests (section
// 6).
bool is_reserved_path(std::string_view path);

// Decodes the percent escapes of a URL's path, once: `%2F` is a slash like any other, `%252F`
// becomes `%2F`. What needs no decoding is given back as it is, so the answer lives as long as both
// `path` and `buffer` do. Errors: kInvalidArgument for a bad escape; kPathTooLong for a path longer
// than `buffer` when decoded.
Result<std::string_view> decode_path(std::string_view path, std::span<char> buffer);

// The target of a request line, taken apart but not decoded (RFC 9112, section 3.2).
struct RequestTarget {
  enum class Form : std::uint8_t {
    kOrigin,    // `/path?query`
    kAbsolute,  // `http://authority/path?query`, reduced to the origin form; its authority stands
                // above Host
    kAsterisk,  // `*`: the server as a whole; every part is empty
  };
  Form form = Form::kOrigin;
  std::string_view authority;  // kAbsolute only
  std::string_view path;       // begins with a slash
  std::string_view query;      // after the question mark
};

// Takes a request's target apart. The views point into `target`. Errors: kInvalidArgument.
Result<RequestTarget> split_request_target(std::string_view target);

}  // namespace durable_streams::protocol

// Which stream a URL path means to an endpoint mounted under a prefix.
#pragma once

#include <durable_streams/result.h>

#include <string>
#include <string_view>
#include <vector>

namespace durable_streams::http {

struct StreamTarget {
  std::string_view path;       // decoded, relative to the prefix; may name a stream
  std::string_view query;      // as sent, after the question mark
  std::string_view authority;  // of an absolute-form target; else empty
};

// Threads: one at a time.
class PathResolver {
 public:
  // `prefix` is decoded, and begins and ends with a slash.
  explicit PathResolver(std::string prefix);

  // Whether the target's path lies under the prefix, whatever follows.
  bool serves(std::string_view target) const;

  // The stream that a request's target means. The views live until the next call, and as long as
  // `target`. Errors: kNotFound outside of the prefix and below `__ds`, kInvalidArgument,
  // kPathTooLong.
  Result<StreamTarget> resolve(std::string_view target);

  // The stream that the URL path in a Stream-Forked-From header means, decoded like any other;
  // empty when none can have that path. The view lives until the next call, and as long as
  // `url_path`. Errors: kInvalidArgument.
  Result<std::string_view> resolve_source(std::string_view url_path);

 private:
  // Decodes a URL path and takes the prefix off. kNotFound: it lies elsewhere.
  Result<std::string_view> below_prefix(std::string_view url_path, std::vector<char>& buffer) const;

  const std::string prefix_;
  std::vector<char> target_buffer_;
  std::vector<char> source_buffer_;
};

}  // namespace durable_streams::http

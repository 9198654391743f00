// A prefix may be written with escapes like any other part of a path; mostly it is not.
#include "http/path_resolver.h"

#include <algorithm>
#include <utility>

#include "protocol/stream_path.h"

namespace durable_streams::http {

namespace {

Error not_found(std::string_view message) {
  return {.code = ErrorCode::kNotFound, .message = std::string(message), .detail = {}};
}

// Where the path begins in a target that something is wrong with.
std::string_view path_of_malformed(std::string_view target) {
  const std::size_t authority = target.find("://");
  if (target.starts_with('/') || authority == std::string_view::npos) return target;
  const std::string_view rest = target.substr(authority + 3);
  return rest.substr(std::min(rest.find('/'), rest.size()));
}

Error outside() { return not_found("no streams are kept under this path"); }

}  // namespace

PathResolver::PathResolver(std::string prefix)
    : prefix_(std::move(prefix)),
      target_buffer_(prefix_.size() + protocol::kStreamPathBytesMax),
      source_buffer_(target_buffer_.size()) {}

bool PathResolver::serves(std::string_view target) const {
  const Result<protocol::RequestTarget> parts = protocol::split_request_target(target);
  if (!parts) return path_of_malformed(target).starts_with(prefix_);
  if (parts->path.starts_with(prefix_)) return true;
  if (parts->path.find('%') == std::string_view::npos) return false;
  std::vector<char> buffer(target_buffer_.size());
  const Result<std::string_view> decoded = protocol::decode_path(parts->path, buffer);
  return decoded.ok() && decoded->starts_with(prefix_);
}

Result<StreamTarget> PathResolver::resolve(std::string_view target) {
  Result<protocol::RequestTarget> parts = protocol::split_request_target(target);
  if (!parts) return std::move(parts).error();
  Result<std::string_view> path = below_prefix(parts->path, target_buffer_);
  if (!path) return std::move(path).error();
  if (protocol::is_reserved_path(*path)) {
    return not_found("__ds is reserved for control requests, and there are none of this name");
  }
  if (Status valid = protocol::validate_stream_path(*path); !valid) {
    return std::move(valid).error();
  }
  return StreamTarget{.path = *path, .query = parts->query, .authority = parts->authority};
}

Result<std::string_view> PathResolver::resolve_source(std::string_view url_path) {
  Result<std::string_view> path = below_prefix(url_path, source_buffer_);
  if (path.ok()) return protocol::validate_stream_path(*path).ok() ? *path : std::string_view();
  if (path.error().code == ErrorCode::kInvalidArgument) return path;
  return std::string_view();
}

Result<std::string_view> PathResolver::below_prefix(std::string_view url_path,
                                                    std::vector<char>& buffer) const {
  if (url_path.starts_with(prefix_)) {
    return protocol::decode_path(url_path.substr(prefix_.size()),
                                 std::span(buffer).first(protocol::kStreamPathBytesMax));
  }
  if (url_path.find('%') == std::string_view::npos) return outside();
  Result<std::string_view> decoded = protocol::decode_path(url_path, buffer);
  if (!decoded) return outside();
  if (!decoded->starts_with(prefix_)) return outside();
  return decoded->substr(prefix_.size());
}

}  // namespace durable_streams::http

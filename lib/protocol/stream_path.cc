// The rules for stream paths and request targets.
#include "protocol/stream_path.h"

#include "protocol/ascii.h"
#include "protocol/percent.h"

#include <string>

namespace durable_streams::protocol {
namespace {

Error invalid(std::string_view message) {
  return Error{ErrorCode::kInvalidArgument, std::string(message), {}};
}

Error too_long(std::size_t bytes_max) {
  return Error{ErrorCode::kPathTooLong,
               "the path is longer than " + std::to_string(bytes_max) + " bytes when decoded",
               {}};
}

Status validate_segment(std::string_view segment) {
  if (segment.empty()) return invalid("the path has an empty segment");
  if (segment == "." || segment == "..") return invalid("the path has a '.' or '..' segment");
  return {};
}

// Splits what follows the authority, if any: a path that may be missing, then a query that may be.
Result<RequestTarget> split_path_and_query(RequestTarget target, std::string_view rest) {
  const std::size_t question = rest.find('?');
  target.path = rest.substr(0, question);
  if (question != std::string_view::npos) target.query = rest.substr(question + 1);
  if (target.path.empty()) target.path = "/";
  return target;
}

Result<RequestTarget> split_absolute_form(std::string_view rest) {
  const std::size_t end = rest.find_first_of("/?");
  RequestTarget target;
  target.form = RequestTarget::Form::kAbsolute;
  target.authority = rest.substr(0, end);
  if (target.authority.empty()) return invalid("the request target names no host");
  if (target.authority.find('@') != std::string_view::npos) {
    return invalid("the request target carries user information");
  }
  return split_path_and_query(target, end == std::string_view::npos ? "" : rest.substr(end));
}

}  // namespace

Status validate_stream_path(std::string_view path) {
  if (path.empty()) return invalid("the stream path is empty");
  if (path.size() > kStreamPathBytesMax) return too_long(kStreamPathBytesMax);
  if (path.find('\0') != std::string_view::npos) return invalid("the path holds a NUL byte");
  std::size_t begin = 0;
  while (true) {
    const std::size_t slash = path.find('/', begin);
    if (Status status = validate_segment(path.substr(begin, slash - begin)); !status) return status;
    if (slash == std::string_view::npos) return {};
    begin = slash + 1;
  }
}

bool is_reserved_path(std::string_view path) {
  constexpr std::string_view kReserved = "__ds";
  return path.starts_with(kReserved) &&
         (path.size() == kReserved.size() || path[kReserved.size()] == '/');
}

Result<std::string_view> decode_path(std::string_view path, std::span<char> buffer) {
  const PercentDecoded decoded = percent_decode(path, buffer);
  switch (decoded.outcome) {
    case PercentOutcome::kDecoded:
      return decoded.text;
    case PercentOutcome::kBadEscape:
      return invalid("the path has a '%' that two hexadecimal digits do not follow");
    case PercentOutcome::kTooLong:
      break;
  }
  return too_long(buffer.size());
}

Result<RequestTarget> split_request_target(std::string_view target) {
  // A fragment never leaves the client; one that did would be part of the path here and lost behind
  // a proxy.
  if (target.find('#') != std::string_view::npos) return invalid("the request target has a '#'");
  if (target.starts_with('/')) return split_path_and_query({}, target);
  if (target == "*") {
    RequestTarget whole_server;
    whole_server.form = RequestTarget::Form::kAsterisk;
    return whole_server;
  }
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (starts_with_ignoring_case(target, scheme)) {
      return split_absolute_form(target.substr(scheme.size()));
    }
  }
  return invalid("the request target is neither a path nor an http URL");
}

}  // namespace durable_streams::protocol

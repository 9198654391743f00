// Feeds request targets to what reads them before anything else does: splitting, decoding, path
// rules and the query.
#include "protocol/query.h"
#include "protocol/stream_path.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>

namespace durable_streams::protocol {
namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

bool lies_within(std::string_view part, std::string_view whole) {
  return std::less_equal<>()(whole.data(), part.data()) &&
         std::less_equal<>()(part.data() + part.size(), whole.data() + whole.size());
}

// A path that passes the rules can neither leave its endpoint nor name one stream in two ways.
void check_stream_path(std::string_view path) {
  if (!validate_stream_path(path).ok()) return;
  require(!path.empty() && path.size() <= kStreamPathBytesMax);
  require(path.find('\0') == std::string_view::npos);
  const std::string framed = "/" + std::string(path) + "/";
  for (const std::string_view segment : {"//", "/./", "/../"}) {
    require(framed.find(segment) == std::string::npos);
  }
}

void check_path(std::string_view path) {
  std::array<char, kStreamPathBytesMax> buffer;
  const Result<std::string_view> decoded = decode_path(path, buffer);
  if (!decoded.ok()) {
    require(path.find('%') != std::string_view::npos || path.size() > buffer.size());
    return;
  }
  require(decoded->size() <= path.size());
  check_stream_path(*decoded);
  if (!decoded->empty()) check_stream_path(decoded->substr(1));
}

void check_query(std::string_view query) {
  QueryParameters parameters(query);
  QueryParameter parameter;
  while (parameters.next(parameter)) {
    require(lies_within(parameter.name, query));
    require(parameter.value.empty() || lies_within(parameter.value, query));
  }
  const Result<ReadQuery> read = parse_read_query(query);
  if (!read.ok()) {
    require(read.error().code == ErrorCode::kInvalidArgument && !read.error().message.empty());
    return;
  }
  require(read->live == LiveMode::kNone || read->from != ReadQuery::From::kUnset);
  if (read->from != ReadQuery::From::kOffset) return;
  const Result<ReadQuery> again = parse_read_query("offset=" + read->offset.to_string());
  require(again.ok() && again->offset == read->offset);
}

void check_target(std::string_view text) {
  const Result<RequestTarget> target = split_request_target(text);
  if (!target.ok() || target->form == RequestTarget::Form::kAsterisk) return;
  require(target->path.starts_with('/'));
  check_path(target->path);
  check_query(target->query);
}

}  // namespace
}  // namespace durable_streams::protocol

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  durable_streams::protocol::check_target(text);
  durable_streams::protocol::check_path(text);
  durable_streams::protocol::check_query(text);
  return 0;
}

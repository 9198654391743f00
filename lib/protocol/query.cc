// The query of a read, without allocation but for errors.
#include "protocol/query.h"

#include "protocol/cursor.h"
#include "protocol/percent.h"

#include <array>
#include <string>
#include <utility>

namespace durable_streams::protocol {
namespace {

// No name or value that means something is longer when decoded.
constexpr std::size_t kDecodedBytesMax = 64;
using DecodeBuffer = std::array<char, kDecodedBytesMax>;

Error invalid(std::string message) {
  return Error{ErrorCode::kInvalidArgument, std::move(message), {}};
}

enum class Known : std::uint8_t { kOther, kOffset, kLive, kCursor };

Known known_parameter(std::string_view name) {
  DecodeBuffer buffer;
  const PercentDecoded decoded = percent_decode(name, buffer);
  if (decoded.outcome != PercentOutcome::kDecoded) return Known::kOther;
  if (decoded.text == "offset") return Known::kOffset;
  if (decoded.text == "live") return Known::kLive;
  if (decoded.text == "cursor") return Known::kCursor;
  return Known::kOther;
}

Status read_offset(std::string_view value, ReadQuery& out) {
  DecodeBuffer buffer;
  const PercentDecoded decoded = percent_decode(value, buffer);
  if (decoded.outcome == PercentOutcome::kDecoded) {
    if (decoded.text.empty()) return invalid("the offset parameter is empty");
    if (decoded.text == "-1") {
      out.from = ReadQuery::From::kStart;
      return {};
    }
    if (decoded.text == "now") {
      out.from = ReadQuery::From::kNow;
      return {};
    }
    if (const std::optional<Offset> offset = Offset::parse(decoded.text)) {
      out.from = ReadQuery::From::kOffset;
      out.offset = *offset;
      return {};
    }
  }
  return invalid("the offset parameter is malformed: give -1, now, or an offset from an answer");
}

Status read_live(std::string_view value, ReadQuery& out) {
  DecodeBuffer buffer;
  const PercentDecoded decoded = percent_decode(value, buffer);
  if (decoded.outcome == PercentOutcome::kDecoded) {
    if (decoded.text == "long-poll") {
      out.live = LiveMode::kLongPoll;
      return {};
    }
    if (decoded.text == "sse") {
      out.live = LiveMode::kSse;
      return {};
    }
  }
  return invalid("the live parameter is neither 'long-poll' nor 'sse'");
}

void read_cursor(std::string_view value, ReadQuery& out) {
  DecodeBuffer buffer;
  const PercentDecoded decoded = percent_decode(value, buffer);
  // Digits need no escapes, so only a cursor of ours can be longer than the buffer, and is then
  // read as it is.
  out.cursor = parse_cursor(decoded.outcome == PercentOutcome::kDecoded ? decoded.text : value);
}

}  // namespace

bool QueryParameters::next(QueryParameter& out) {
  while (!rest_.empty()) {
    const std::size_t end = rest_.find('&');
    const std::string_view parameter = rest_.substr(0, end);
    rest_ = end == std::string_view::npos ? std::string_view() : rest_.substr(end + 1);
    if (parameter.empty()) continue;
    const std::size_t equals = parameter.find('=');
    out.name = parameter.substr(0, equals);
    out.value =
        equals == std::string_view::npos ? std::string_view() : parameter.substr(equals + 1);
    return true;
  }
  return false;
}

Result<ReadQuery> parse_read_query(std::string_view query) {
  ReadQuery out;
  bool has_offset = false;
  bool has_live = false;
  bool has_cursor = false;
  QueryParameters parameters(query);
  QueryParameter parameter;
  while (parameters.next(parameter)) {
    switch (known_parameter(parameter.name)) {
      case Known::kOther:
        break;
      case Known::kOffset:
        if (std::exchange(has_offset, true)) return invalid("the offset parameter is repeated");
        if (Status status = read_offset(parameter.value, out); !status) {
          return std::move(status).error();
        }
        break;
      case Known::kLive:
        if (std::exchange(has_live, true)) return invalid("the live parameter is repeated");
        if (Status status = read_live(parameter.value, out); !status) {
          return std::move(status).error();
        }
        break;
      case Known::kCursor:
        if (std::exchange(has_cursor, true)) return invalid("the cursor parameter is repeated");
        read_cursor(parameter.value, out);
        break;
    }
  }
  if (has_live && !has_offset) return invalid("the live parameter needs an offset parameter");
  return out;
}

}  // namespace durable_streams::protocol

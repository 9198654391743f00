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

Known known_name(std::string_view name) {
  if (name == "offset") return Known::kOffset;
  if (name == "live") return Known::kLive;
  if (name == "cursor") return Known::kCursor;
  return Known::kOther;
}

Known known_parameter(std::string_view encoded_name) {
  // Nobody escapes these names, so they are looked for as they are first.
  const Known known = known_name(encoded_name);
  if (known != Known::kOther) return known;
  DecodeBuffer buffer;
  const PercentDecoded decoded = percent_decode(encoded_name, buffer);
  return decoded.outcome == PercentOutcome::kDecoded ? known_name(decoded.text) : Known::kOther;
}

// Fills `out` from an offset's text as it is meant, not as it is escaped.
bool take_offset(std::string_view text, ReadQuery& out) {
  if (const std::optional<Offset> offset = Offset::parse(text)) {
    out.from = ReadQuery::From::kOffset;
    out.offset = *offset;
    return true;
  }
  if (text != "-1" && text != "now") return false;
  out.from = text == "now" ? ReadQuery::From::kNow : ReadQuery::From::kStart;
  return true;
}

Status read_offset(std::string_view value, ReadQuery& out) {
  if (value.empty()) return invalid("the offset parameter is empty");
  if (take_offset(value, out)) return {};
  DecodeBuffer buffer;
  const PercentDecoded decoded = percent_decode(value, buffer);
  if (decoded.outcome == PercentOutcome::kDecoded && take_offset(decoded.text, out)) return {};
  return invalid("the offset parameter is malformed: give -1, now, or an offset from an answer");
}

bool take_live(std::string_view text, ReadQuery& out) {
  if (text != "long-poll" && text != "sse") return false;
  out.live = text == "sse" ? LiveMode::kSse : LiveMode::kLongPoll;
  return true;
}

Status read_live(std::string_view value, ReadQuery& out) {
  if (take_live(value, out)) return {};
  DecodeBuffer buffer;
  const PercentDecoded decoded = percent_decode(value, buffer);
  if (decoded.outcome == PercentOutcome::kDecoded && take_live(decoded.text, out)) return {};
  return invalid("the live parameter is neither 'long-poll' nor 'sse'");
}

void read_cursor(std::string_view value, ReadQuery& out) {
  // As it is first: a number may be longer than the buffer.
  out.cursor = parse_cursor(value);
  if (out.cursor) return;
  DecodeBuffer buffer;
  const PercentDecoded decoded = percent_decode(value, buffer);
  if (decoded.outcome == PercentOutcome::kDecoded) out.cursor = parse_cursor(decoded.text);
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

// Entity tags of reads.
#include "protocol/etag.h"

#include "base/assert.h"
#include "protocol/ascii.h"

#include <charconv>
#include <cstdint>

namespace durable_streams::protocol {
namespace {

// An id in base 16, or a part of an offset in base 10: neither has more than sixteen digits.
char* write_number(char* out, std::uint64_t value, int base) {
  return std::to_chars(out, out + 16, value, base).ptr;
}

char* write_short_offset(char* out, const Offset& offset) {
  out = write_number(out, offset.read_sequence, 10);
  *out++ = '_';
  return write_number(out, offset.position, 10);
}

}  // namespace

char* write_etag(char* out, StreamId id, const Offset& start, const Offset& end, bool closed) {
  for (const Offset& offset : {start, end}) {
    DURABLE_STREAMS_ASSERT(offset.read_sequence <= Offset::kPartMax &&
                           offset.position <= Offset::kPartMax);
  }
  *out++ = '"';
  out = write_number(out, id, 16);
  *out++ = ':';
  out = write_short_offset(out, start);
  *out++ = ':';
  out = write_short_offset(out, end);
  if (closed) {
    *out++ = ':';
    *out++ = 'c';
  }
  *out++ = '"';
  return out;
}

bool if_none_match(std::string_view header_value, std::string_view etag) {
  std::string_view rest = trim_whitespace(header_value);
  if (rest == "*") return true;
  while (!rest.empty()) {
    rest = trim_whitespace(rest);
    if (rest.starts_with("W/")) rest.remove_prefix(2);
    if (rest.starts_with('"')) {
      // A comma inside the quotes belongs to the tag.
      const std::size_t close = rest.find('"', 1);
      if (close == std::string_view::npos) return false;
      const std::string_view item = rest.substr(0, close + 1);
      rest = trim_whitespace(rest.substr(close + 1));
      if (item == etag && (rest.empty() || rest[0] == ',')) return true;
    }
    const std::size_t comma = rest.find(',');
    if (comma == std::string_view::npos) return false;
    rest.remove_prefix(comma + 1);
  }
  return false;
}

}  // namespace durable_streams::protocol

// The text form of offsets. Every answer carries one, so both directions work on fixed buffers.
#include <durable_streams/offset.h>

#include "base/assert.h"
#include "protocol/decimal.h"

namespace durable_streams {
namespace {

constexpr std::size_t kPartDigits = 16;

// One part: 1 to 16 digits and nothing else.
std::optional<std::uint64_t> parse_part(std::string_view text) {
  if (text.empty() || text.size() > kPartDigits) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    const auto digit = static_cast<unsigned char>(c - '0');
    if (digit > 9) return std::nullopt;
    value = value * 10 + digit;
  }
  return value;
}

char* write_part(char* out, std::uint64_t value) {
  protocol::write_eight_digits(out, static_cast<std::uint32_t>(value / 100'000'000));
  protocol::write_eight_digits(out + 8, static_cast<std::uint32_t>(value % 100'000'000));
  return out + kPartDigits;
}

}  // namespace

std::optional<Offset> Offset::parse(std::string_view text) {
  if (text.size() > kTextBytes) return std::nullopt;
  const std::size_t separator = text.find('_');
  if (separator == std::string_view::npos) return std::nullopt;
  const std::optional<std::uint64_t> sequence = parse_part(text.substr(0, separator));
  const std::optional<std::uint64_t> position = parse_part(text.substr(separator + 1));
  if (!sequence || !position) return std::nullopt;
  return Offset{*sequence, *position};
}

char* Offset::write(char* out) const {
  DURABLE_STREAMS_ASSERT(read_sequence <= kPartMax && position <= kPartMax);
  out = write_part(out, read_sequence);
  *out++ = '_';
  return write_part(out, position);
}

std::string Offset::to_string() const {
  std::string text(kTextBytes, '\0');
  write(text.data());
  return text;
}

}  // namespace durable_streams

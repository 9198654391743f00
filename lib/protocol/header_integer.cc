// Integers in request headers.
#include "protocol/header_integer.h"

#include "protocol/ascii.h"

namespace durable_streams::protocol {

std::optional<std::uint64_t> parse_header_integer(std::string_view text,
                                                  LeadingZeros leading_zeros) {
  if (text.empty()) return std::nullopt;
  if (leading_zeros == LeadingZeros::kRefused && text.size() > 1 && text[0] == '0') {
    return std::nullopt;
  }
  std::uint64_t value = 0;
  for (const char c : text) {
    if (!is_digit(c)) return std::nullopt;
    // No overflow: value is below 2^53 here.
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
    if (value > kHeaderIntegerMax) return std::nullopt;
  }
  return value;
}

}  // namespace durable_streams::protocol

// Integers in request headers: the protocol allows digits and nothing else, up to what JavaScript
// keeps exact.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace durable_streams::protocol {

// 2^53-1: the greatest integer of every header of the protocol.
inline constexpr std::uint64_t kHeaderIntegerMax = (std::uint64_t{1} << 53) - 1;

enum class LeadingZeros : std::uint8_t { kAllowed, kRefused };

// Reads decimal digits, or gives nullopt for anything else (a sign, a space, a fraction, nothing)
// and for more than kHeaderIntegerMax. The protocol refuses leading zeros for Stream-TTL, and its
// official suite for Stream-Fork-Sub-Offset; neither does for Producer-Epoch and Producer-Seq.
std::optional<std::uint64_t> parse_header_integer(std::string_view text,
                                                  LeadingZeros leading_zeros);

}  // namespace durable_streams::protocol

// Percent-decoding (RFC 3986, section 2.1), once and without allocation: paths and query values
// need it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace durable_streams::protocol {

enum class PercentOutcome : std::uint8_t {
  kDecoded,
  kBadEscape,  // a '%' that two hexadecimal digits do not follow
  kTooLong,    // the decoded text does not fit the caller's buffer
};

struct PercentDecoded {
  PercentOutcome outcome = PercentOutcome::kDecoded;
  std::string_view text;  // valid when kDecoded
};

// Decodes `text`; '+' stands for itself. Text without escapes is given back as it is, not copied,
// so the answer lives as long as both `text` and `buffer` do. It is never longer than `buffer`.
PercentDecoded percent_decode(std::string_view text, std::span<char> buffer);

}  // namespace durable_streams::protocol

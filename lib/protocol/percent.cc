// Percent-decoding for paths and query values.
#include "protocol/percent.h"

namespace durable_streams::protocol {
namespace {

// The value of a hexadecimal digit, or -1.
int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

PercentDecoded percent_decode(std::string_view text, std::span<char> buffer) {
  std::size_t escape = text.find('%');
  if (escape == std::string_view::npos) {
    if (text.size() > buffer.size()) return {PercentOutcome::kTooLong, {}};
    return {PercentOutcome::kDecoded, text};
  }
  // A bad escape is reported in preference to the length: it is what the sender can see and mend.
  std::size_t size = 0;
  bool fits = true;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char byte = text[i];
    if (byte == '%') {
      const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
      if (high < 0 || low < 0) return {PercentOutcome::kBadEscape, {}};
      byte = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (size == buffer.size()) {
      fits = false;
      continue;
    }
    buffer[size++] = byte;
  }
  if (!fits) return {PercentOutcome::kTooLong, {}};
  return {PercentOutcome::kDecoded, std::string_view(buffer.data(), size)};
}

}  // namespace durable_streams::protocol

// Decimal digits into fixed buffers, two at a time: offsets and timestamps write fixed widths on
// hot paths.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

namespace durable_streams::protocol {

namespace internal {

constexpr std::array<char, 200> make_digit_pairs() {
  std::array<char, 200> pairs{};
  for (std::size_t i = 0; i < 100; ++i) {
    pairs[2 * i] = static_cast<char>('0' + i / 10);
    pairs[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return pairs;
}

inline constexpr std::array<char, 200> kDigitPairs = make_digit_pairs();

}  // namespace internal

// Writes `value`, below 100, as two digits; returns the end.
inline char* write_two_digits(char* out, std::uint32_t value) {
  std::memcpy(out, &internal::kDigitPairs[std::size_t{2} * value], 2);
  return out + 2;
}

// Writes `value`, below 100,000,000, as eight digits; returns the end.
inline char* write_eight_digits(char* out, std::uint32_t value) {
  const std::uint32_t high = value / 10'000;
  const std::uint32_t low = value % 10'000;
  out = write_two_digits(out, high / 100);
  out = write_two_digits(out, high % 100);
  out = write_two_digits(out, low / 100);
  return write_two_digits(out, low % 100);
}

}  // namespace durable_streams::protocol

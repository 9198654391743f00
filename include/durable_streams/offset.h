// A position in a stream, as the protocol's clients see it (protocol section 8).
#pragma once

#include <durable_streams/export.h>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace durable_streams {

// A read sequence and the byte position of the next byte. Offsets order as their texts do. A fork
// shares the offsets of its source. The read sequence is 0 until a store had to drop bytes that
// readers may have seen. Threads: any.
struct DURABLE_STREAMS_EXPORT Offset {
  // Length of the padded text, `%016u_%016u`.
  static constexpr std::size_t kTextBytes = 33;
  // Neither part exceeds sixteen decimal digits.
  static constexpr std::uint64_t kPartMax = 9'999'999'999'999'999;

  std::uint64_t read_sequence = 0;
  std::uint64_t position = 0;

  // The beginning of every stream; what clients may also write as `-1`.
  static constexpr Offset start() { return {}; }

  // Reads the padded text or the unpadded form (`0_0`). Anything else, the sentinels `-1` and `now`
  // included, is nullopt.
  static std::optional<Offset> parse(std::string_view text);

  // Writes kTextBytes characters to `out`, which must have room for them; returns the end of what
  // it wrote.
  char* write(char* out) const;

  std::string to_string() const;

  friend constexpr auto operator<=>(const Offset&,
                                    const Offset&) = default;  // NOLINT(modernize-use-nullptr)
};

}  // namespace durable_streams

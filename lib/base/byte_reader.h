// Reads what ByteWriter wrote, from bytes that may be damaged: nothing is read past the end,
// whatever they say.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace durable_streams {

// Loads what store_little_endian() stored at `in`.
template <class T>
inline T load_little_endian(const char* in) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    value |= static_cast<T>(static_cast<T>(static_cast<unsigned char>(in[i])) << (8 * i));
  }
  return value;
}

// Once something was missing, all that follows reads as zero or empty, and ok() is false: callers
// check once, at the end. Borrows the bytes. Threads: one at a time.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }
  std::string_view rest() const { return rest_; }

  std::uint8_t u8() { return fixed<std::uint8_t>(); }
  std::uint32_t u32() { return fixed<std::uint32_t>(); }
  std::uint64_t u64() { return fixed<std::uint64_t>(); }

  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint8_t byte = u8();
      const std::uint64_t bits = byte & 0x7f;
      if (shift == 63 && bits > 1) break;
      value |= bits << shift;
      if ((byte & 0x80) == 0) return value;
    }
    fail();
    return 0;
  }

  std::string_view raw(std::uint64_t size) {
    if (size > rest_.size()) {
      fail();
      return {};
    }
    const std::string_view bytes = rest_.substr(0, static_cast<std::size_t>(size));
    rest_.remove_prefix(bytes.size());
    return bytes;
  }

  std::string_view text() { return raw(varint()); }

  // The bytes do not say what they should: as if something were missing.
  void fail() {
    ok_ = false;
    rest_ = {};
  }

 private:
  template <class T>
  T fixed() {
    const std::string_view bytes = raw(sizeof(T));
    return bytes.empty() ? T{0} : load_little_endian<T>(bytes.data());
  }

  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace durable_streams

// Writes numbers and strings as the durable formats keep them: little-endian, and varints of seven
// bits a byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace durable_streams {

// Stores `value` at `out`, low byte first; `out` has room for it.
template <class T>
inline void store_little_endian(T value, char* out) {
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    out[i] = static_cast<char>(static_cast<unsigned char>(value >> (8 * i)));
  }
}

// Appends to a string that it borrows. Threads: one at a time.
class ByteWriter {
 public:
  explicit ByteWriter(std::string& out) : out_(out) {}

  void u8(std::uint8_t value) { out_.push_back(static_cast<char>(value)); }
  void u32(std::uint32_t value) { fixed(value); }
  void u64(std::uint64_t value) { fixed(value); }

  // One byte for values below 128, ten at most.
  void varint(std::uint64_t value) {
    while (value >= 0x80) {
      u8(static_cast<std::uint8_t>(value | 0x80));
      value >>= 7;
    }
    u8(static_cast<std::uint8_t>(value));
  }

  void raw(std::string_view bytes) { out_.append(bytes); }

  // Its length as a varint, then its bytes.
  void text(std::string_view bytes) {
    varint(bytes.size());
    raw(bytes);
  }

 private:
  template <class T>
  void fixed(T value) {
    char bytes[sizeof(T)];
    store_little_endian(value, bytes);
    out_.append(bytes, sizeof(T));
  }

  std::string& out_;
};

}  // namespace durable_streams

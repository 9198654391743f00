// Finds where a run of like bytes ends, a block at a time: the inner loops of reading JSON. A block
// is 16 bytes by SSE2, and elsewhere a word of 8 by plain arithmetic.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace durable_streams::protocol {

// Eight bytes in a word. Each question is answered for all of them at once, by the top bit of each.
struct WordBlock {
  using Lanes = std::uint64_t;
  static constexpr std::size_t kBytes = 8;

  explicit WordBlock(const char* from) { std::memcpy(&word, from, kBytes); }

  Lanes equal(unsigned char byte) const {
    const std::uint64_t differing = word ^ every(byte);
    return ~((low_bits(differing) + kLowBits) | differing) & kTopBits;
  }
  // Which bytes are below `bound`, at most 0x80.
  Lanes below(unsigned char bound) const {
    return ~((low_bits(word) + every(static_cast<unsigned char>(0x80 - bound))) | word) & kTopBits;
  }
  Lanes outside(unsigned char first, unsigned char last) const {
    return either(below(first), invert(below(static_cast<unsigned char>(last + 1))));
  }
  Lanes not_ascii() const { return word & kTopBits; }

  static Lanes either(Lanes a, Lanes b) { return a | b; }
  static Lanes invert(Lanes lanes) { return lanes ^ kTopBits; }
  static bool any(Lanes lanes) { return lanes != 0; }
  // The index of the first byte that was said yes of; some was.
  static std::size_t first(Lanes lanes) {
    const int bits = std::endian::native == std::endian::little ? std::countr_zero(lanes)
                                                                : std::countl_zero(lanes);
    return static_cast<std::size_t>(bits) / 8;
  }

  std::uint64_t word = 0;

 private:
  static constexpr std::uint64_t every(unsigned char byte) {
    return byte * (~std::uint64_t{} / 255);
  }
  static constexpr std::uint64_t low_bits(std::uint64_t bytes) { return bytes & kLowBits; }

  static constexpr std::uint64_t kTopBits = ~std::uint64_t{} / 255 * 0x80;
  static constexpr std::uint64_t kLowBits = ~kTopBits;
};

#if defined(__SSE2__)

// Sixteen bytes in a register.
struct Sse2Block {
  using Lanes = __m128i;
  static constexpr std::size_t kBytes = 16;

  explicit Sse2Block(const char* from)
      : bytes(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from))) {}

  Lanes equal(unsigned char byte) const { return _mm_cmpeq_epi8(bytes, every(byte)); }
  Lanes below(unsigned char bound) const {
    const __m128i most = every(static_cast<unsigned char>(bound - 1));
    return _mm_cmpeq_epi8(_mm_max_epu8(bytes, most), most);
  }
  Lanes outside(unsigned char first, unsigned char last) const {
    // Moves `first` to the least signed byte, as there is no unsigned comparison.
    const __m128i moved = _mm_add_epi8(bytes, every(static_cast<unsigned char>(0x80 - first)));
    return _mm_cmpgt_epi8(moved, every(static_cast<unsigned char>(0x80 + last - first)));
  }
  Lanes not_ascii() const { return bytes; }

  static Lanes either(Lanes a, Lanes b) { return _mm_or_si128(a, b); }
  static Lanes invert(Lanes lanes) { return _mm_xor_si128(lanes, _mm_set1_epi8(-1)); }
  static bool any(Lanes lanes) { return _mm_movemask_epi8(lanes) != 0; }
  static std::size_t first(Lanes lanes) {
    return static_cast<std::size_t>(std::countr_zero(mask(lanes)));
  }

  __m128i bytes;

 private:
  static __m128i every(unsigned char byte) { return _mm_set1_epi8(static_cast<char>(byte)); }
  static unsigned mask(Lanes lanes) { return static_cast<unsigned>(_mm_movemask_epi8(lanes)); }
};

using Block = Sse2Block;

#else

using Block = WordBlock;

#endif

// Bytes that stand for themselves in a string: no control characters, quotes or escapes.
struct PlainInString {
  static bool holds(unsigned char byte) { return byte >= 0x20 && byte != '"' && byte != '\\'; }
  template <class B>
  static typename B::Lanes ends(B block) {
    return B::either(block.below(0x20), B::either(block.equal('"'), block.equal('\\')));
  }
};

struct JsonSpace {
  static bool holds(unsigned char byte) {
    return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
  }
  template <class B>
  static typename B::Lanes ends(B block) {
    return B::invert(B::either(B::either(block.equal(' '), block.equal('\n')),
                               B::either(block.equal('\r'), block.equal('\t'))));
  }
};

struct AsciiDigit {
  static bool holds(unsigned char byte) { return byte >= '0' && byte <= '9'; }
  template <class B>
  static typename B::Lanes ends(B block) {
    return block.outside('0', '9');
  }
};

// The first byte from `at` on that is not of the kind, or `end`.
template <class Kind, class B = Block>
inline const char* skip_while(const char* at, const char* end) {
  while (static_cast<std::size_t>(end - at) >= B::kBytes) {
    const typename B::Lanes ends = Kind::ends(B(at));
    if (B::any(ends)) return at + B::first(ends);
    at += B::kBytes;
  }
  while (at != end && Kind::holds(static_cast<unsigned char>(*at))) ++at;
  return at;
}

// Whether all of `text` is ASCII.
template <class B = Block>
inline bool is_ascii(std::string_view text) {
  const char* at = text.data();
  const char* const end = at + text.size();
  for (; static_cast<std::size_t>(end - at) >= B::kBytes; at += B::kBytes) {
    if (B::any(B(at).not_ascii())) return false;
  }
  unsigned char bits = 0;
  while (at != end) bits |= static_cast<unsigned char>(*at++);
  return bits < 0x80;
}

}  // namespace durable_streams::protocol

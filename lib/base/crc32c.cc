// CRC32C in three ways: SSE4.2 in three lanes, ARMv8's instructions, and tables for eight bytes at
// a time.
#include "base/crc32c.h"

#include <array>
#include <bit>
#include <cstring>

#include "base/byte_reader.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define DURABLE_STREAMS_CRC32C_X86 1
#include <immintrin.h>
#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
#define DURABLE_STREAMS_CRC32C_ARM 1
#include <arm_acle.h>
#endif

namespace durable_streams {
namespace {

// Bits are reflected throughout: the highest power of x is the lowest bit.
constexpr std::uint32_t kPolynomial = 0x82f63b78;

constexpr std::uint32_t times_x(std::uint32_t value) {
  return (value >> 1) ^ ((value & 1) != 0 ? kPolynomial : 0);
}

using Tables = std::array<std::array<std::uint32_t, 256>, 8>;

// tables[n][byte] is what `byte` adds to the register when n more bytes follow it.
constexpr Tables make_tables() {
  Tables tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t value = byte;
    for (auto& table : tables) {
      for (int bit = 0; bit < 8; ++bit) value = times_x(value);
      table[byte] = value;
    }
  }
  return tables;
}

constexpr Tables kTables = make_tables();

// One load, where load_little_endian may be a loop: that took the crc32 instruction from 28 to 1.8
// GB/s (GCC 12, -O2). To the tables it makes little difference.
inline std::uint64_t load_word(const char* bytes) {
  if constexpr (std::endian::native == std::endian::little) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes, sizeof(word));
    return word;
  } else {
    return load_little_endian<std::uint64_t>(bytes);
  }
}

std::uint32_t extend_by_tables(std::uint32_t seed_crc, const char* bytes, std::size_t size) {
  std::uint32_t crc = ~seed_crc;
  for (; size >= 8; bytes += 8, size -= 8) {
    const std::uint64_t word = load_word(bytes) ^ crc;
    crc = kTables[7][word & 0xff] ^ kTables[6][(word >> 8) & 0xff] ^
          kTables[5][(word >> 16) & 0xff] ^ kTables[4][(word >> 24) & 0xff] ^
          kTables[3][(word >> 32) & 0xff] ^ kTables[2][(word >> 40) & 0xff] ^
          kTables[1][(word >> 48) & 0xff] ^ kTables[0][word >> 56];
  }
  for (; size > 0; ++bytes, --size) {
    crc = (crc >> 8) ^ kTables[0][(crc ^ static_cast<unsigned char>(*bytes)) & 0xff];
  }
  return ~crc;
}

#if DURABLE_STREAMS_CRC32C_X86

#define DURABLE_STREAMS_SSE42 __attribute__((target("sse4.2,pclmul")))

constexpr std::uint32_t x_to_the(std::size_t power) {
  std::uint32_t value = 0x80000000;
  for (; power > 0; --power) value = times_x(value);
  return value;
}

// What a register is multiplied with so that it stands for the same bytes with `size` zeros behind
// them. The product of two reflected registers comes out multiplied by x, and its reduction by the
// crc32 instruction by x^32: hence the 33.
constexpr std::uint32_t zeros(std::size_t size) { return x_to_the(8 * size - 33); }

DURABLE_STREAMS_SSE42 inline std::uint64_t product(std::uint64_t crc, std::uint32_t factor) {
  const __m128i wide = _mm_clmulepi64_si128(_mm_cvtsi64_si128(static_cast<long long>(crc)),
                                            _mm_cvtsi64_si128(factor), 0);
  return static_cast<std::uint64_t>(_mm_cvtsi128_si64(wide));
}

// Takes three times LaneBytes bytes at a time. The instruction answers after three cycles but may
// be issued in each, so three independent lanes keep it busy; at the end the lanes' registers are
// moved to where they belong and added.
template <std::size_t LaneBytes>
DURABLE_STREAMS_SSE42 inline std::uint64_t extend_lanes(std::uint64_t crc, const char*& bytes,
                                                        std::size_t& size) {
  for (; size >= 3 * LaneBytes; bytes += 3 * LaneBytes, size -= 3 * LaneBytes) {
    std::uint64_t second = 0;
    std::uint64_t third = 0;
    for (std::size_t i = 0; i < LaneBytes; i += 8) {
      crc = _mm_crc32_u64(crc, load_word(bytes + i));
      second = _mm_crc32_u64(second, load_word(bytes + LaneBytes + i));
      third = _mm_crc32_u64(third, load_word(bytes + 2 * LaneBytes + i));
    }
    constexpr std::uint32_t kTwoLanes = zeros(2 * LaneBytes);
    constexpr std::uint32_t kOneLane = zeros(LaneBytes);
    crc = _mm_crc32_u64(0, product(crc, kTwoLanes) ^ product(second, kOneLane)) ^ third;
  }
  return crc;
}

DURABLE_STREAMS_SSE42 std::uint32_t extend_by_sse42(std::uint32_t seed_crc, const char* bytes,
                                                    std::size_t size) {
  std::uint64_t crc = ~seed_crc;
  crc = extend_lanes<1024>(crc, bytes, size);
  crc = extend_lanes<64>(crc, bytes, size);
  for (; size >= 8; bytes += 8, size -= 8) crc = _mm_crc32_u64(crc, load_word(bytes));
  auto narrow = static_cast<std::uint32_t>(crc);
  if (size >= 4) {
    std::uint32_t half = 0;
    std::memcpy(&half, bytes, sizeof(half));
    narrow = _mm_crc32_u32(narrow, half);
    bytes += 4;
    size -= 4;
  }
  for (; size > 0; ++bytes, --size) {
    narrow = _mm_crc32_u8(narrow, static_cast<unsigned char>(*bytes));
  }
  return ~narrow;
}

bool has_sse42() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul");
}

#endif

#if DURABLE_STREAMS_CRC32C_ARM

std::uint32_t extend_by_armv8(std::uint32_t seed_crc, const char* bytes, std::size_t size) {
  std::uint32_t crc = ~seed_crc;
  for (; size >= 8; bytes += 8, size -= 8) crc = __crc32cd(crc, load_word(bytes));
  for (; size > 0; ++bytes, --size) crc = __crc32cb(crc, static_cast<unsigned char>(*bytes));
  return ~crc;
}

#endif

}  // namespace

namespace internal {

std::span<const Crc32cVariant> crc32c_variants() {
#if DURABLE_STREAMS_CRC32C_X86
  static constexpr std::array<Crc32cVariant, 2> kVariants{
      {{"sse4.2", extend_by_sse42}, {"tables", extend_by_tables}}};
  return std::span(kVariants).subspan(has_sse42() ? 0 : 1);
#elif DURABLE_STREAMS_CRC32C_ARM
  static constexpr std::array<Crc32cVariant, 2> kVariants{
      {{"armv8", extend_by_armv8}, {"tables", extend_by_tables}}};
  return kVariants;
#else
  static constexpr std::array<Crc32cVariant, 1> kVariants{{{"tables", extend_by_tables}}};
  return kVariants;
#endif
}

}  // namespace internal

std::uint32_t crc32c(std::uint32_t seed_crc, std::string_view bytes) {
  static const auto kExtend = internal::crc32c_variants().front().extend;
  return kExtend(seed_crc, bytes.data(), bytes.size());
}

}  // namespace durable_streams

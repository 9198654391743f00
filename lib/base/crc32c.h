// CRC32C (Castagnoli), the checksum of all that the file store writes, by the processor's own
// instructions where it has them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace durable_streams {

// The checksum of what `seed_crc` is the checksum of, followed by `bytes`; a `seed_crc` of 0 is
// that of nothing.
std::uint32_t crc32c(std::uint32_t seed_crc, std::string_view bytes);

namespace internal {

// One way to compute it. All give the same answers.
struct Crc32cVariant {
  std::string_view name;
  std::uint32_t (*extend)(std::uint32_t seed_crc, const char* bytes, std::size_t size);
};

// Those that this machine can run, the fastest first.
std::span<const Crc32cVariant> crc32c_variants();

}  // namespace internal
}  // namespace durable_streams

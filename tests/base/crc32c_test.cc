// CRC32C against published values and its own definition, in every variant that the machine can
// run.
#include "base/crc32c.h"

#include <cstdint>
#include <string>
#include <string_view>

#include "tests/support/catch.h"
#include "tests/support/seed.h"

namespace durable_streams {
namespace {

// Bit by bit, as the definition reads.
std::uint32_t by_definition(std::string_view bytes) {
  std::uint32_t crc = 0xffffffff;
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78 : 0);
  }
  return ~crc;
}

std::string random_bytes(Random& random, std::size_t size) {
  std::string bytes;
  for (std::size_t i = 0; i < size; ++i) bytes += static_cast<char>(random.below(256));
  return bytes;
}

std::string counted(int first, int step) {
  std::string bytes;
  for (int i = 0; i < 32; ++i) bytes += static_cast<char>(first + i * step);
  return bytes;
}

}  // namespace

TEST_CASE("checksums are those of RFC 3720, appendix B.4", "[base][crc32c]") {
  const std::string read_command(
      "\x01\xc0\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
      "\x14\x00\x00\x00\x00\x00\x04\x00\x00\x00\x00\x14\x00\x00\x00\x18"
      "\x28\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00",
      48);
  CHECK(crc32c(0, std::string(32, '\0')) == 0x8a9136aa);
  CHECK(crc32c(0, std::string(32, '\xff')) == 0x62a8ab43);
  CHECK(crc32c(0, counted(0, 1)) == 0x46dd794e);
  CHECK(crc32c(0, counted(31, -1)) == 0x113fdb5c);
  CHECK(crc32c(0, read_command) == 0xd9963a56);
  CHECK(crc32c(0, "123456789") == 0xe3069283);
}

TEST_CASE("the checksum of nothing leaves the seed as it is", "[base][crc32c]") {
  CHECK(crc32c(0, "") == 0);
  CHECK(crc32c(0xdeadbeef, std::string_view()) == 0xdeadbeef);
}

TEST_CASE("all variants of the checksum agree at every length and alignment", "[base][crc32c]") {
  const std::uint64_t seed = random_seed();
  INFO("DURABLE_STREAMS_SEED=" << seed);
  Random random(seed);
  const std::string bytes = random_bytes(random, 1025 + 16);
  for (const internal::Crc32cVariant& variant : internal::crc32c_variants()) {
    INFO(variant.name);
    for (std::size_t at = 0; at < 16; ++at) {
      for (std::size_t size = 0; size <= 1025; ++size) {
        const std::string_view part = std::string_view(bytes).substr(at, size);
        if (variant.extend(0, part.data(), part.size()) == by_definition(part)) continue;
        FAIL("differs for " << size << " bytes at " << at);
      }
    }
  }
}

TEST_CASE("all variants of the checksum agree on long inputs", "[base][crc32c]") {
  const std::uint64_t seed = random_seed();
  INFO("DURABLE_STREAMS_SEED=" << seed);
  Random random(seed);
  const std::string bytes = random_bytes(random, 20'000);
  for (const internal::Crc32cVariant& variant : internal::crc32c_variants()) {
    INFO(variant.name);
    for (int round = 0; round < 100; ++round) {
      const std::size_t at = random.below(64);
      const std::string_view part =
          std::string_view(bytes).substr(at, random.below(bytes.size() - at));
      INFO(part.size() << " bytes at " << at);
      CHECK(variant.extend(0, part.data(), part.size()) == by_definition(part));
    }
  }
}

TEST_CASE("a checksum may be computed piece by piece", "[base][crc32c]") {
  const std::uint64_t seed = random_seed();
  INFO("DURABLE_STREAMS_SEED=" << seed);
  Random random(seed);
  const std::string bytes = random_bytes(random, 10'000);
  for (const internal::Crc32cVariant& variant : internal::crc32c_variants()) {
    INFO(variant.name);
    for (int round = 0; round < 100; ++round) {
      const std::size_t cut = random.below(bytes.size());
      const std::uint32_t first = variant.extend(0, bytes.data(), cut);
      CHECK(variant.extend(first, bytes.data() + cut, bytes.size() - cut) == by_definition(bytes));
    }
  }
}

}  // namespace durable_streams

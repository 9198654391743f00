// Numbers are little-endian. Checksums come where they can be verified before any length is
// believed.
#include "store/file/journal_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/byte_reader.h"
#include "base/byte_writer.h"
#include "base/crc32c.h"

namespace durable_streams::journal_format {

namespace {

constexpr std::string_view kMagic = "DSJRNL\r\n";
constexpr std::uint32_t kRecycled = 1;
constexpr std::size_t kChecksumBytes = sizeof(std::uint32_t);
constexpr std::size_t kDigits = 16;

}  // namespace

std::string encode(const SegmentHeader& header) {
  std::string out(kMagic);
  ByteWriter writer(out);
  writer.u32(kVersion);
  writer.u32(header.recycled ? kRecycled : 0);
  writer.u64(header.store_id);
  writer.u64(header.number);
  out.resize(kSegmentHeaderBytes - kChecksumBytes);
  writer.u32(crc32c(0, out));
  return out;
}

SegmentRead decode(std::string_view bytes, SegmentHeader& out) {
  if (bytes.size() != kSegmentHeaderBytes || !bytes.starts_with(kMagic))
    return SegmentRead::kDamaged;
  const std::string_view covered = bytes.substr(0, kSegmentHeaderBytes - kChecksumBytes);
  if (load_little_endian<std::uint32_t>(bytes.data() + covered.size()) != crc32c(0, covered)) {
    return SegmentRead::kDamaged;
  }
  ByteReader in(bytes.substr(kMagic.size()));
  if (in.u32() != kVersion) return SegmentRead::kNewerVersion;
  out.recycled = (in.u32() & kRecycled) != 0;
  out.store_id = in.u64();
  out.number = in.u64();
  return SegmentRead::kValid;
}

std::uint32_t batch_seed(std::uint64_t store_id, SegmentNumber number) {
  char bytes[2 * sizeof(std::uint64_t)];
  store_little_endian(store_id, bytes);
  store_little_endian(number, bytes + sizeof(std::uint64_t));
  return crc32c(0, std::string_view(bytes, sizeof(bytes)));
}

void encode(const BatchHeader& header, std::uint32_t seed, char* out) {
  store_little_endian(header.payload_checksum, out + 4);
  store_little_endian(header.segment, out + kNumberAt);
  store_little_endian(header.first, out + 16);
  store_little_endian(header.durable, out + 24);
  store_little_endian(header.payload_bytes, out + 32);
  store_little_endian(header.records, out + 40);
  store_little_endian(std::uint32_t{0}, out + 44);
  const std::string_view covered(out + kChecksumBytes, kBatchHeaderBytes - kChecksumBytes);
  store_little_endian(crc32c(seed, covered), out);
}

std::optional<BatchHeader> decode_batch(std::string_view bytes, std::uint32_t seed,
                                        SegmentNumber number) {
  if (bytes.size() < kBatchHeaderBytes) return std::nullopt;
  if (!names_segment(bytes, number)) return std::nullopt;
  const std::string_view covered = bytes.substr(kChecksumBytes, kBatchHeaderBytes - kChecksumBytes);
  if (load_little_endian<std::uint32_t>(bytes.data()) != crc32c(seed, covered)) return std::nullopt;
  ByteReader in(covered);
  BatchHeader header;
  header.payload_checksum = in.u32();
  header.segment = in.u64();
  header.first = in.u64();
  header.durable = in.u64();
  header.payload_bytes = in.u64();
  header.records = in.u32();
  const bool possible = header.first > 0 && header.records > 0 &&
                        header.first <= std::numeric_limits<Lsn>::max() - header.records &&
                        header.durable < std::numeric_limits<Lsn>::max() &&
                        header.payload_bytes >= header.records;
  return possible ? std::optional(header) : std::nullopt;
}

std::string file_name(SegmentNumber number, std::string_view ending) {
  return fmt::format("{:016}{}", number, ending);
}

std::optional<SegmentNumber> number_in(std::string_view name, std::string_view ending) {
  if (name.size() != kDigits + ending.size() || !name.ends_with(ending)) return std::nullopt;
  SegmentNumber number = 0;
  for (const char digit : name.substr(0, kDigits)) {
    if (digit < '0' || digit > '9') return std::nullopt;
    number = number * 10 + static_cast<SegmentNumber>(digit - '0');
  }
  return number == 0 ? std::nullopt : std::optional(number);
}

}  // namespace durable_streams::journal_format

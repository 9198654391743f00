// Headers and footers as bytes, and what the checksums of a pack cover.
#include "store/file/pack_format.h"

#include "base/byte_reader.h"
#include "base/byte_writer.h"
#include "base/crc32c.h"

namespace durable_streams::pack_format {

namespace {

constexpr std::string_view kHeaderMagic = "DSTPACK\n";
constexpr std::uint32_t kFooterMagic = 0x444e4550;  // "PEND"

constexpr std::size_t kChecksumBytes = sizeof(std::uint32_t);

static_assert(kHeaderBytes == kHeaderMagic.size() + 2 * sizeof(std::uint64_t) +
                                  sizeof(std::uint32_t) + kChecksumBytes);
static_assert(kFooterBytes == 7 * sizeof(std::uint64_t) + kChecksumBytes + sizeof(std::uint32_t));
static_assert(kBlockHeaderBytes == kChecksumBytes + sizeof(std::uint32_t));
static_assert(kPageHeaderBytes == kChecksumBytes + sizeof(std::uint32_t));

}  // namespace

std::string encode_header(const Header& header) {
  std::string out;
  ByteWriter writer(out);
  writer.raw(kHeaderMagic);
  writer.u64(header.pack);
  writer.u64(header.store_id);
  writer.u32(header.version);
  writer.u32(crc32c(0, out));
  return out;
}

bool decode_header(std::string_view bytes, Header& out) {
  ByteReader reader(bytes);
  if (reader.raw(kHeaderMagic.size()) != kHeaderMagic) return false;
  out.pack = reader.u64();
  out.store_id = reader.u64();
  out.version = reader.u32();
  const std::uint32_t checksum = reader.u32();
  return reader.ok() && checksum == crc32c(0, bytes.substr(0, kHeaderBytes - kChecksumBytes));
}

std::string encode_footer(const Footer& footer) {
  std::string out;
  ByteWriter writer(out);
  writer.u64(footer.pack);
  writer.u64(footer.index_offset);
  writer.u64(footer.index_bytes);
  writer.u64(footer.entries);
  writer.u64(footer.stream_bytes);
  writer.u64(footer.lowest_lsn);
  writer.u64(footer.highest_lsn);
  writer.u32(crc32c(0, out));
  writer.u32(kFooterMagic);
  return out;
}

bool decode_footer(std::string_view bytes, Footer& out) {
  ByteReader reader(bytes);
  out.pack = reader.u64();
  out.index_offset = reader.u64();
  out.index_bytes = reader.u64();
  out.entries = reader.u64();
  out.stream_bytes = reader.u64();
  out.lowest_lsn = reader.u64();
  out.highest_lsn = reader.u64();
  const std::uint32_t checksum = reader.u32();
  const std::uint32_t magic = reader.u32();
  return reader.ok() && magic == kFooterMagic &&
         checksum == crc32c(0, bytes.substr(0, 7 * sizeof(std::uint64_t)));
}

std::uint32_t block_checksum(const BlockPlace& place, std::uint32_t end_bytes,
                             std::string_view content) {
  char seed[32];
  store_little_endian(place.pack, seed);
  store_little_endian(place.stream, seed + 8);
  store_little_endian(place.first, seed + 16);
  store_little_endian(place.data_bytes, seed + 24);
  store_little_endian(end_bytes, seed + 28);
  return crc32c(crc32c(0, std::string_view(seed, sizeof(seed))), content);
}

std::uint32_t page_checksum(PackId pack, std::uint64_t offset, std::string_view content) {
  char seed[20];
  store_little_endian(pack, seed);
  store_little_endian(offset, seed + 8);
  store_little_endian(static_cast<std::uint32_t>(content.size()), seed + 16);
  return crc32c(crc32c(0, std::string_view(seed, sizeof(seed))), content);
}

bool extent_is_possible(const Extent& extent, PackId pack, std::uint64_t index_offset) {
  if (extent.pack != pack || extent.to <= extent.from || extent.offset < kHeaderBytes) return false;
  const std::uint64_t data = extent.to - extent.from;
  if (data > index_offset || extent.offset > index_offset) return false;
  const std::uint64_t blocks = block_count(extent);
  const std::uint64_t blocks_end = extent.offset + blocks * kBlockHeaderBytes + data;
  if (blocks == 1) return extent.directory == 0 && blocks_end <= index_offset;
  if (extent.directory < blocks_end || extent.directory > index_offset) return false;
  return (blocks - 1) * kDirectoryEntryBytes <= index_offset - extent.directory;
}

}  // namespace durable_streams::pack_format

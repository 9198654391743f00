// A pack's bytes: what the writer of packs and their reader share, and nothing else needs to know
// (docs/disk-format.md, "Packs").
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "store/file/catalog.h"
#include "store/file/pack_writer.h"

namespace durable_streams::pack_format {

inline constexpr std::uint32_t kVersion = 1;
inline constexpr std::uint64_t kHeaderBytes = 32;
inline constexpr std::uint64_t kFooterBytes = 64;

// Every block of an extent but its last holds exactly so many bytes of the stream.
inline constexpr std::uint64_t kBlockDataBytes = 64 << 10;
inline constexpr std::uint64_t kBlockHeaderBytes = 8;
inline constexpr std::uint64_t kDirectoryEntryBytes = 8;

inline constexpr std::size_t kPageHeaderBytes = 8;
inline constexpr std::size_t kPageBytes = 64 << 10;  // a page is written when it has grown to this
inline constexpr std::size_t kPageBytesMax = 1 << 20;  // no item of the index is longer
inline constexpr std::uint64_t kEntryBytesMin = 2;     // no entry of the index is shorter

struct Header {
  std::uint32_t version = kVersion;
  PackId pack = 0;
  std::uint64_t store_id = 0;
};

struct Footer {
  PackId pack = 0;
  std::uint64_t index_offset = 0;
  std::uint64_t index_bytes = 0;
  std::uint64_t entries = 0;  // of the index: streams, removed ones and replaced packs
  std::uint64_t stream_bytes = 0;
  Lsn lowest_lsn = 0;  // of those that entries name; both 0 when there are none
  Lsn highest_lsn = 0;
};

// Kinds of items of the index. Extents and producers, forgotten ones too, belong to the stream
// before them.
enum class Item : std::uint8_t {
  kStream = 1,
  kExtent = 2,
  kProducer = 3,
  kRemoved = 4,
  kReplaced = 5,
  kForgottenProducer = 6,
};

// Where a block stands, which its checksum covers along with its bytes: one that landed elsewhere
// does not pass.
struct BlockPlace {
  PackId pack = 0;
  StreamId stream = 0;
  std::uint64_t first = 0;  // position in the stream
  std::uint32_t data_bytes = 0;

  bool operator==(const BlockPlace&) const = default;
};

std::string encode_header(const Header& header);
std::string encode_footer(const Footer& footer);

// False: the bytes are none, or fail their checksum. `bytes` are as many as a header or a footer
// has.
bool decode_header(std::string_view bytes, Header& out);
bool decode_footer(std::string_view bytes, Footer& out);

// Of a block whose data and then ends are `content`.
std::uint32_t block_checksum(const BlockPlace& place, std::uint32_t end_bytes,
                             std::string_view content);
std::uint32_t page_checksum(PackId pack, std::uint64_t offset, std::string_view content);

// How many blocks an extent has; it is not empty.
inline std::uint64_t block_count(const Extent& extent) {
  return (extent.to - extent.from - 1) / kBlockDataBytes + 1;
}

inline std::uint64_t block_first(const Extent& extent, std::uint64_t block) {
  return extent.from + block * kBlockDataBytes;
}

inline std::uint64_t block_data_bytes(const Extent& extent, std::uint64_t block) {
  const std::uint64_t left = extent.to - block_first(extent, block);
  return left < kBlockDataBytes ? left : kBlockDataBytes;
}

// Whether bytes of the pack can look so: an extent that does not may come from damage, and is not
// to be followed.
bool extent_is_possible(const Extent& extent, PackId pack, std::uint64_t index_offset);

}  // namespace durable_streams::pack_format

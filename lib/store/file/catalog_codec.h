// The catalog's keys and values as bytes (docs/disk-format.md, "Catalog"). They stand apart from
// LMDB so that the decoders can be shown bytes that no undamaged catalog holds.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "store/file/catalog.h"

namespace durable_streams {

// A newer one is refused, an older one would be converted when it is opened.
inline constexpr std::uint32_t kCatalogFormat = 1;

enum class CatalogTable : std::uint8_t {
  kMeta,
  kPaths,
  kStreams,
  kExtents,
  kProducers,
  kDeadlines,
  kPacks,
};

inline constexpr std::size_t kCatalogTables = 7;

// As LMDB knows it, and as errors name it: `streams`.
std::string_view to_string(CatalogTable table);

// LMDB's limit; decoded paths (480) and producers' keys (8 + 256) keep within it.
inline constexpr std::size_t kCatalogKeyBytesMax = 511;

// No value is longer: a stream's record has at most 64 KiB of content type, and little else. A
// longer one comes from a damaged page.
inline constexpr std::size_t kCatalogValueBytesMax = std::size_t{128} << 10;

// A key, numbers first with their high byte first, so that LMDB's order is the numbers'. Threads:
// one at a time.
class CatalogKey {
 public:
  CatalogKey& number(std::uint64_t value) {
    for (unsigned shift = 64; shift != 0; shift -= 8) {
      bytes_[size_++] = static_cast<char>(static_cast<unsigned char>(value >> (shift - 8)));
    }
    return *this;
  }

  CatalogKey& time(WallTime value);

  // As many of the bytes as a key has room for; check with fits() first.
  CatalogKey& text(std::string_view value);
  static bool fits(std::size_t text_bytes, std::size_t numbers) {
    return text_bytes + numbers * 8 <= kCatalogKeyBytesMax;
  }

  std::string_view view() const { return {bytes_.data(), size_}; }

 private:
  std::array<char, kCatalogKeyBytesMax> bytes_;
  std::size_t size_ = 0;
};

// What the entries are kept under.
inline constexpr std::string_view kMetaKey = "catalog";
inline constexpr std::string_view kFormatKey = "format";
inline constexpr std::string_view kTotalsKey = "totals";
CatalogKey id_key(std::uint64_t id);  // a stream's or a pack's
CatalogKey extent_key(StreamId id, std::uint64_t from);
CatalogKey producer_key(StreamId id, std::string_view producer_id);
CatalogKey deadline_key(const DueStream& due);

// A key for people: `stream 7 from 4096`; what is no such key, as it is.
std::string describe_key(CatalogTable table, std::string_view key);

// Adds to a value its checksum, which also covers table and key: an entry that strayed is found
// too.
void seal_value(CatalogTable table, std::string_view key, std::string& value);
// The value without its checksum; nullopt: it fails it.
std::optional<std::string_view> open_value(CatalogTable table, std::string_view key,
                                           std::string_view value);

// Values without their checksums; an encoder replaces `out`. False: the bytes are no such entry,
// and `out` holds anything.
void encode_format(std::uint32_t format, std::string& out);
bool decode_format(std::string_view value, std::uint32_t& out);
void encode_meta(const CatalogMeta& meta, std::string& out);
bool decode_meta(std::string_view value, CatalogMeta& out);
void encode_totals(const CatalogTotals& totals, std::string& out);
bool decode_totals(std::string_view value, CatalogTotals& out);
void encode_path_entry(StreamId id, std::string& out);
bool decode_path_entry(std::string_view value, StreamId& out);
void encode_stream(const SettledStream& stream, std::string& out);
bool decode_stream(std::string_view key, std::string_view value, SettledStream& out);
void encode_extent(const Extent& extent, std::string& out);
bool decode_extent(std::string_view key, std::string_view value, Extent& out);
void encode_producer(ProducerState state, std::string& out);
bool decode_producer(std::string_view value, ProducerState& out);
bool decode_deadline(std::string_view key, std::string_view value, DueStream& out);
void encode_pack(const PackInfo& pack, std::string& out);
bool decode_pack(std::string_view key, std::string_view value, PackInfo& out);

}  // namespace durable_streams

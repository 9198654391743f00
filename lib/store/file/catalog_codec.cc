// Keys and values of the catalog's seven tables, and the checksum that every value ends with.
#include "store/file/catalog_codec.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <limits>

#include "base/byte_reader.h"
#include "base/byte_writer.h"
#include "base/crc32c.h"
#include "store/file/producer_codec.h"
#include "store/file/record_codec.h"

namespace durable_streams {
namespace {

constexpr std::size_t kNumberBytes = 8;
constexpr std::size_t kChecksumBytes = 4;
constexpr std::uint8_t kMetaClean = 1 << 0;
constexpr std::uint8_t kMetaMayLose = 1 << 1;
constexpr std::uint64_t kSignBit = std::uint64_t{1} << 63;

std::uint64_t ordered(WallTime time) {
  return static_cast<std::uint64_t>(time.time_since_epoch().count()) ^ kSignBit;
}

std::uint64_t load_big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char byte : bytes.substr(0, kNumberBytes)) {
    value = value << 8 | static_cast<unsigned char>(byte);
  }
  return value;
}

// Reads a key of `Count` numbers; false when it is not that long.
template <std::size_t Count>
bool split_key(std::string_view key, std::array<std::uint64_t, Count>& out) {
  if (key.size() != Count * kNumberBytes) return false;
  for (std::size_t i = 0; i < Count; ++i) out[i] = load_big_endian(key.substr(i * kNumberBytes));
  return true;
}

bool finished(const ByteReader& in) { return in.ok() && in.at_end(); }

// Paths and producer ids hold any byte, a log line should not.
std::string printable(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) {
    const auto code = static_cast<unsigned char>(byte);
    if (code >= 0x20 && code != 0x7f && code != '\\') {
      text.push_back(byte);
    } else {
      text += fmt::format("\\x{:02x}", code);
    }
  }
  return text;
}

std::uint32_t checksum(CatalogTable table, std::string_view key, std::string_view value) {
  return crc32c(crc32c(crc32c(0, to_string(table)), key), value);
}

}  // namespace

std::string_view to_string(CatalogTable table) {
  switch (table) {
    case CatalogTable::kMeta:
      return "meta";
    case CatalogTable::kPaths:
      return "paths";
    case CatalogTable::kStreams:
      return "streams";
    case CatalogTable::kExtents:
      return "extents";
    case CatalogTable::kProducers:
      return "producers";
    case CatalogTable::kDeadlines:
      return "deadlines";
    case CatalogTable::kPacks:
      return "packs";
  }
  return "";
}

CatalogKey& CatalogKey::time(WallTime value) { return number(ordered(value)); }

CatalogKey& CatalogKey::text(std::string_view value) {
  const std::size_t count = std::min(value.size(), bytes_.size() - size_);
  std::copy_n(value.data(), count, bytes_.data() + size_);
  size_ += count;
  return *this;
}

CatalogKey id_key(std::uint64_t id) { return CatalogKey().number(id); }

CatalogKey extent_key(StreamId id, std::uint64_t from) {
  return CatalogKey().number(id).number(from);
}

CatalogKey producer_key(StreamId id, std::string_view producer_id) {
  return CatalogKey().number(id).text(producer_id);
}

CatalogKey deadline_key(const DueStream& due) {
  return CatalogKey().time(due.deadline).number(due.id);
}

std::string describe_key(CatalogTable table, std::string_view key) {
  std::array<std::uint64_t, 1> one{};
  std::array<std::uint64_t, 2> two{};
  switch (table) {
    case CatalogTable::kStreams:
      if (split_key(key, one)) return fmt::format("stream {}", one[0]);
      break;
    case CatalogTable::kPacks:
      if (split_key(key, one)) return fmt::format("pack {}", one[0]);
      break;
    case CatalogTable::kExtents:
      if (split_key(key, two)) return fmt::format("stream {} from {}", two[0], two[1]);
      break;
    case CatalogTable::kDeadlines:
      if (split_key(key, two)) {
        return fmt::format("stream {} at {} ms", two[1],
                           static_cast<std::int64_t>(two[0] ^ kSignBit));
      }
      break;
    case CatalogTable::kProducers:
      if (key.size() < kNumberBytes) break;
      return fmt::format("stream {} producer '{}'", load_big_endian(key),
                         printable(key.substr(kNumberBytes)));
    case CatalogTable::kMeta:
    case CatalogTable::kPaths:
      break;
  }
  return fmt::format("'{}'", printable(key));
}

void seal_value(CatalogTable table, std::string_view key, std::string& value) {
  const std::uint32_t sum = checksum(table, key, value);
  ByteWriter(value).u32(sum);
}

std::optional<std::string_view> open_value(CatalogTable table, std::string_view key,
                                           std::string_view value) {
  if (value.size() < kChecksumBytes) return std::nullopt;
  const std::string_view body = value.substr(0, value.size() - kChecksumBytes);
  const auto stored = load_little_endian<std::uint32_t>(value.data() + body.size());
  if (checksum(table, key, body) != stored) return std::nullopt;
  return body;
}

void encode_format(std::uint32_t format, std::string& out) {
  out.clear();
  ByteWriter(out).u32(format);
}

bool decode_format(std::string_view value, std::uint32_t& out) {
  ByteReader in(value);
  out = in.u32();
  return finished(in);
}

void encode_meta(const CatalogMeta& meta, std::string& out) {
  out.clear();
  ByteWriter to(out);
  to.u64(meta.store_id);
  to.u64(meta.settled);
  to.u64(meta.settling);
  to.u64(meta.next_stream_id);
  to.u64(meta.next_pack_id);
  to.u64(static_cast<std::uint64_t>(meta.ttl_floor.time_since_epoch().count()));
  to.u64(meta.read_sequence);
  to.u8(static_cast<std::uint8_t>((meta.clean ? kMetaClean : 0) |
                                  (meta.may_lose ? kMetaMayLose : 0)));
}

bool decode_meta(std::string_view value, CatalogMeta& out) {
  ByteReader in(value);
  out.store_id = in.u64();
  out.settled = in.u64();
  out.settling = in.u64();
  out.next_stream_id = in.u64();
  out.next_pack_id = in.u64();
  out.ttl_floor = WallTime(std::chrono::milliseconds(static_cast<std::int64_t>(in.u64())));
  out.read_sequence = in.u64();
  const std::uint8_t flags = in.u8();
  out.clean = (flags & kMetaClean) != 0;
  out.may_lose = (flags & kMetaMayLose) != 0;
  return finished(in) && (flags & ~(kMetaClean | kMetaMayLose)) == 0;
}

void encode_totals(const CatalogTotals& totals, std::string& out) {
  out.clear();
  ByteWriter to(out);
  to.u64(totals.streams);
  to.u64(totals.stored_bytes);
  to.u64(totals.releases_owed);
}

bool decode_totals(std::string_view value, CatalogTotals& out) {
  ByteReader in(value);
  out.streams = in.u64();
  out.stored_bytes = in.u64();
  out.releases_owed = in.u64();
  return finished(in);
}

void encode_path_entry(StreamId id, std::string& out) {
  out.clear();
  ByteWriter(out).varint(id);
}

bool decode_path_entry(std::string_view value, StreamId& out) {
  ByteReader in(value);
  out = in.varint();
  return finished(in);
}

void encode_stream(const SettledStream& stream, std::string& out) {
  out.clear();
  ByteWriter to(out);
  to.varint(stream.lsn);
  to.varint(stream.releases_owed);
  encode_record(stream.record, out);
}

bool decode_stream(std::string_view key, std::string_view value, SettledStream& out) {
  std::array<std::uint64_t, 1> id{};
  ByteReader in(value);
  out.lsn = in.varint();
  const std::uint64_t owed = in.varint();
  out.releases_owed = static_cast<std::uint32_t>(owed);
  return owed <= UINT32_MAX && split_key(key, id) && decode_record(in, out.record) &&
         finished(in) && out.record.id == id[0];
}

void encode_extent(const Extent& extent, std::string& out) {
  out.clear();
  ByteWriter to(out);
  to.varint(extent.to - extent.from);
  to.varint(extent.pack);
  to.varint(extent.offset);
  to.varint(extent.directory);
}

bool decode_extent(std::string_view key, std::string_view value, Extent& out) {
  std::array<std::uint64_t, 2> place{};
  ByteReader in(value);
  const std::uint64_t length = in.varint();
  out.pack = in.varint();
  out.offset = in.varint();
  out.directory = in.varint();
  if (!split_key(key, place) || !finished(in)) return false;
  if (length == 0 || length > std::numeric_limits<std::uint64_t>::max() - place[1]) return false;
  out.from = place[1];
  out.to = out.from + length;
  return true;
}

void encode_producer(ProducerState state, std::string& out) {
  out.clear();
  ByteWriter to(out);
  encode_producer_state(state, to);
}

bool decode_producer(std::string_view value, ProducerState& out) {
  ByteReader in(value);
  out = decode_producer_state(in);
  return finished(in);
}

bool decode_deadline(std::string_view key, std::string_view value, DueStream& out) {
  std::array<std::uint64_t, 2> due{};
  if (!split_key(key, due) || !value.empty()) return false;
  out.deadline = WallTime(std::chrono::milliseconds(static_cast<std::int64_t>(due[0] ^ kSignBit)));
  out.id = due[1];
  return true;
}

void encode_pack(const PackInfo& pack, std::string& out) {
  out.clear();
  ByteWriter to(out);
  to.varint(pack.file_bytes);
  to.varint(pack.stream_bytes);
  to.varint(pack.live_bytes);
}

bool decode_pack(std::string_view key, std::string_view value, PackInfo& out) {
  std::array<std::uint64_t, 1> id{};
  ByteReader in(value);
  out.file_bytes = in.varint();
  out.stream_bytes = in.varint();
  out.live_bytes = in.varint();
  out.id = split_key(key, id) ? id[0] : 0;
  return finished(in) && key.size() == kNumberBytes;
}

}  // namespace durable_streams

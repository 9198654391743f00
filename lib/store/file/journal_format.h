// The journal's bytes: what its writer and its recovery share, and nothing else needs to know
// (docs/disk-format.md, "Journal").
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/byte_reader.h"
#include "store/file/catalog.h"

namespace durable_streams::journal_format {

using SegmentNumber = std::uint64_t;

inline constexpr std::uint32_t kVersion = 1;
inline constexpr std::size_t kSegmentHeaderBytes = 4096;
inline constexpr std::size_t kBatchHeaderBytes = 48;
inline constexpr std::size_t kAlignment = 8;  // of batches in a segment
inline constexpr std::size_t kNumberAt = 8;   // of the segment's number in a batch header

static_assert(kSegmentHeaderBytes % kAlignment == 0 && kBatchHeaderBytes % kAlignment == 0);

struct SegmentHeader {
  std::uint64_t store_id = 0;
  SegmentNumber number = 0;
  bool recycled = false;  // behind its batches may lie those of an older segment, else zeros

  friend bool operator==(const SegmentHeader&, const SegmentHeader&) = default;
};

struct BatchHeader {
  std::uint32_t payload_checksum = 0;
  SegmentNumber segment = 0;
  Lsn first = 0;
  Lsn durable = 0;  // known to be when the batch was written
  std::uint64_t payload_bytes = 0;
  std::uint32_t records = 0;

  Lsn last() const { return first + records - 1; }
  friend bool operator==(const BatchHeader&, const BatchHeader&) = default;
};

enum class SegmentRead : std::uint8_t { kValid, kDamaged, kNewerVersion };

std::string encode(const SegmentHeader& header);
SegmentRead decode(std::string_view bytes, SegmentHeader& out);

// What the checksums of a segment's batches begin with: no batch of another segment or store passes
// for one of this.
std::uint32_t batch_seed(std::uint64_t store_id, SegmentNumber number);

// To `out`, which has room for kBatchHeaderBytes.
void encode(const BatchHeader& header, std::uint32_t seed, char* out);
// Nullopt unless the bytes are the header of a batch of segment `number`, whole and possible.
std::optional<BatchHeader> decode_batch(std::string_view bytes, std::uint32_t seed,
                                        SegmentNumber number);

// Whether this may be a batch of segment `number`, or what is left of one: a cheap look that tells
// most others apart.
inline bool names_segment(std::string_view bytes, SegmentNumber number) {
  return bytes.size() >= kNumberAt + sizeof(number) &&
         load_little_endian<SegmentNumber>(bytes.data() + kNumberAt) == number;
}

// Bytes of the segment that a batch takes.
constexpr std::uint64_t batch_bytes(std::uint64_t payload_bytes) {
  const std::uint64_t bytes = kBatchHeaderBytes + payload_bytes;
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

// Names in the journal's directory.
inline constexpr std::string_view kSegmentEnding = ".log";
inline constexpr std::string_view kSpareEnding = ".spare";
inline constexpr std::string_view kTemporaryEnding = ".tmp";

std::string file_name(SegmentNumber number, std::string_view ending);
// The number in a name with this ending; nullopt: it is no such name.
std::optional<SegmentNumber> number_in(std::string_view name, std::string_view ending);

}  // namespace durable_streams::journal_format

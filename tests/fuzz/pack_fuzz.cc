// Feeds packs that something has spoiled to their reader: it must neither stray from them nor take
// damage for a stream's bytes. The first byte of the input says what the rest is.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_reader.h"
#include "base/byte_writer.h"
#include "store/file/pack.h"
#include "store/file/pack_format.h"
#include "tests/store_file/memory_files.h"
#include "tests/store_file/pack_samples.h"

namespace durable_streams {
namespace {

constexpr auto kWait = Pack::Wait::kYes;
constexpr PackId kPack = 1;

void require(bool condition) {
  if (!condition) std::abort();
}

void require_told(const Error& error) {
  require(error.code == ErrorCode::kCorruption || error.code == ErrorCode::kUnavailable);
  require(!error.message.empty());
}

// Reads an extent in all ways; what comes must lie within it.
void read_extent(Pack& pack, StreamId id, const Extent& extent) {
  const Result<std::string> bytes = read_pack(pack, id, extent, extent.from, extent.to);
  if (!bytes) return require_told(bytes.error());
  require(bytes->size() == extent.to - extent.from);
  std::uint64_t at = extent.from;
  while (at < extent.to) {
    const Result<std::uint64_t> end = *pack.append_end_after(kWait, id, extent, at);
    if (!end) return require_told(end.error());
    if (*end == UINT64_MAX) break;
    require(*end > at && *end <= extent.to);
    require(*pack.last_append_end(kWait, id, extent, at, *end)->operator->() == *end);
    at = *end;
  }
  require(pack.verify(id, extent).ok());
}

void read_all(MemoryFiles& files) {
  const Result<std::unique_ptr<Pack>> pack = Pack::open(files, pack_place(kPack));
  if (!pack) return require_told(pack.error());
  PackIndexCursor cursor;
  PackIndexEntry entry;
  while (true) {
    const Result<bool> next = (*pack)->next_index_entry(cursor, entry);
    if (!next) return require_told(next.error());
    if (!*next) return;
    if (entry.kind != PackIndexEntry::Kind::kStream) continue;
    for (const Extent& extent : entry.stream.extents) read_extent(**pack, entry.id, extent);
  }
}

// The whole file.
void try_file(std::string_view file) {
  MemoryFiles files;
  files.put(pack_path(kPack), std::string(file));
  read_all(files);
}

// The content of an index page whose checksum is right, after its number of entries.
void try_index(std::string_view content) {
  if (content.size() < 2) return;
  std::string file = pack_format::encode_header({.pack = kPack, .store_id = kStoreId});
  file.append(100, 'x');
  const std::uint64_t offset = file.size();
  const std::uint64_t entries = static_cast<unsigned char>(content[0]);
  content.remove_prefix(1);
  ByteWriter writer(file);
  writer.u32(pack_format::page_checksum(kPack, offset, content));
  writer.u32(static_cast<std::uint32_t>(content.size()));
  writer.raw(content);
  file += pack_format::encode_footer({.pack = kPack,
                                      .index_offset = offset,
                                      .index_bytes = file.size() - offset,
                                      .entries = entries});
  try_file(file);
}

// A block whose checksum is right: how many bytes of data, those, and then its append ends.
void try_block(std::string_view content) {
  if (content.size() < 2) return;
  const std::uint64_t data_bytes = 1 + static_cast<unsigned char>(content[0]);
  content.remove_prefix(1);
  if (content.size() < data_bytes) return;
  std::string file = pack_format::encode_header({.pack = kPack, .store_id = kStoreId});
  const Extent extent{
      .from = 10, .to = 10 + data_bytes, .pack = kPack, .offset = file.size(), .directory = 0};
  const auto end_bytes = static_cast<std::uint32_t>(content.size() - data_bytes);
  ByteWriter writer(file);
  writer.u32(pack_format::block_checksum({.pack = kPack,
                                          .stream = 5,
                                          .first = 10,
                                          .data_bytes = static_cast<std::uint32_t>(data_bytes)},
                                         end_bytes, content));
  writer.u32(end_bytes);
  writer.raw(content);
  file += pack_format::encode_footer({.pack = kPack, .index_offset = file.size()});
  MemoryFiles files;
  files.put(pack_path(kPack), file);
  const std::unique_ptr<Pack> pack = open_pack(files, kPack);
  read_extent(*pack, 5, extent);
}

// Up to three bits, each by its place, of a pack that is known: as many as a checksum is sure to
// find.
void try_flips(std::string_view flips) {
  MemoryFiles files;
  const auto writer = new_pack(files, kPack);
  const std::string long_bytes(pack_format::kBlockDataBytes + 9, 'x');
  const std::vector<std::string_view> expected{"hello world", long_bytes};
  std::vector<Extent> extents;
  for (const std::string_view bytes : expected) {
    const std::vector<std::uint64_t> ends{7, 3 + bytes.size()};
    extents.push_back(write_extent(*writer, 5 + extents.size(), Framing::kBytes, 3, bytes, ends));
  }
  for (const Extent& extent : extents) {
    const StreamId id = 5 + static_cast<StreamId>(&extent - extents.data());
    const PackEntry entry{
        .stream = sample_stream(id, extent.to, 9), .extents = {extent}, .producers = {}};
    writer->index_stream(entry).value();
  }
  writer->finish().value();
  std::string& file = files.bytes(pack_path(kPack));
  ByteReader reader(flips);
  for (int i = 0; i < 3 && !reader.at_end(); ++i) {
    const std::uint32_t place = reader.u32();
    char& byte = file[place / 8 % file.size()];
    byte = static_cast<char>(static_cast<unsigned char>(byte) ^ (1U << place % 8));
  }
  read_all(files);
  const Result<std::unique_ptr<Pack>> pack = Pack::open(files, pack_place(kPack));
  if (!pack) return;
  for (std::size_t i = 0; i < extents.size(); ++i) {
    const Result<std::string> bytes = read_pack(**pack, 5 + i, extents[i], 3, extents[i].to);
    require(!bytes.ok() || *bytes == expected[i]);
    const Result<std::uint64_t> end = *(*pack)->append_end_after(kWait, 5 + i, extents[i], 4);
    require(!end.ok() || *end == 7);
  }
}

}  // namespace
}  // namespace durable_streams

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0]) {
    case 'p':
      durable_streams::try_file(rest);
      break;
    case 'i':
      durable_streams::try_index(rest);
      break;
    case 'b':
      durable_streams::try_block(rest);
      break;
    default:
      durable_streams::try_flips(rest);
      break;
  }
  return 0;
}

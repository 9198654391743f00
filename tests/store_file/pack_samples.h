// Packs for tests to write and read back.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/file/file_system.h"
#include "store/file/pack.h"
#include "store/file/pack_writer.h"
#include "tests/store_file/memory_files.h"
#include "tests/support/seed.h"

namespace durable_streams {

inline constexpr std::uint64_t kStoreId = 0x1122334455667788;

inline PackWriter::Place pack_place(PackId id) {
  return {.directory = "packs", .id = id, .store_id = kStoreId};
}

inline std::string pack_path(PackId id) { return "packs/" + pack_file_name(id); }

inline std::unique_ptr<PackWriter> new_pack(FileSystem& files, PackId id) {
  return PackWriter::create(files, pack_place(id)).value();
}

inline std::unique_ptr<Pack> open_pack(FileSystem& files, PackId id) {
  return Pack::open(files, pack_place(id)).value();
}

inline Extent write_extent(PackWriter& writer, StreamId id, Framing framing, std::uint64_t from,
                           std::string_view bytes, std::span<const std::uint64_t> append_ends) {
  writer.begin_extent(id, framing, from).value();
  for (const std::uint64_t end : append_ends) writer.add_append_end(end);
  writer.add_bytes(bytes).value();
  return writer.end_extent().value();
}

inline SettledStream sample_stream(StreamId id, std::uint64_t tail, Lsn lsn,
                                   Framing framing = Framing::kBytes) {
  SettledStream stream;
  stream.record.id = id;
  stream.record.path = "s/" + std::to_string(id);
  stream.record.content_type = framing == Framing::kJson ? "application/json" : "text/plain";
  stream.record.framing = framing;
  stream.record.version = lsn;
  stream.record.tail.position = tail;
  stream.lsn = lsn;
  return stream;
}

inline std::string text_of(std::size_t size, std::uint64_t seed = 7) {
  Random random(seed);
  std::string text(size, '\0');
  for (char& byte : text) byte = static_cast<char>('a' + random.below(26));
  return text;
}

// One pack with one extent.
struct OneExtent {
  OneExtent(std::uint64_t from, std::string content, const std::vector<std::uint64_t>& ends)
      : bytes(std::move(content)) {
    const auto writer = new_pack(files, 1);
    extent = write_extent(*writer, 5, Framing::kBytes, from, bytes, ends);
    const SettledStream stream = sample_stream(5, from + bytes.size(), 9);
    writer->index_stream({.stream = stream, .extents = {extent}, .producers = {}}).value();
    writer->finish().value();
    pack = open_pack(files, 1);
  }

  MemoryFiles files;
  std::string bytes;
  Extent extent;
  std::unique_ptr<Pack> pack;
};

// The bytes [from, to) of the stream, or the error.
inline Result<std::string> read_pack(Pack& pack, StreamId id, const Extent& extent,
                                     std::uint64_t from, std::uint64_t to) {
  std::vector<Slice> slices;
  const std::optional<Status> status = pack.read(Pack::Wait::kYes, id, extent, from, to, slices);
  if (!status->ok()) return status->error();
  std::string bytes;
  for (const Slice& slice : slices) bytes += slice.view();
  return bytes;
}

inline Result<std::vector<PackIndexEntry>> read_index(Pack& pack) {
  std::vector<PackIndexEntry> entries;
  PackIndexCursor cursor;
  while (true) {
    PackIndexEntry entry;
    const Result<bool> next = pack.next_index_entry(cursor, entry);
    if (!next) return next.error();
    if (!*next) return entries;
    entries.push_back(std::move(entry));
  }
}

}  // namespace durable_streams

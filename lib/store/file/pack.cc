// What a pack's file says is believed only where a checksum vouches for it, and no length in it is
// followed or allocated before it was held against the size of the file.
#include "store/file/pack.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/byte_reader.h"
#include "store/file/producer_codec.h"
#include "store/file/record_codec.h"

namespace durable_streams {

using pack_format::Item;

namespace {

// So many blocks are read with one call: a page of 1 MiB that begins anywhere, and some.
constexpr std::uint64_t kRunBlocks = 32;

// A block of up to so many bytes is read with all the append ends it can have; most larger ones
// need far fewer.
constexpr std::uint64_t kSmallBlockBytes = 4096;

std::uint64_t likely_end_bytes(std::uint64_t data_bytes) {
  return data_bytes <= kSmallBlockBytes ? data_bytes : data_bytes / 32 + 64;
}

std::uint64_t block_of(const Extent& extent, std::uint64_t position) {
  return (position - extent.from) / pack_format::kBlockDataBytes;
}

}  // namespace

// A block of a run, where it lies in the file and, once verified, in memory.
struct Pack::Block {
  std::uint64_t first = 0;  // position in the stream
  std::uint32_t data_bytes = 0;
  std::uint64_t begin = 0;  // in the file
  std::uint64_t end = 0;
  std::string_view bytes;
  std::string_view data;
  std::string_view ends;
};

// Blocks that follow one another, in one piece of memory.
struct Pack::Run {
  std::uint64_t first = 0;  // block of the extent
  std::size_t count = 0;
  std::array<Block, kRunBlocks> blocks;
  std::shared_ptr<char[]> memory;
};

Error Pack::corrupt(std::string_view what) const {
  return {.code = ErrorCode::kCorruption,
          .message = fmt::format("pack {}: {}", id_, what),
          .detail = {}};
}

Error Pack::corrupt_range(StreamId id, std::uint64_t from, std::uint64_t to,
                          std::string_view what) const {
  return corrupt(fmt::format("stream {}, bytes {} to {}: {}", id, from, to, what));
}

Result<std::unique_ptr<Pack>> Pack::open(FileSystem& files, const PackWriter::Place& place) {
  Result<std::unique_ptr<File>> file =
      files.open(place.directory + "/" + pack_file_name(place.id), OpenMode::kRead);
  if (!file) return std::move(file).error();
  const Result<std::uint64_t> size = (*file)->size();
  if (!size) return size.error();
  std::unique_ptr<Pack> pack(new Pack(place, std::move(file).value(), *size));
  if (const Status checked = pack->check_frame(pack->footer_); !checked.ok())
    return checked.error();
  return pack;
}

Status Pack::check_frame(pack_format::Footer& footer) {
  if (file_bytes_ < pack_format::kHeaderBytes + pack_format::kFooterBytes)
    return corrupt("it is cut short");
  char header_bytes[pack_format::kHeaderBytes];
  if (Status read = *read_at(Wait::kYes, 0, header_bytes, sizeof(header_bytes)); !read.ok())
    return read;
  pack_format::Header header;
  if (!pack_format::decode_header(std::string_view(header_bytes, sizeof(header_bytes)), header)) {
    return corrupt("its header is damaged");
  }
  if (header.version != pack_format::kVersion) {
    return Error{.code = ErrorCode::kUnavailable,
                 .message = fmt::format("pack {} has format {}; this program reads format {}", id_,
                                        header.version, pack_format::kVersion),
                 .detail = {}};
  }
  if (header.pack != id_) return corrupt(fmt::format("it calls itself pack {}", header.pack));
  if (header.store_id != store_id_) return corrupt("it belongs to another store");

  char footer_bytes[pack_format::kFooterBytes];
  const std::uint64_t footer_offset = file_bytes_ - sizeof(footer_bytes);
  if (Status read = *read_at(Wait::kYes, footer_offset, footer_bytes, sizeof(footer_bytes));
      !read.ok()) {
    return read;
  }
  if (!pack_format::decode_footer(std::string_view(footer_bytes, sizeof(footer_bytes)), footer)) {
    return corrupt("its footer is damaged, or it is cut short");
  }
  if (footer.pack != id_ || footer.index_offset < pack_format::kHeaderBytes ||
      footer.index_offset > footer_offset ||
      footer.index_bytes != footer_offset - footer.index_offset ||
      footer.stream_bytes > footer.index_offset ||
      footer.entries > footer.index_bytes / pack_format::kEntryBytesMin) {
    return corrupt("its footer is impossible");
  }
  return {};
}

PackInfo Pack::info() const {
  return {.id = id_,
          .file_bytes = file_bytes_,
          .stream_bytes = footer_.stream_bytes,
          .live_bytes = footer_.stream_bytes};
}

std::optional<Status> Pack::read_at(Wait wait, std::uint64_t offset, char* out,
                                    std::uint64_t size) {
  const auto bytes = static_cast<std::size_t>(size);
  if (wait == Wait::kNo) {
    const std::optional<Result<std::size_t>> cached = file_->read_cached(offset, out, bytes);
    if (!cached) return std::nullopt;
    if (!cached->ok()) return cached->error();
    if (**cached != bytes)
      return std::nullopt;  // whether the file ends here, a read that waits can tell
    return Status{};
  }
  const Result<std::size_t> read = file_->read(offset, out, bytes);
  if (!read) return read.error();
  if (*read != bytes) return corrupt("it is cut short");
  return Status{};
}

Status Pack::check_range(StreamId id, const Extent& extent, std::uint64_t from,
                         std::uint64_t to) const {
  if (from >= to || from < extent.from || to > extent.to ||
      !pack_format::extent_is_possible(extent, id_, footer_.index_offset)) {
    return corrupt_range(id, from, to, "they cannot lie where they are said to be");
  }
  return {};
}

Status Pack::check_block(StreamId id, const Extent& extent, Block& block) const {
  const std::uint64_t to = block.first + block.data_bytes;
  ByteReader reader(block.bytes);
  const std::uint32_t checksum = reader.u32();
  const std::uint32_t end_bytes = reader.u32();
  const std::string_view content = reader.rest();
  if (content.size() < block.data_bytes || content.size() - block.data_bytes != end_bytes) {
    return corrupt_range(id, block.first, to, "a block's length is wrong");
  }
  const pack_format::BlockPlace place{
      .pack = extent.pack, .stream = id, .first = block.first, .data_bytes = block.data_bytes};
  if (pack_format::block_checksum(place, end_bytes, content) != checksum) {
    return corrupt_range(id, block.first, to, "a block fails its checksum");
  }
  block.data = content.substr(0, block.data_bytes);
  block.ends = content.substr(block.data_bytes);
  return {};
}

// The block's length stands in it, so more is read than it is likely to have, and the rest only
// where that was too little.
std::optional<Status> Pack::load_only_block(Wait wait, StreamId id, const Extent& extent,
                                            Run& out) {
  Block& block = out.blocks[0];
  const std::uint64_t room = footer_.index_offset - extent.offset;
  const std::uint64_t least = pack_format::kBlockHeaderBytes + block.data_bytes;
  std::uint64_t size = std::min(room, least + likely_end_bytes(block.data_bytes));
  out.memory = std::make_shared_for_overwrite<char[]>(static_cast<std::size_t>(size));
  if (std::optional<Status> read = read_at(wait, extent.offset, out.memory.get(), size);
      !read || !read->ok()) {
    return read;
  }
  const std::uint64_t end_bytes =
      load_little_endian<std::uint32_t>(out.memory.get() + sizeof(std::uint32_t));
  if (end_bytes > block.data_bytes || end_bytes > room - least) {
    return corrupt_range(id, extent.from, extent.to, "a block's length is wrong");
  }
  if (least + end_bytes > size) {
    size = least + end_bytes;
    out.memory = std::make_shared_for_overwrite<char[]>(static_cast<std::size_t>(size));
    if (std::optional<Status> read = read_at(wait, extent.offset, out.memory.get(), size);
        !read || !read->ok()) {
      return read;
    }
  }
  block.begin = extent.offset;
  block.end = extent.offset + least + end_bytes;
  return Status{};
}

// Reads from the extent's directory where the blocks of the run begin and end. No checksum covers
// it: a block that is not where it says fails its own.
std::optional<Status> Pack::find_blocks(Wait wait, StreamId id, const Extent& extent, Run& out) {
  constexpr std::uint64_t kEntryBytes = pack_format::kDirectoryEntryBytes;
  const std::uint64_t entries = pack_format::block_count(extent) - 1;
  const std::uint64_t first_entry =
      out.first == 0 ? 0 : out.first - 1;  // entry i: where block i + 1 begins
  const std::uint64_t last_entry = std::min(entries, out.first + out.count);
  char bytes[(kRunBlocks + 1) * kEntryBytes];
  const std::uint64_t size = (last_entry - first_entry) * kEntryBytes;
  if (std::optional<Status> read =
          read_at(wait, extent.directory + first_entry * kEntryBytes, bytes, size);
      !read || !read->ok()) {
    return read;
  }
  ByteReader reader(std::string_view(bytes, static_cast<std::size_t>(size)));
  std::uint64_t begin = out.first == 0 ? extent.offset : reader.u64();
  for (std::size_t i = 0; i < out.count; ++i) {
    Block& block = out.blocks[i];
    const std::uint64_t end = out.first + i == entries ? extent.directory : reader.u64();
    const std::uint64_t least = pack_format::kBlockHeaderBytes + block.data_bytes;
    if (begin < extent.offset || end > extent.directory || end < begin || end - begin < least ||
        end - begin > least + block.data_bytes) {
      return corrupt_range(id, block.first, block.first + block.data_bytes,
                           "its directory is damaged");
    }
    block.begin = begin;
    block.end = end;
    begin = end;
  }
  return Status{};
}

// Blocks `first` to `last` of the extent, which are at most kRunBlocks, read with one call and
// verified.
std::optional<Status> Pack::load(Wait wait, StreamId id, const Extent& extent, std::uint64_t first,
                                 std::uint64_t last, Run& out) {
  out.first = first;
  out.count = static_cast<std::size_t>(last - first + 1);
  for (std::size_t i = 0; i < out.count; ++i) {
    out.blocks[i] = {};
    out.blocks[i].first = pack_format::block_first(extent, first + i);
    out.blocks[i].data_bytes =
        static_cast<std::uint32_t>(pack_format::block_data_bytes(extent, first + i));
  }
  if (extent.directory == 0) {
    if (std::optional<Status> read = load_only_block(wait, id, extent, out); !read || !read->ok())
      return read;
  } else {
    if (std::optional<Status> found = find_blocks(wait, id, extent, out); !found || !found->ok())
      return found;
    const std::uint64_t size = out.blocks[out.count - 1].end - out.blocks[0].begin;
    out.memory = std::make_shared_for_overwrite<char[]>(static_cast<std::size_t>(size));
    if (std::optional<Status> read = read_at(wait, out.blocks[0].begin, out.memory.get(), size);
        !read || !read->ok()) {
      return read;
    }
  }
  for (std::size_t i = 0; i < out.count; ++i) {
    Block& block = out.blocks[i];
    block.bytes = {out.memory.get() + (block.begin - out.blocks[0].begin),
                   static_cast<std::size_t>(block.end - block.begin)};
    if (Status checked = check_block(id, extent, block); !checked.ok()) return checked;
  }
  return Status{};
}

std::optional<Status> Pack::read(Wait wait, StreamId id, const Extent& extent, std::uint64_t from,
                                 std::uint64_t to, std::vector<Slice>& out) {
  if (Status checked = check_range(id, extent, from, to); !checked.ok()) return checked;
  const std::size_t slices_before = out.size();
  const std::uint64_t last = block_of(extent, to - 1);
  Run run;
  for (std::uint64_t first = block_of(extent, from); first <= last; first += kRunBlocks) {
    std::optional<Status> loaded =
        load(wait, id, extent, first, std::min(last, first + kRunBlocks - 1), run);
    if (!loaded || !loaded->ok()) {
      out.resize(slices_before);
      return loaded;
    }
    for (std::size_t i = 0; i < run.count; ++i) {
      const Block& block = run.blocks[i];
      const std::uint64_t begin = std::max(from, block.first) - block.first;
      const std::uint64_t end = std::min<std::uint64_t>(to - block.first, block.data_bytes);
      out.emplace_back(run.memory, block.data.substr(static_cast<std::size_t>(begin),
                                                     static_cast<std::size_t>(end - begin)));
    }
  }
  return Status{};
}

Status Pack::decode_ends(StreamId id, const Block& block, std::vector<std::uint64_t>& out) const {
  out.clear();
  const std::uint64_t to = block.first + block.data_bytes;
  std::uint64_t last = block.first;
  ByteReader reader(block.ends);
  while (!reader.at_end()) {
    const std::uint64_t distance = reader.varint();
    if (!reader.ok() || distance == 0 || distance > to - last) {
      return corrupt_range(id, block.first, to, "a block's append ends are impossible");
    }
    last += distance;
    out.push_back(last);
  }
  return {};
}

std::optional<Status> Pack::load_ends(Wait wait, StreamId id, const Extent& extent,
                                      std::uint64_t block, std::vector<std::uint64_t>& out) {
  Run run;
  if (std::optional<Status> loaded = load(wait, id, extent, block, block, run);
      !loaded || !loaded->ok()) {
    return loaded;
  }
  return decode_ends(id, run.blocks[0], out);
}

std::optional<Result<std::uint64_t>> Pack::last_append_end(Wait wait, StreamId id,
                                                           const Extent& extent, std::uint64_t from,
                                                           std::uint64_t to) {
  if (Status checked = check_range(id, extent, from, to); !checked.ok()) return checked.error();
  std::vector<std::uint64_t> ends;
  const std::uint64_t first = block_of(extent, from);
  for (std::uint64_t block = block_of(extent, to - 1) + 1; block-- > first;) {
    const std::optional<Status> loaded = load_ends(wait, id, extent, block, ends);
    if (!loaded) return std::nullopt;
    if (!loaded->ok()) return loaded->error();
    const auto after = std::upper_bound(ends.begin(), ends.end(), to);
    if (after == ends.begin()) continue;
    const std::uint64_t end = *(after - 1);
    return end > from ? end : UINT64_MAX;
  }
  return UINT64_MAX;
}

std::optional<Result<std::uint64_t>> Pack::append_end_after(Wait wait, StreamId id,
                                                            const Extent& extent,
                                                            std::uint64_t position) {
  if (Status checked = check_range(id, extent, position, extent.to); !checked.ok())
    return checked.error();
  std::vector<std::uint64_t> ends;
  const std::uint64_t count = pack_format::block_count(extent);
  for (std::uint64_t block = block_of(extent, position); block < count; ++block) {
    const std::optional<Status> loaded = load_ends(wait, id, extent, block, ends);
    if (!loaded) return std::nullopt;
    if (!loaded->ok()) return loaded->error();
    const auto after = std::upper_bound(ends.begin(), ends.end(), position);
    if (after != ends.end()) return *after;
  }
  return UINT64_MAX;
}

Result<std::uint64_t> Pack::visit_blocks(StreamId id, const Extent& extent, std::uint64_t from,
                                         BlockVisitor& visit) {
  if (Status checked = check_range(id, extent, from, extent.to); !checked.ok())
    return checked.error();
  const std::uint64_t first = block_of(extent, from);
  const std::uint64_t last = std::min(pack_format::block_count(extent), first + kRunBlocks) - 1;
  Run run;
  if (Status loaded = *load(Wait::kYes, id, extent, first, last, run); !loaded.ok())
    return loaded.error();
  std::vector<std::uint64_t> ends;
  for (std::size_t i = 0; i < run.count; ++i) {
    const Block& block = run.blocks[i];
    if (Status decoded = decode_ends(id, block, ends); !decoded.ok()) return decoded.error();
    if (Status visited = visit(block.data, ends); !visited.ok()) return visited.error();
    from = block.first + block.data_bytes;
  }
  return from;
}

Status Pack::verify_frame() {
  pack_format::Footer footer;
  return check_frame(footer);
}

Status Pack::verify(StreamId id, const Extent& extent) {
  BlockVisitor nothing = [](std::string_view, std::span<const std::uint64_t>) { return Status{}; };
  std::uint64_t from = extent.from;
  do {
    const Result<std::uint64_t> visited = visit_blocks(id, extent, from, nothing);
    if (!visited) return visited.error();
    from = *visited;
  } while (from < extent.to);
  return {};
}

// Makes sure that the cursor stands before an item; false: the index has ended.
Result<bool> Pack::fill_page(PackIndexCursor& cursor) {
  if (cursor.at_ < cursor.page_.size()) return true;
  const std::uint64_t index_end = footer_.index_offset + footer_.index_bytes;
  if (cursor.next_page_ == 0) cursor.next_page_ = footer_.index_offset;
  const std::uint64_t offset = cursor.next_page_;
  if (offset == index_end) return false;
  const std::string where = fmt::format("its index is damaged at {}", offset);
  char header[pack_format::kPageHeaderBytes];
  if (offset > index_end || index_end - offset < sizeof(header)) return corrupt(where);
  if (Status read = *read_at(Wait::kYes, offset, header, sizeof(header)); !read.ok())
    return read.error();
  ByteReader reader(std::string_view(header, sizeof(header)));
  const std::uint32_t checksum = reader.u32();
  const std::uint32_t size = reader.u32();
  if (size == 0 || size > pack_format::kPageBytesMax ||
      size > index_end - offset - sizeof(header)) {
    return corrupt(where);
  }
  cursor.page_.resize(size);
  cursor.at_ = size;
  if (Status read = *read_at(Wait::kYes, offset + sizeof(header), cursor.page_.data(), size);
      !read.ok()) {
    return read.error();
  }
  if (pack_format::page_checksum(id_, offset, cursor.page_) != checksum) return corrupt(where);
  cursor.at_ = 0;
  cursor.next_page_ = offset + sizeof(header) + size;
  return true;
}

// One item that belongs to the stream before it; false: the next one does not.
Result<bool> Pack::read_stream_item(PackIndexCursor& cursor, PackEntry& out) {
  Result<bool> filled = fill_page(cursor);
  if (!filled.ok() || !*filled) return filled;
  ByteReader reader(std::string_view(cursor.page_).substr(cursor.at_));
  const auto item = static_cast<Item>(reader.u8());
  if (item == Item::kExtent) {
    Extent extent{.pack = id_};
    extent.from = reader.varint();
    const std::uint64_t size = reader.varint();
    extent.to = extent.from + size;
    extent.offset = reader.varint();
    extent.directory = reader.varint();
    const bool follows = out.extents.empty() || extent.from >= out.extents.back().to;
    if (!follows || !pack_format::extent_is_possible(extent, id_, footer_.index_offset))
      reader.fail();
    out.extents.push_back(extent);
  } else if (item == Item::kProducer || item == Item::kForgottenProducer) {
    ProducerEntry& producer = out.producers.emplace_back();
    producer.id = reader.text();
    if (item == Item::kProducer) producer.state = decode_producer_state(reader);
    const std::uint64_t age = reader.varint();
    if (age > out.stream.lsn) reader.fail();
    producer.lsn = out.stream.lsn - age;
  } else {
    return false;
  }
  if (!reader.ok()) {
    return corrupt(
        fmt::format("its index tells impossible things of stream {}", out.stream.record.id));
  }
  cursor.at_ = cursor.page_.size() - reader.rest().size();
  return true;
}

Result<bool> Pack::next_index_entry(PackIndexCursor& cursor, PackIndexEntry& out) {
  Result<bool> filled = fill_page(cursor);
  if (!filled.ok()) return filled;
  if (!*filled) {
    if (cursor.entries_ != footer_.entries)
      return corrupt("its index has not as many entries as it should");
    return false;
  }
  ByteReader reader(std::string_view(cursor.page_).substr(cursor.at_));
  const auto item = static_cast<Item>(reader.u8());
  out.stream.extents.clear();
  out.stream.producers.clear();
  if (item == Item::kStream) {
    out.kind = PackIndexEntry::Kind::kStream;
    out.stream.stream.lsn = out.lsn = reader.varint();
    if (!decode_record(reader, out.stream.stream.record)) reader.fail();
    out.id = out.stream.stream.record.id;
  } else if (item == Item::kRemoved) {
    out.kind = PackIndexEntry::Kind::kRemoved;
    out.id = reader.varint();
    out.lsn = reader.varint();
  } else if (item == Item::kReplaced) {
    out.kind = PackIndexEntry::Kind::kReplaced;
    out.pack = reader.varint();
    if (cursor.last_id_ != 0) reader.fail();
  } else {
    reader.fail();
  }
  const bool names_stream = item != Item::kReplaced;
  if (names_stream && out.id <= cursor.last_id_) reader.fail();
  if (!reader.ok()) return corrupt("its index tells impossible things");
  if (names_stream) cursor.last_id_ = out.id;
  cursor.at_ = cursor.page_.size() - reader.rest().size();
  ++cursor.entries_;
  while (item == Item::kStream) {
    Result<bool> more = read_stream_item(cursor, out.stream);
    if (!more.ok()) return more;
    if (!*more) break;
  }
  return true;
}

Status Pack::walk_index(IndexVisitor& visitor) {
  PackIndexCursor cursor;
  PackIndexEntry entry;
  while (true) {
    const Result<bool> next = next_index_entry(cursor, entry);
    if (!next.ok()) return next.error();
    if (!*next) return {};
    Status visited;
    switch (entry.kind) {
      case PackIndexEntry::Kind::kStream:
        visited = visitor.stream(entry.stream);
        break;
      case PackIndexEntry::Kind::kRemoved:
        visited = visitor.removed(entry.id, entry.lsn);
        break;
      case PackIndexEntry::Kind::kReplaced:
        visited = visitor.replaced(entry.pack);
        break;
    }
    if (!visited.ok()) return visited;
  }
}

Result<std::optional<Lsn>> last_change_in_pack(FileSystem& files, const std::string& directory,
                                               std::uint64_t store_id, std::string_view file_name) {
  const PackId id = pack_in(file_name);
  if (id == 0) return std::optional<Lsn>(0);
  const Result<std::unique_ptr<Pack>> pack =
      Pack::open(files, {.directory = directory, .id = id, .store_id = store_id});
  if (pack) return std::optional<Lsn>((*pack)->highest_lsn());
  if (pack.error().code == ErrorCode::kCorruption) return std::optional<Lsn>();
  return pack.error();
}

}  // namespace durable_streams

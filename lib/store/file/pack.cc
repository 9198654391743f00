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

Error Pack::corrupt(std::string_view what) const {
  return {.code = ErrorCode::kCorruption,
          .message = fmt::format("pack {}: {}", id_, what),
          .detail = {}};
}

Error Pack::corrupt_range(StreamId id, std::uint64_t from, std::uint64_t to,
                          std::string_view what) const {
  return corrupt(fmt::format("stream {}, bytes {} to {}: {}", id, from, to, what));
}

Result<std::unique_ptr<Pack>> Pack::open(FileSystem& files, const PackWriter::Place& place,
                                         std::shared_ptr<BlockCache> cache) {
  Result<std::unique_ptr<File>> file =
      files.open(place.directory + "/" + pack_file_name(place.id), OpenMode::kRead);
  if (!file) return std::move(file).error();
  const Result<std::uint64_t> size = (*file)->size();
  if (!size) return size.error();
  std::unique_ptr<Pack> pack(new Pack(place, std::move(file).value(), *size, std::move(cache)));
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

Status Pack::verify_frame() {
  pack_format::Footer footer;
  return check_frame(footer);
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

}  // namespace durable_streams

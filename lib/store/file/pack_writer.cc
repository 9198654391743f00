// How a pack grows: blocks are made in place in one buffer, which leaves for the disk a mebibyte at
// a time.
#include "store/file/pack_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <span>
#include <utility>

#include "base/assert.h"
#include "base/byte_writer.h"
#include "store/file/pack_format.h"
#include "store/file/producer_codec.h"
#include "store/file/record_codec.h"

namespace durable_streams {

using pack_format::Item;

namespace {

// Whole multiples leave, so that no page of the file is written twice.
constexpr std::size_t kFlushBytes = 1 << 20;

constexpr std::string_view kUnfinished = ".tmp";

std::string file_path(const std::string& directory, PackId id) {
  return directory + "/" + pack_file_name(id);
}

}  // namespace

std::string pack_file_name(PackId id) { return fmt::format("{:016}.pack", id); }

PackId pack_in(std::string_view file_name) {
  PackId id = 0;
  std::from_chars(file_name.data(), file_name.data() + file_name.size(), id);
  return id != 0 && file_name == pack_file_name(id) ? id : 0;
}

bool is_unfinished_pack(std::string_view file_name) {
  if (!file_name.ends_with(kUnfinished)) return false;
  return pack_in(file_name.substr(0, file_name.size() - kUnfinished.size())) != 0;
}

Result<std::unique_ptr<PackWriter>> PackWriter::create(FileSystem& files, Place place) {
  const std::string path = file_path(place.directory, place.id) + std::string(kUnfinished);
  ignore(files.remove(path), "there is seldom one; if it cannot go, creating the file tells");
  Result<std::unique_ptr<File>> file = files.open(path, OpenMode::kCreate);
  if (!file) return std::move(file).error();
  return std::unique_ptr<PackWriter>(
      new PackWriter(files, std::move(place), std::move(file).value()));
}

PackWriter::PackWriter(FileSystem& files, Place place, std::unique_ptr<File> file)
    : files_(files), place_(std::move(place)), file_(std::move(file)) {
  buffer_.reserve(kFlushBytes + (256 << 10));
  buffer_ = pack_format::encode_header({.pack = place_.id, .store_id = place_.store_id});
}

PackWriter::~PackWriter() {
  if (file_ == nullptr) return;
  file_.reset();
  ignore(files_.remove(path() + std::string(kUnfinished)), "the next start removes it again");
}

std::string PackWriter::path() const { return file_path(place_.directory, place_.id); }

Status PackWriter::begin_extent(StreamId id, Framing framing, std::uint64_t from) {
  DURABLE_STREAMS_ASSERT(!in_extent_ && index_offset_ == 0);
  if (!status_.ok()) return status_;
  in_extent_ = true;
  stream_ = id;
  framing_ = framing;
  extent_ = {.from = from, .to = from, .pack = place_.id, .offset = position()};
  last_end_ = from;
  data_.clear();
  ends_.clear();
  block_offsets_.clear();
  return {};
}

Status PackWriter::add_bytes(std::string_view bytes) {
  DURABLE_STREAMS_ASSERT(in_extent_);
  if (Status written = write_full_blocks(); !written.ok()) return written;
  data_.append(bytes);
  stream_bytes_ += bytes.size();
  return {};
}

void PackWriter::add_append_end(std::uint64_t position) {
  DURABLE_STREAMS_ASSERT(framing_ == Framing::kBytes && position > last_end_ &&
                         position > extent_.to);
  last_end_ = position;
  ends_.push_back(position);
}

Status PackWriter::write_full_blocks() {
  if (!status_.ok()) return status_;
  std::string_view rest = data_;
  while (rest.size() >= pack_format::kBlockDataBytes) {
    write_block(rest.substr(0, pack_format::kBlockDataBytes));
    rest.remove_prefix(pack_format::kBlockDataBytes);
    if (Status flushed = flush(false); !flushed.ok()) return flushed;
  }
  data_.erase(0, data_.size() - rest.size());
  return {};
}

void PackWriter::write_block(std::string_view data) {
  const std::uint64_t first = extent_.to;
  const auto data_bytes = static_cast<std::uint32_t>(data.size());
  if (first != extent_.from) block_offsets_.push_back(position());
  const std::size_t begin = buffer_.size();
  buffer_.append(pack_format::kBlockHeaderBytes, '\0');
  buffer_.append(data);
  extent_.to += data_bytes;
  write_block_ends(first);
  const std::string_view content =
      std::string_view(buffer_).substr(begin + pack_format::kBlockHeaderBytes);
  const auto end_bytes = static_cast<std::uint32_t>(content.size() - data.size());
  const std::uint32_t checksum = pack_format::block_checksum(
      {.pack = place_.id, .stream = stream_, .first = first, .data_bytes = data_bytes}, end_bytes,
      content);
  store_little_endian(checksum, buffer_.data() + begin);
  store_little_endian(end_bytes, buffer_.data() + begin + sizeof(checksum));
}

// Those of the block that begins at `first`, each as its distance from the one before it.
void PackWriter::write_block_ends(std::uint64_t first) {
  ByteWriter writer(buffer_);
  std::size_t taken = 0;
  for (; taken < ends_.size() && ends_[taken] <= extent_.to; ++taken) {
    writer.varint(ends_[taken] - first);
    first = ends_[taken];
  }
  ends_.erase(ends_.begin(), ends_.begin() + static_cast<std::ptrdiff_t>(taken));
}

Result<Extent> PackWriter::end_extent() {
  DURABLE_STREAMS_ASSERT(in_extent_);
  in_extent_ = false;
  if (const Status written = write_full_blocks(); !written.ok()) return written.error();
  if (!data_.empty()) write_block(data_);
  DURABLE_STREAMS_ASSERT(extent_.to > extent_.from && ends_.empty());
  if (!block_offsets_.empty()) {
    extent_.directory = position();
    ByteWriter writer(buffer_);
    for (const std::uint64_t offset : block_offsets_) writer.u64(offset);
  }
  if (const Status flushed = flush(false); !flushed.ok()) return flushed.error();
  return extent_;
}

Status PackWriter::flush(bool all) {
  const std::size_t size = all ? buffer_.size() : buffer_.size() / kFlushBytes * kFlushBytes;
  if (size == 0) return {};
  const std::string_view part = std::string_view(buffer_).substr(0, size);
  status_ = file_->write(flushed_, std::span(&part, 1));
  if (!status_.ok()) return status_;
  file_->start_writeback(flushed_, size);
  flushed_ += size;
  buffer_.erase(0, size);
  return {};
}

Status PackWriter::add_item(std::string_view item) {
  if (!status_.ok()) return status_;
  DURABLE_STREAMS_ASSERT(!in_extent_);
  if (item.size() > pack_format::kPageBytesMax) {
    status_ = Error{.code = ErrorCode::kTooLarge,
                    .message = fmt::format("an entry of {} bytes in the index of pack {}; at most "
                                           "{} are possible",
                                           item.size(), place_.id, pack_format::kPageBytesMax),
                    .detail = {}};
    return status_;
  }
  if (index_offset_ == 0) index_offset_ = position();
  if (page_.size() + item.size() > pack_format::kPageBytes) close_page();
  page_.append(item);
  return flush(false);
}

void PackWriter::close_page() {
  if (page_.empty()) return;
  ByteWriter writer(buffer_);
  writer.u32(pack_format::page_checksum(place_.id, position(), page_));
  writer.u32(static_cast<std::uint32_t>(page_.size()));
  writer.raw(page_);
  page_.clear();
}

void PackWriter::note_entry(StreamId id, Lsn lsn) {
  DURABLE_STREAMS_ASSERT(id > last_id_);
  last_id_ = id;
  lowest_lsn_ = lowest_lsn_ == 0 ? lsn : std::min(lowest_lsn_, lsn);
  highest_lsn_ = std::max(highest_lsn_, lsn);
  ++entries_;
}

Status PackWriter::index_stream(const PackEntry& entry) {
  note_entry(entry.stream.record.id, entry.stream.lsn);
  item_.clear();
  ByteWriter writer(item_);
  writer.u8(static_cast<std::uint8_t>(Item::kStream));
  writer.varint(entry.stream.lsn);
  encode_record(entry.stream.record, item_);
  if (Status added = add_item(item_); !added.ok()) return added;
  for (const Extent& extent : entry.extents) {
    DURABLE_STREAMS_ASSERT(extent.pack == place_.id);
    item_.clear();
    writer.u8(static_cast<std::uint8_t>(Item::kExtent));
    writer.varint(extent.from);
    writer.varint(extent.to - extent.from);
    writer.varint(extent.offset);
    writer.varint(extent.directory);
    if (Status added = add_item(item_); !added.ok()) return added;
  }
  for (const ProducerEntry& producer : entry.producers) {
    item_.clear();
    const Item kind = producer.state ? Item::kProducer : Item::kForgottenProducer;
    writer.u8(static_cast<std::uint8_t>(kind));
    writer.text(producer.id);
    if (producer.state) encode_producer_state(*producer.state, writer);
    DURABLE_STREAMS_ASSERT(producer.lsn <= entry.stream.lsn);
    writer.varint(producer.lsn == 0 ? 0 : entry.stream.lsn - producer.lsn);
    // A merge asks whether this pack may still name a producer that was forgotten.
    if (producer.lsn != 0) lowest_lsn_ = std::min(lowest_lsn_, producer.lsn);
    if (Status added = add_item(item_); !added.ok()) return added;
  }
  return {};
}

Status PackWriter::index_removed(StreamId id, Lsn lsn) {
  note_entry(id, lsn);
  item_.clear();
  ByteWriter writer(item_);
  writer.u8(static_cast<std::uint8_t>(Item::kRemoved));
  writer.varint(id);
  writer.varint(lsn);
  return add_item(item_);
}

Status PackWriter::index_replaced(PackId id) {
  DURABLE_STREAMS_ASSERT(last_id_ == 0);
  ++entries_;
  item_.clear();
  ByteWriter writer(item_);
  writer.u8(static_cast<std::uint8_t>(Item::kReplaced));
  writer.varint(id);
  return add_item(item_);
}

Result<PackInfo> PackWriter::finish() {
  DURABLE_STREAMS_ASSERT(!in_extent_ && file_ != nullptr);
  if (!status_.ok()) return status_.error();
  if (index_offset_ == 0) index_offset_ = position();
  close_page();
  buffer_ += pack_format::encode_footer({.pack = place_.id,
                                         .index_offset = index_offset_,
                                         .index_bytes = position() - index_offset_,
                                         .entries = entries_,
                                         .stream_bytes = stream_bytes_,
                                         .lowest_lsn = lowest_lsn_,
                                         .highest_lsn = highest_lsn_});
  status_ = flush(true);
  if (status_.ok()) status_ = file_->sync();
  if (status_.ok()) status_ = files_.rename(path() + std::string(kUnfinished), path());
  if (!status_.ok()) return status_.error();
  file_.reset();
  status_ = files_.sync_directory(place_.directory);
  if (!status_.ok()) return status_.error();
  return PackInfo{.id = place_.id,
                  .file_bytes = flushed_,
                  .stream_bytes = stream_bytes_,
                  .live_bytes = stream_bytes_};
}

}  // namespace durable_streams

// One buffer slides over the file, so that a batch of a few hundred bytes costs no call of its own.
#include "store/file/segment_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "base/byte_reader.h"
#include "base/crc32c.h"

namespace durable_streams {

using journal_format::BatchHeader;
using journal_format::kAlignment;
using journal_format::kBatchHeaderBytes;
using journal_format::kSegmentHeaderBytes;
using journal_format::SegmentNumber;
using journal_format::SegmentRead;

namespace {

Error no_segment(const std::string& path, std::string_view why) {
  return {.code = ErrorCode::kCorruption,
          .message = fmt::format("{} is no segment of this journal: {}; `durable-streams-server "
                                 "fsck` says what can be kept",
                                 path, why),
          .detail = {}};
}

// What a segment was made of and never written: most of a tail, and compared far faster than looked
// through.
bool is_zero(std::string_view bytes) {
  return bytes.empty() || (bytes.front() == '\0' &&
                           std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

}  // namespace

Result<SegmentReader> SegmentReader::open(FileSystem& files, const std::string& directory,
                                          std::uint64_t store_id, SegmentNumber number) {
  const std::string path =
      directory + "/" + journal_format::file_name(number, journal_format::kSegmentEnding);
  Result<std::unique_ptr<File>> file = files.open(path, OpenMode::kRead);
  if (!file) return file.error();
  const Result<std::uint64_t> size = (*file)->size();
  if (!size) return size.error();
  SegmentReader reader(std::move(*file), *size);
  if (Status read = reader.read_header(path, store_id, number); !read) return read.error();
  return reader;
}

Status SegmentReader::read_header(const std::string& path, std::uint64_t store_id,
                                  SegmentNumber number) {
  const Result<std::string_view> bytes = view(0, kSegmentHeaderBytes);
  if (!bytes) return bytes.error();
  switch (journal_format::decode(bytes->substr(0, kSegmentHeaderBytes), header_)) {
    case SegmentRead::kValid:
      break;
    case SegmentRead::kDamaged:
      return no_segment(path, "its header is damaged");
    case SegmentRead::kNewerVersion:
      return Error{.code = ErrorCode::kInvalidArgument,
                   .message = path + " was written by a newer version of this software",
                   .detail = {}};
  }
  if (header_.store_id != store_id) return no_segment(path, "it is of another store");
  if (header_.number != number)
    return no_segment(path, fmt::format("it calls itself segment {}", header_.number));
  seed_ = journal_format::batch_seed(store_id, number);
  return {};
}

Result<std::optional<BatchHeader>> SegmentReader::header_at(std::uint64_t position) {
  const Result<std::string_view> bytes = view(position, kBatchHeaderBytes);
  if (!bytes) return bytes.error();
  return journal_format::decode_batch(*bytes, seed_, header_.number);
}

Result<std::optional<std::string_view>> SegmentReader::payload_at(std::uint64_t position,
                                                                  const BatchHeader& header) {
  const std::uint64_t from = position + kBatchHeaderBytes;
  if (from > size_ || header.payload_bytes > size_ - from) return std::optional<std::string_view>();
  const Result<std::string_view> bytes = view(from, static_cast<std::size_t>(header.payload_bytes));
  if (!bytes) return bytes.error();
  const std::string_view payload = bytes->substr(0, static_cast<std::size_t>(header.payload_bytes));
  const bool whole =
      payload.size() == header.payload_bytes && crc32c(seed_, payload) == header.payload_checksum;
  return whole ? std::optional(payload) : std::nullopt;
}

Result<SegmentReader::Tail> SegmentReader::tail_from(std::uint64_t position) {
  Tail tail{.end = std::min(position, size_), .durable = 0};
  const Result<std::string_view> next = view(position, kBatchHeaderBytes);
  if (!next) return next.error();
  // A batch was begun here, if not finished.
  if (journal_format::names_segment(*next, header_.number)) tail.end += kBatchHeaderBytes;
  for (std::uint64_t at = position; at < size_;) {
    const Result<std::string_view> window = view(at, kWindowBytes);
    if (!window) return window.error();
    if (!is_zero(*window)) look_through(at, *window, tail);
    if (at + window->size() >= size_) break;
    at += window->size() - kBatchHeaderBytes;  // a header may lie across the window's end
    at -= at % kAlignment;
  }
  tail.end = std::min(tail.end, size_);
  return tail;
}

// Where old content was not wiped, only what is known to be of this very segment counts as written.
void SegmentReader::look_through(std::uint64_t at, std::string_view window, Tail& tail) const {
  if (!header_.recycled) {
    const std::size_t last = window.find_last_not_of('\0');
    if (last != std::string_view::npos) tail.end = std::max(tail.end, at + last + 1);
  }
  for (std::size_t i = 0; i + kBatchHeaderBytes <= window.size(); i += kAlignment) {
    if (!journal_format::names_segment(window.substr(i, kBatchHeaderBytes), header_.number))
      continue;
    const std::optional<BatchHeader> header =
        journal_format::decode_batch(window.substr(i), seed_, header_.number);
    if (!header) continue;
    tail.durable = std::max(tail.durable, header->durable);
    const std::uint64_t rest = size_ - (at + i);
    const std::uint64_t payload_bytes = std::min(header->payload_bytes, rest);
    tail.end = std::max(tail.end, at + i + kBatchHeaderBytes + payload_bytes);
  }
}

Result<std::string_view> SegmentReader::view(std::uint64_t position, std::size_t size) {
  if (position >= size_) return std::string_view();
  size = static_cast<std::size_t>(std::min<std::uint64_t>(size, size_ - position));
  const std::uint64_t window_end = window_at_ + window_.size();
  if (position < window_at_ || position + size > window_end) {
    const std::size_t wanted = std::max(size, kWindowBytes);
    if (window_.capacity() > 2 * std::max(wanted, kWindowBytes))
      window_ = {};  // a long batch has gone by
    window_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(wanted, size_ - position)));
    window_at_ = position;
    const Result<std::size_t> read = file_->read(position, window_.data(), window_.size());
    if (!read) {
      window_.clear();
      return read.error();
    }
    window_.resize(*read);
  }
  return std::string_view(window_).substr(static_cast<std::size_t>(position - window_at_));
}

}  // namespace durable_streams

// Adjacent text is one piece, so that the answers to many small requests are one contiguous write.
#include "server/http/output_batch.h"

namespace durable_streams::server {

OutputBatch::OutputBatch() : text_(new char[kTextBytesMax]) {}

std::size_t OutputBatch::begin_part() {
  parts_.push_back({.first_piece = pieces_.size(), .first_slice = slices_.size()});
  return parts_.size() - 1;
}

void OutputBatch::added(std::size_t size) {
  const char* const from = text_.get() + used_;
  used_ += size;
  bytes_ += size;
  parts_.back().bytes += size;
  if (pieces_.size() > parts_.back().first_piece && is_text(pieces_.back()) &&
      pieces_.back().data() + pieces_.back().size() == from) {
    pieces_.back() = {pieces_.back().data(), pieces_.back().size() + size};
  } else if (size > 0) {
    pieces_.emplace_back(from, size);
  }
}

bool OutputBatch::add_text(std::string_view text) {
  char* const to = room(text.size());
  if (to == nullptr) return false;
  text.copy(to, text.size());
  added(text.size());
  return true;
}

void OutputBatch::add_slice(const Slice& slice) {
  if (slice.empty()) return;
  slices_.push_back(slice);
  pieces_.push_back(slice.view());
  bytes_ += slice.size();
  parts_.back().bytes += slice.size();
}

std::span<const std::string_view> OutputBatch::pieces(std::size_t part) const {
  const std::size_t first = parts_[part].first_piece;
  const std::size_t end = part + 1 < parts_.size() ? parts_[part + 1].first_piece : pieces_.size();
  return std::span(pieces_).subspan(first, end - first);
}

void OutputBatch::release(std::size_t part) {
  const std::size_t end = part + 1 < parts_.size() ? parts_[part + 1].first_slice : slices_.size();
  for (std::size_t i = parts_[part].first_slice; i < end; ++i) slices_[i] = Slice();
  bytes_ -= parts_[part].bytes;
  parts_[part].bytes = 0;
}

void OutputBatch::take_rest(std::size_t part, std::size_t skip, std::vector<Slice>& to) const {
  std::size_t slice = parts_[part].first_slice;
  for (const std::string_view piece : pieces(part)) {
    const bool text = is_text(piece);
    const Slice* shared = text ? nullptr : &slices_[slice++];
    if (skip >= piece.size()) {
      skip -= piece.size();
      continue;
    }
    to.push_back(text ? Slice::copy_of(piece.substr(skip)) : shared->sub(skip));
    skip = 0;
  }
}

void OutputBatch::clear() {
  used_ = 0;
  bytes_ = 0;
  parts_.clear();
  pieces_.clear();
  slices_.clear();
}

}  // namespace durable_streams::server

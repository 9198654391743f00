// Adjacent text is one piece, so that the answers to many small requests are one contiguous write.
#include "server/http/output_batch.h"

namespace durable_streams::server {

OutputBatch::OutputBatch() : text_(new char[kTextBytesMax]) {}

void OutputBatch::added(std::size_t size) {
  const char* const from = text_.get() + used_;
  used_ += size;
  bytes_ += size;
  if (!pieces_.empty() && is_text(pieces_.back()) &&
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
}

void OutputBatch::take_rest(std::size_t skip, std::vector<Slice>& to) const {
  std::size_t slice = 0;
  for (const std::string_view piece : pieces_) {
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
  pieces_.clear();
  slices_.clear();
}

}  // namespace durable_streams::server

// What a client could not take at once, kept until it does.
#pragma once

#include <durable_streams/slice.h>

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

namespace durable_streams::server {

// Exists only while something is queued, so that a connection whose client keeps up has none.
// Threads: loop only.
class Backlog {
 public:
  // One gathered write takes at most so many pieces.
  static constexpr std::size_t kPiecesMax = 64;

  // Slices are appended here, then counted by added().
  std::vector<Slice>& slices() { return slices_; }
  void added(std::size_t bytes) { bytes_ += bytes; }

  std::size_t bytes() const { return bytes_; }
  bool empty() const { return slices_.empty(); }

  // The pieces to write next; they count as under way until written() drops them.
  std::vector<std::string_view> next() {
    under_way_ = std::min(slices_.size(), kPiecesMax);
    std::vector<std::string_view> pieces;
    pieces.reserve(under_way_);
    for (std::size_t i = 0; i < under_way_; ++i) pieces.push_back(slices_[i].view());
    return pieces;
  }

  void written() {
    const auto end = slices_.begin() + static_cast<std::ptrdiff_t>(under_way_);
    for (auto slice = slices_.begin(); slice != end; ++slice) bytes_ -= slice->size();
    slices_.erase(slices_.begin(), end);
    under_way_ = 0;
  }

  // Tells whether the client has taken anything since the last time, given what the transport still
  // holds.
  bool moved_on(std::size_t unwritten) {
    const std::size_t left = bytes_ - std::min(bytes_, under_way_bytes()) + unwritten;
    return std::exchange(left_seen_, left) != left;
  }

 private:
  std::size_t under_way_bytes() const {
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < under_way_; ++i) bytes += slices_[i].size();
    return bytes;
  }

  std::vector<Slice> slices_;
  std::size_t bytes_ = 0;
  std::size_t under_way_ = 0;
  std::size_t left_seen_ = 0;
};

}  // namespace durable_streams::server

// What one turn has to say to one connection, gathered so that it leaves in one write: text copied
// side by side, larger pieces as the shared slices that they are.
#pragma once

#include <durable_streams/slice.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace durable_streams::server {

// One for each loop, used by one connection at a time, so that a connection with nothing to say
// owns no buffer. Threads: loop only.
class OutputBatch {
 public:
  // Room for the answers to a read buffer full of pipelined appends.
  static constexpr std::size_t kTextBytesMax = std::size_t{64} << 10;

  // Below this a copy costs less than a share in the slice and a place in the gathered write.
  static constexpr std::size_t kCopyBytesMax = 4096;

  OutputBatch();

  bool empty() const { return pieces_.empty(); }
  std::size_t bytes() const { return bytes_; }

  // Room for `size` more bytes of text, or null when the batch must be written first. What was put
  // there becomes part of the batch with added(); nothing else may be called in between.
  char* room(std::size_t size) {
    return size <= kTextBytesMax - used_ ? text_.get() + used_ : nullptr;
  }
  void added(std::size_t size);

  // False: the batch must be written first. Only text of up to kTextBytesMax ever fits.
  bool add_text(std::string_view text);
  void add_slice(const Slice& slice);

  // In order. They live until clear().
  std::span<const std::string_view> pieces() const { return pieces_; }

  // What is behind the first `skip` bytes, in memory of its own or shared.
  void take_rest(std::size_t skip, std::vector<Slice>& to) const;

  void clear();

 private:
  bool is_text(std::string_view piece) const {
    return piece.data() >= text_.get() && piece.data() < text_.get() + kTextBytesMax;
  }

  std::unique_ptr<char[]> text_;
  std::size_t used_ = 0;
  std::size_t bytes_ = 0;
  std::vector<std::string_view> pieces_;
  std::vector<Slice> slices_;
};

}  // namespace durable_streams::server

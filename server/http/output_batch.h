// What one turn has to say to its connections, gathered so that what is for one of them leaves in
// one write: text copied side by side, larger pieces as the shared slices that they are.
#pragma once

#include <durable_streams/slice.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace durable_streams::server {

// One for each loop, so that a connection with nothing to say owns no buffer. It consists of parts,
// one behind the other, each for one connection; only the last one grows. Threads: loop only.
class OutputBatch {
 public:
  // Room for the answers to a turn of small requests.
  static constexpr std::size_t kTextBytesMax = std::size_t{64} << 10;

  // Below this a copy costs less than a share in the slice and a place in the gathered write.
  static constexpr std::size_t kCopyBytesMax = 4096;

  OutputBatch();

  // Begins another part, and returns its number: how many there were.
  std::size_t begin_part();
  std::size_t parts() const { return parts_.size(); }

  // Of all parts that were not released.
  std::size_t bytes() const { return bytes_; }

  // Room for `size` more bytes of text in the last part, or null when the batch must be written
  // first. What was put there becomes part of the batch with added(); nothing else may be called in
  // between.
  char* room(std::size_t size) {
    return size <= kTextBytesMax - used_ ? text_.get() + used_ : nullptr;
  }
  void added(std::size_t size);

  // To the last part. False: the batch must be written first. Only text of up to kTextBytesMax ever
  // fits.
  bool add_text(std::string_view text);
  void add_slice(const Slice& slice);

  // Of one part, in order. They live until clear().
  std::span<const std::string_view> pieces(std::size_t part) const;
  std::size_t bytes(std::size_t part) const { return parts_[part].bytes; }

  // Lets go of the slices of a part that nobody will look at again.
  void release(std::size_t part);

  // What is behind the first `skip` bytes of a part, in memory of its own or shared.
  void take_rest(std::size_t part, std::size_t skip, std::vector<Slice>& to) const;

  // Ends all parts.
  void clear();

 private:
  struct Part {
    std::size_t first_piece = 0;
    std::size_t first_slice = 0;
    std::size_t bytes = 0;
  };

  bool is_text(std::string_view piece) const {
    return piece.data() >= text_.get() && piece.data() < text_.get() + kTextBytesMax;
  }

  std::unique_ptr<char[]> text_;
  std::size_t used_ = 0;
  std::size_t bytes_ = 0;
  std::vector<Part> parts_;
  std::vector<std::string_view> pieces_;
  std::vector<Slice> slices_;
};

}  // namespace durable_streams::server

// Reference-counted bytes: how a page of a stream reaches its reader without being copied.
#pragma once

#include <durable_streams/export.h>

#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>

namespace durable_streams {

// A view of immutable bytes together with a share in the memory that holds them. Copying a Slice
// copies no bytes. Threads: one at a time; the bytes themselves may be shared by many slices in
// many threads.
class DURABLE_STREAMS_EXPORT Slice {
 public:
  Slice() = default;

  // `bytes` must stay valid and unchanged for as long as `owner` lives.
  Slice(std::shared_ptr<const void> owner, std::string_view bytes)
      : owner_(std::move(owner)), bytes_(bytes) {}

  // A slice of its own copy of `bytes`.
  static Slice copy_of(std::string_view bytes);

  // A slice of bytes that outlive every use of it, such as a string literal.
  static Slice unowned(std::string_view bytes) { return Slice(nullptr, bytes); }

  std::string_view view() const { return bytes_; }
  const char* data() const { return bytes_.data(); }
  std::size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }

  // The share in the memory that holds the bytes; null when they outlive every use anyway.
  const std::shared_ptr<const void>& owner() const { return owner_; }

  // The part of `count` bytes from `from`, clamped to what there is; shares the same memory.
  Slice sub(std::size_t from, std::size_t count = std::string_view::npos) const {
    return Slice(owner_, bytes_.substr(from < bytes_.size() ? from : bytes_.size(), count));
  }

 private:
  std::shared_ptr<const void> owner_;
  std::string_view bytes_;
};

}  // namespace durable_streams

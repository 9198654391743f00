// Grows geometrically, ends exactly.
#include "http/gathered_body.h"

#include "base/assert.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace durable_streams::http {

namespace {

// Up to here copying is cheaper than giving the store memory to keep.
constexpr std::size_t kSmallBytesMax = std::size_t{32} << 10;

// What is allocated on the word of a Content-Length alone.
constexpr std::size_t kPromisedBytesMax = std::size_t{1} << 20;

}  // namespace

GatheredBody::Memory::~Memory() { std::free(bytes); }

void GatheredBody::Memory::resize(std::size_t size) {
  void* const moved = std::realloc(bytes, size);
  if (moved == nullptr) throw std::bad_alloc();
  bytes = static_cast<char*>(moved);
}

void GatheredBody::add(std::string_view piece) {
  if (piece.empty()) return;
  const std::size_t bytes = size() + piece.size();
  if (!large_ && std::max<std::uint64_t>(bytes, bytes_expected_.value_or(0)) <= kSmallBytesMax) {
    small_.append(piece);
    return;
  }
  if (bytes > large_capacity_) grow(bytes);
  std::memcpy(large_->bytes + large_bytes_, piece.data(), piece.size());
  large_bytes_ = bytes;
}

void GatheredBody::grow(std::size_t bytes_min) {
  std::size_t capacity = std::max({bytes_min, 2 * large_capacity_, 2 * kSmallBytesMax});
  if (bytes_expected_ && *bytes_expected_ >= bytes_min) {
    const bool promise_kept = capacity >= *bytes_expected_ || *bytes_expected_ <= kPromisedBytesMax;
    if (promise_kept) capacity = static_cast<std::size_t>(*bytes_expected_);
  }
  if (large_) {
    DURABLE_STREAMS_ASSERT(large_.use_count() == 1);  // nobody was given a share yet
    large_->resize(capacity);
  } else {
    large_ = std::make_shared<Memory>();
    large_->resize(capacity);
    large_bytes_ = small_.copy(large_->bytes, small_.size());
    small_.clear();
  }
  large_capacity_ = capacity;
}

void GatheredBody::drop_large() {
  large_.reset();
  large_bytes_ = large_capacity_ = 0;
}

Slice GatheredBody::owned() const {
  if (!large_ || large_bytes_ != large_capacity_) return {};
  return Slice(large_, view());
}

}  // namespace durable_streams::http

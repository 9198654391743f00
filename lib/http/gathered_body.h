// A request's body that comes in pieces, gathered into one.
#pragma once

#include <durable_streams/slice.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace durable_streams::http {

// Small bodies lie in memory that is kept from one request to the next; large ones in memory of
// their own, which a store can take over. Threads: one at a time.
class GatheredBody {
 public:
  // Forgets what was gathered. `bytes_expected`: what the request's framing promises. That is only
  // believed as far as memory may be spent on a promise; beyond, memory grows with what has come.
  void begin(std::optional<std::uint64_t> bytes_expected) {
    bytes_expected_ = bytes_expected;
    clear();
  }

  void clear() {
    small_.clear();
    if (large_) drop_large();
  }

  void add(std::string_view piece);

  std::size_t size() const { return large_ ? large_bytes_ : small_.size(); }

  std::string_view view() const {
    return large_ ? std::string_view(large_->bytes, large_bytes_) : std::string_view(small_);
  }

  // A share in the gathered bytes if they fill memory of their own; else empty.
  Slice owned() const;

 private:
  // Of the C library, which can move large memory by its pages: what has come need not be copied
  // each time that it has doubled, nor be held twice meanwhile.
  struct Memory {
    Memory() = default;
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;
    ~Memory();
    void resize(std::size_t size);

    char* bytes = nullptr;
  };

  void grow(std::size_t bytes_min);
  void drop_large();

  std::optional<std::uint64_t> bytes_expected_;
  std::string small_;
  std::shared_ptr<Memory> large_;
  std::size_t large_bytes_ = 0;
  std::size_t large_capacity_ = 0;
};

}  // namespace durable_streams::http

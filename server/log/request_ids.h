// Names for requests, so that what a client saw and what the log says can be put together.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace durable_streams::server {

// 16 hex digits.
class RequestId {
 public:
  static constexpr std::size_t kDigits = 16;

  explicit RequestId(std::uint64_t value) {
    for (std::size_t i = kDigits; i-- > 0; value >>= 4U)
      digits_[i] = "0123456789abcdef"[value & 15];
  }

  std::string_view text() const { return {digits_.data(), digits_.size()}; }

 private:
  std::array<char, kDigits> digits_{};
};

// One for each loop, all with the process's key: no two ids of a process are the same, since each
// is a number of its own, mixed by steps that can be undone. Threads: loop only.
class RequestIds {
 public:
  RequestIds() = default;

  // `key` is random, and the same for all loops; there are up to 65,536.
  RequestIds(std::uint64_t key, std::uint16_t loop)
      : key_(key), next_(std::uint64_t{loop} << 48U) {}

  RequestId next() {
    std::uint64_t mixed = next_++ ^ key_;
    mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
    return RequestId(mixed ^ (mixed >> 31U));
  }

 private:
  std::uint64_t key_ = 0;
  std::uint64_t next_ = 0;
};

}  // namespace durable_streams::server

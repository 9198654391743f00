// How the stored form of a JSON stream is cut: each message is followed by `,\n`, and as minified
// JSON holds no raw line feed, a line feed ends a message, whatever stands before it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace durable_streams::protocol {

// Follows every message; its last byte occurs nowhere else.
inline constexpr std::string_view kJsonMessageEnd = ",\n";

// What a message takes at the least: no value is shorter than one character.
inline constexpr std::size_t kStoredJsonMessageBytesMin = 1 + kJsonMessageEnd.size();

// The end of the last message that ends in `stored`; 0 if none does.
inline std::size_t last_json_message_end(std::string_view stored) {
  return stored.rfind(kJsonMessageEnd.back()) + 1;
}

// Skips up to `*messages` messages, lowers that count by those that end in `stored`, and returns
// how many bytes it went over: all, unless the count reached 0. Messages may be split anywhere:
// call it for one slice after the other until the count is 0.
inline std::size_t skip_json_messages(std::string_view stored, std::uint64_t* messages) {
  std::size_t at = 0;
  while (*messages > 0 && at < stored.size()) {
    const void* end = std::memchr(stored.data() + at, kJsonMessageEnd.back(), stored.size() - at);
    if (end == nullptr) return stored.size();
    at = static_cast<std::size_t>(static_cast<const char*>(end) - stored.data()) + 1;
    --*messages;
  }
  return at;
}

}  // namespace durable_streams::protocol

// What a reader that stays with a stream is made for: they are counted apart.
#pragma once

#include <cstddef>
#include <cstdint>

namespace durable_streams {

enum class LiveKind : std::uint8_t { kLongPoll, kSse, kFollower };

inline constexpr std::size_t kLiveKinds = 3;

}  // namespace durable_streams

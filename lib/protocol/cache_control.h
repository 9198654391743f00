// How long caches may keep an answer (protocol section 10.1): never longer than the stream itself
// will live.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace durable_streams::protocol {

// Whether an answer may be shared by all who may read it, or is kept for the one who asked.
enum class CacheScope : std::uint8_t { kPublic, kPrivate };

// For answers that no cache may keep.
inline constexpr std::string_view kNoStore = "no-store";

inline constexpr std::size_t kCacheControlBytesMax = 64;

// Writes the Cache-Control value of a read into `buffer`, which has kCacheControlBytesMax
// characters; the answer may point there. It allows max-age=60 and stale-while-revalidate=300, both
// cut so that together they end with `remaining_life` (nullopt: unlimited); with less than a second
// of it, kNoStore.
std::string_view cache_control(char* buffer, CacheScope scope,
                               std::optional<std::chrono::milliseconds> remaining_life);

}  // namespace durable_streams::protocol

// The Cache-Control value of reads.
#include "protocol/cache_control.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace durable_streams::protocol {
namespace {

constexpr std::int64_t kMaxAge = 60;
constexpr std::int64_t kStaleWhileRevalidate = 300;

char* write_text(char* out, std::string_view text) {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

char* write_seconds(char* out, std::int64_t seconds) {
  return std::to_chars(out, out + 3, seconds).ptr;  // at most kStaleWhileRevalidate
}

}  // namespace

std::string_view cache_control(char* buffer, CacheScope scope,
                               std::optional<std::chrono::milliseconds> remaining_life) {
  const bool shared = scope == CacheScope::kPublic;
  if (!remaining_life || *remaining_life >= std::chrono::seconds(kMaxAge + kStaleWhileRevalidate)) {
    return shared ? "public, max-age=60, stale-while-revalidate=300"
                  : "private, max-age=60, stale-while-revalidate=300";
  }
  const std::int64_t life = std::chrono::floor<std::chrono::seconds>(*remaining_life).count();
  if (life < 1) return kNoStore;
  const std::int64_t max_age = std::min(life, kMaxAge);
  char* end = write_text(buffer, shared ? "public, max-age=" : "private, max-age=");
  end = write_seconds(end, max_age);
  if (life > max_age) {
    end = write_text(end, ", stale-while-revalidate=");
    end = write_seconds(end, life - max_age);
  }
  return {buffer, static_cast<std::size_t>(end - buffer)};
}

}  // namespace durable_streams::protocol

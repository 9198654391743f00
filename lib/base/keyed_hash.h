// The hash of names that clients choose. Keyed at random, so that nobody can choose names that all
// fall into one bucket.
#pragma once

#include <cstdint>
#include <cstring>
#include <random>
#include <string_view>

namespace durable_streams {

inline std::uint64_t random_hash_key() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

// Spreads over all 64 bits; differs from key to key. Not for anything that is stored.
inline std::uint64_t keyed_hash(std::uint64_t key, std::string_view text) {
  __extension__ using Product = unsigned __int128;
  constexpr std::uint64_t kMultiplier = 0x9E3779B97F4A7C15;
  const auto mix = [](std::uint64_t a, std::uint64_t b) {
    const Product product = static_cast<Product>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  };
  std::uint64_t hash = mix(key ^ text.size(), kMultiplier);
  const char* at = text.data();
  std::size_t left = text.size();
  for (; left >= sizeof(std::uint64_t); left -= sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof word);
    hash = mix(hash ^ word, key | 1) + hash;
    at += sizeof word;
  }
  std::uint64_t word = 0;
  if (left > 0) std::memcpy(&word, at, left);
  return mix(hash ^ word, kMultiplier) ^ hash;
}

}  // namespace durable_streams

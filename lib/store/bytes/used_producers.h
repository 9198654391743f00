// The order in which producers may be forgotten, the same in every store.
#pragma once

#include <durable_streams/store.h>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace durable_streams {

// Leaves the `count_max` producers that were used the longest ago, in that order.
inline void keep_oldest(std::vector<UsedProducer>& producers, std::size_t count_max) {
  const std::size_t count = std::min(count_max, producers.size());
  const auto end = producers.begin() + static_cast<std::ptrdiff_t>(count);
  std::partial_sort(producers.begin(), end, producers.end());
  producers.erase(end, producers.end());
}

}  // namespace durable_streams

// Slips are letters left out, put in, changed, or swapped with the next (the Damerau-Levenshtein
// distance).
#include "server/text/nearest_name.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace durable_streams::server {
namespace {

std::size_t slips_between(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> slips(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        slips[i][j] = i + j;
        continue;
      }
      const std::size_t changed = slips[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      slips[i][j] = std::min({slips[i - 1][j] + 1, slips[i][j - 1] + 1, changed});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        slips[i][j] = std::min(slips[i][j], slips[i - 2][j - 2] + 1);
      }
    }
  }
  return slips[a.size()][b.size()];
}

}  // namespace

std::string_view nearest_name(std::string_view typed, std::span<const std::string_view> names) {
  constexpr std::size_t kNameBytesMax = 64;
  if (typed.size() > kNameBytesMax) return {};
  std::string_view nearest;
  std::size_t fewest = std::max<std::size_t>(2, typed.size() / 3) + 1;
  for (const std::string_view name : names) {
    // What was typed as the beginning of a name means that name.
    const bool begun = typed.size() > 2 && name.starts_with(typed);
    const std::size_t slips = begun ? 1 : slips_between(typed, name);
    if (slips < fewest) {
      fewest = slips;
      nearest = name;
    }
  }
  return nearest;
}

}  // namespace durable_streams::server

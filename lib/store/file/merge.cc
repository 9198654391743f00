// Which packs are merged and when: so that a stream's bytes lie in few places, and space that
// nobody uses comes back.
#include <algorithm>
#include <array>
#include <utility>

#include "store/file/file_state.h"
#include "store/file/pack_merge.h"

namespace durable_streams {

namespace {

// So many packs of about one size are merged into one of the next. Each byte is then rewritten once
// for every factor of eight that the store grows by.
constexpr std::size_t kPacksPerTier = 8;
constexpr std::uint64_t kLowestTierBytes = std::uint64_t{1} << 20;

std::size_t tier_of(const PackInfo& pack) {
  std::size_t tier = 0;
  for (std::uint64_t bytes = pack.file_bytes / kLowestTierBytes; bytes > 0; bytes /= kPacksPerTier)
    ++tier;
  return tier;
}

// More than half of what it holds is of no use to anybody.
bool mostly_dead(const PackInfo& pack) { return 2 * pack.live_bytes < pack.stream_bytes; }

// What takes the least room to rewrite.
std::vector<PackId> deadest_pack(const std::vector<PackInfo>& packs) {
  const auto deadest = std::min_element(
      packs.begin(), packs.end(),
      [](const PackInfo& a, const PackInfo& b) { return a.live_bytes < b.live_bytes; });
  if (deadest == packs.end() || !mostly_dead(*deadest)) return {};
  return {deadest->id};
}

}  // namespace

std::vector<PackId> FileState::packs_to_merge() const {
  std::vector<PackInfo> packs;
  for (const auto& [id, pack] : pack_infos()) packs.push_back(pack);
  std::sort(packs.begin(), packs.end(),
            [](const PackInfo& a, const PackInfo& b) { return a.id < b.id; });
  if (short_of_room()) return deadest_pack(packs);
  std::unordered_map<std::size_t, std::vector<PackId>> tiers;
  for (const PackInfo& pack : packs) {
    std::vector<PackId>& tier = tiers[tier_of(pack)];
    tier.push_back(pack.id);
    if (tier.size() == kPacksPerTier) return tier;
  }
  const auto dead = std::find_if(packs.begin(), packs.end(), mostly_dead);
  if (dead == packs.end()) return {};
  return {dead->id};
}

Result<bool> FileState::merge(Function<Status()> pace) {
  if (packs_held_.load(std::memory_order_relaxed)) return false;
  std::vector<PackId> inputs = packs_to_merge();
  if (inputs.empty()) return false;
  // The pack of a settling that is half done may name streams as removed that still have bytes.
  const Result<CatalogMeta> meta = catalog_.meta();
  if (!meta) return meta.error();
  if (meta->settling != meta->settled) return false;
  if (Status removed = remove_spent_packs(); !removed) return removed.error();
  const PackId output = meta_.next_pack_id++;
  Result<PackMerge> merge =
      plan_merge(catalog_, *packs_, std::move(inputs),
                 {.directory = packs_directory(), .id = output, .store_id = meta_.store_id});
  if (!merge) return merge.error();
  merge->pace = std::move(pace);
  spent_packs_.insert(output);  // unless it comes to take the others' place
  Result<MergedPack> merged = write_merged_pack(files_, catalog_, *packs_, *merge);
  if (!merged) return merged.error();
  if (Status applied = apply_merged_pack(catalog_, *merged); !applied) return applied.error();
  spent_packs_.erase(output);
  if (Status read = read_packs(); !read) return read.error();
  const std::unordered_map<PackId, PackInfo> left = pack_infos();
  for (const PackId input : merged->inputs) {
    if (left.contains(input)) continue;
    packs_->forget(input);
    spent_packs_.insert(input);
  }
  if (Status removed = remove_spent_packs(); !removed) return removed.error();
  merges_.fetch_add(1, std::memory_order_relaxed);
  return true;
}

}  // namespace durable_streams

#include "store/file/stray_packs.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "store/file/pack.h"
#include "store/file/put_aside.h"

namespace durable_streams {

std::string missing_pack(const PackInfo& pack) {
  return fmt::format("pack {} is missing, and with it {} bytes of streams", pack.id,
                     pack.live_bytes);
}

Result<std::vector<StrayPack>> find_stray_packs(const PacksPlace& place,
                                                Function<bool(PackId)> known, Lsn told_until) {
  Result<std::vector<std::string>> names = place.files.list(place.directory);
  if (!names) return names.error();
  std::sort(names->begin(), names->end());
  std::vector<StrayPack> packs;
  for (std::string& name : *names) {
    const PackId id = pack_in(name);
    if (id != 0 ? known(id) : !is_unfinished_pack(name)) continue;
    const Result<std::optional<Lsn>> last =
        last_change_in_pack(place.files, place.directory, place.store_id, name);
    if (!last) return last.error();
    StrayPack& pack = packs.emplace_back();
    pack.name = std::move(name);
    pack.last = last->value_or(0);
    if (!*last) {
      pack.kind = StrayPack::Kind::kUnreadable;
    } else if (pack.last > told_until) {
      pack.kind = StrayPack::Kind::kNeeded;
    }
  }
  return packs;
}

Status clear_stray_packs(const PacksPlace& place, std::vector<StrayPack>& packs) {
  bool changed = false;
  for (StrayPack& pack : packs) {
    if (pack.kind == StrayPack::Kind::kNeeded) continue;
    if (pack.kind == StrayPack::Kind::kUnreadable) {
      Result<std::string> aside = put_aside(place.files, place.directory, pack.name);
      if (!aside) return aside.error();
      pack.aside = std::move(aside).value();
    } else if (Status removed = place.files.remove(place.directory + "/" + pack.name); !removed) {
      return removed;
    }
    changed = true;
  }
  return changed ? place.files.sync_directory(place.directory) : Status{};
}

}  // namespace durable_streams

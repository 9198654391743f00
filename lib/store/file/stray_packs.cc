#include "store/file/stray_packs.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "store/file/put_aside.h"

namespace durable_streams {

std::string missing_pack(const PackInfo& pack) {
  return fmt::format("pack {} is missing, and with it {} bytes of streams", pack.id,
                     pack.live_bytes);
}

std::string unknown_pack(const StrayPack& pack) {
  return fmt::format("packs/{} {}", pack.name,
                     pack.kind == StrayPack::Kind::kUnreadable
                         ? "cannot be read, and the catalog does not know of it"
                         : "is not referred to, and nothing shows that what it holds is elsewhere");
}

namespace {

using Kind = StrayPack::Kind;
using PackIds = std::set<PackId>;

bool is_damage(const Error& error) { return error.code == ErrorCode::kCorruption; }

// Adds the packs that it has replaced, which its index names first.
Status add_replaced(Pack& pack, PackIds& replaced) {
  PackIndexCursor cursor;
  PackIndexEntry entry;
  while (true) {
    const Result<bool> next = pack.next_index_entry(cursor, entry);
    if (!next) return next.error();
    if (!*next || entry.kind != PackIndexEntry::Kind::kReplaced) return {};
    replaced.insert(entry.pack);
  }
}

class Strays {
 public:
  Strays(const PacksPlace& place, Function<bool(PackId)>& known, const ToldChanges& told)
      : place_(place), is_known_(known), told_(told) {}

  void add_known(PackId id) { known_.insert(id); }
  void add_unfinished(std::string name) { strays_.emplace_back().pack.name = std::move(name); }

  Status add(std::string name, PackId id) {
    Stray& stray = strays_.emplace_back();
    stray.pack.name = std::move(name);
    stray.id = id;
    const Result<std::unique_ptr<Pack>> pack = place_.open(id);
    Status read = pack ? add_replaced(**pack, stray.replaced) : Status(pack.error());
    if (!read && !is_damage(read.error())) return read;
    if (!read) {
      stray.pack.kind = Kind::kUnreadable;
      return {};
    }
    stray.pack.last = (*pack)->highest_lsn();
    stray.pack.kind = kind_of(**pack);
    return {};
  }

  // What the packs that are known have replaced is in them.
  void find_merged() {
    const auto untold = [](const Stray& stray) { return stray.pack.kind == Kind::kUntold; };
    if (std::none_of(strays_.begin(), strays_.end(), untold)) return;
    PackIds held = known_;  // those of which all that was alive is in packs that are known
    for (const PackId id : known_) {
      const Result<std::unique_ptr<Pack>> pack = place_.open(id);
      if (pack) ignore(add_replaced(**pack, held), "one that cannot be read shows nothing");
    }
    for (auto each = strays_.begin(); each != strays_.end();) {
      if (untold(*each) && stands_for_missing(*each)) each->pack.kind = Kind::kNeeded;
      if (!untold(*each) || !is_held(*each, held)) {
        ++each;
        continue;
      }
      each->pack.kind = Kind::kUseless;
      held.insert(each->replaced.begin(), each->replaced.end());
      each = strays_.begin();
    }
  }

  std::vector<StrayPack> take() {
    std::vector<StrayPack> packs;
    for (Stray& stray : strays_) packs.push_back(std::move(stray.pack));
    return packs;
  }

 private:
  struct Stray {
    StrayPack pack;
    PackId id = 0;
    PackIds replaced;
  };

  // As far as this pack alone tells.
  Kind kind_of(const Pack& pack) const {
    if (pack.id() < told_.next_pack_id) return Kind::kUntold;
    if (pack.highest_lsn() > told_.last) return Kind::kNeeded;
    return pack.lowest_lsn() > told_.settled ? Kind::kUseless : Kind::kUntold;
  }

  // Replaced itself, or made by a merge that did not come to put it in the others' place.
  static bool is_held(const Stray& stray, const PackIds& held) {
    if (held.contains(stray.id)) return true;
    return !stray.replaced.empty() &&
           std::includes(held.begin(), held.end(), stray.replaced.begin(), stray.replaced.end());
  }

  // It has replaced a pack that the catalog knows, and that went then.
  bool stands_for_missing(const Stray& stray) {
    return std::any_of(stray.replaced.begin(), stray.replaced.end(),
                       [this](PackId id) { return is_known_(id) && !known_.contains(id); });
  }

  const PacksPlace& place_;
  Function<bool(PackId)>& is_known_;
  const ToldChanges& told_;
  PackIds known_;  // that are there
  std::vector<Stray> strays_;
};

}  // namespace

Result<std::unique_ptr<Pack>> PacksPlace::open(PackId id) const {
  return Pack::open(files, {.directory = directory, .id = id, .store_id = store_id});
}

Result<std::vector<StrayPack>> find_stray_packs(const PacksPlace& place,
                                                Function<bool(PackId)> known,
                                                const ToldChanges& told) {
  Result<std::vector<std::string>> names = place.files.list(place.directory);
  if (!names) return names.error();
  std::sort(names->begin(), names->end());
  Strays strays(place, known, told);
  for (std::string& name : *names) {
    const PackId id = pack_in(name);
    if (id == 0) {
      if (is_unfinished_pack(name)) strays.add_unfinished(std::move(name));
    } else if (known(id)) {
      strays.add_known(id);
    } else if (Status added = strays.add(std::move(name), id); !added) {
      return added.error();
    }
  }
  strays.find_merged();
  return strays.take();
}

Status clear_stray_packs(const PacksPlace& place, std::vector<StrayPack>& packs) {
  bool changed = false;
  for (StrayPack& pack : packs) {
    if (pack.kind == Kind::kNeeded) continue;
    if (pack.kind != Kind::kUseless) {
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

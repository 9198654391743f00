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

// Adds those that the pack in a file has replaced. False: it cannot be read.
Result<bool> add_replaced_by(const PacksPlace& place, PackId id, PackIds& replaced) {
  const Result<std::unique_ptr<Pack>> pack = place.open(id);
  const Status added = pack ? add_replaced(**pack, replaced) : Status(pack.error());
  if (!added && !is_damage(added.error())) return added.error();
  return added.ok();
}

class Strays {
 public:
  Strays(const PacksPlace& place, const ToldChanges& told) : place_(place), told_(told) {}

  void add_known(PackId id) { known_.insert(id); }
  void add_unfinished(std::string name) { strays_.emplace_back().pack.name = std::move(name); }

  Status add(std::string name, PackId id) {
    Stray& stray = strays_.emplace_back();
    stray.pack.name = std::move(name);
    stray.id = id;
    const Result<std::unique_ptr<Pack>> pack = place_.open(id);
    const Status read = pack ? add_replaced(**pack, stray.replaced) : Status(pack.error());
    if (!read && !is_damage(read.error())) return read;
    if (!read) {
      stray.pack.kind = Kind::kUnreadable;
      return {};
    }
    stray.pack.last = (*pack)->highest_lsn();
    const bool in_journal = id >= told_.next_pack_id && (*pack)->lowest_lsn() > told_.settled;
    if (stray.pack.last > told_.last) {
      stray.pack.kind = Kind::kNeeded;
    } else if (!in_journal) {
      stray.pack.kind = Kind::kUntold;
    }
    return {};
  }

  // What the packs that are known have replaced is in them.
  Status find_merged() {
    const auto untold = [](const Stray& stray) { return stray.pack.kind == Kind::kUntold; };
    if (std::none_of(strays_.begin(), strays_.end(), untold)) return {};
    PackIds told = known_;
    for (const PackId id : known_) {
      const Result<bool> added = add_replaced_by(place_, id, told);
      if (!added) return added.error();
    }
    for (auto each = strays_.begin(); each != strays_.end();) {
      if (!untold(*each) || !is_told(*each, told)) {
        ++each;
        continue;
      }
      each->pack.kind = Kind::kUseless;
      told.insert(each->replaced.begin(), each->replaced.end());
      each = strays_.begin();
    }
    return {};
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

  // Replaced itself, or made by a merge that did not come to put it in the others' place.
  static bool is_told(const Stray& stray, const PackIds& told) {
    if (told.contains(stray.id)) return true;
    return !stray.replaced.empty() && std::includes(told.begin(), told.end(),
                                                    stray.replaced.begin(), stray.replaced.end());
  }

  const PacksPlace& place_;
  const ToldChanges& told_;
  PackIds known_;
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
  Strays strays(place, told);
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
  if (Status found = strays.find_merged(); !found) return found.error();
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

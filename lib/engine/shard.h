// One lock's worth of paths. An operation holds it briefly, never across I/O, and at most two of
// them, in index order.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/chain_table.h"
#include "base/mutex.h"
#include "engine/entry.h"
#include "engine/live_kind.h"

namespace durable_streams {

// A path with its hash, computed once for the choice of the shard and the look-up in it.
struct PathKey {
  std::string_view path;
  std::uint64_t hash = 0;
};

// Threads: any, with `mutex` held.
class Shard {
 public:
  explicit Shard(std::size_t number) : index(number) {}
  ~Shard();
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  const std::size_t index;
  Mutex mutex;

  // The entry of a path, marked as used; null if the engine does not hold it.
  Entry* find(const PathKey& key);

  // The same without marking it.
  const Entry* peek(const PathKey& key) const;

  // A new entry; there must be none of its path.
  Entry& add(const PathKey& key);

  // Forgets an entry.
  void drop(Entry& entry);

  // The entry that has gone unused for the longest among those that `may_drop`; looks at a few
  // only. Null: none of these.
  template <class MayDrop>
  Entry* find_idle(MayDrop may_drop);

  std::size_t size() const { return entries_.size(); }

  // Calls `visit` with every entry, the one unused for the longest first.
  template <class Visit>
  void for_each(Visit visit) const {
    for (const Entry* entry = oldest_; entry != nullptr; entry = entry->newer) visit(*entry);
  }

  std::uint64_t appends = 0;
  std::uint64_t appended_bytes = 0;
  std::uint64_t new_producers = 0;
  std::uint64_t expired_streams = 0;
  std::array<std::uint64_t, kLiveKinds> waiting_readers{};  // by LiveKind

 private:
  struct Links {
    static Entry*& next(Entry& entry) { return entry.next_in_table; }
    static std::uint64_t hash(const Entry& entry) { return entry.hash; }
  };

  void link_newest(Entry& entry);
  void unlink(Entry& entry);

  ChainTable<Entry, Links> entries_;  // owns them
  Entry* newest_ = nullptr;
  Entry* oldest_ = nullptr;
};

template <class MayDrop>
Entry* Shard::find_idle(MayDrop may_drop) {
  constexpr int kLooksMax = 16;
  for (int looks = 0; looks < kLooksMax && oldest_ != nullptr; ++looks) {
    Entry* entry = oldest_;
    if (!entry->used && may_drop(*entry)) return entry;
    entry->used = false;
    unlink(*entry);
    link_newest(*entry);
  }
  return nullptr;
}

}  // namespace durable_streams

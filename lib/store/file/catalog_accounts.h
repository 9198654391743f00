// What one update of a catalog changes of its totals and of what its packs have alive.
#pragma once

#include <cstdint>
#include <map>

#include "store/file/catalog.h"

namespace durable_streams {

// Threads: one at a time.
class CatalogAccounts {
 public:
  // `old`: what was there before; null: nothing.
  void entered(const SettledStream* old, const SettledStream& now) {
    if (old == nullptr) ++streams_;
    releases_owed_ += std::int64_t{now.releases_owed} - (old == nullptr ? 0 : old->releases_owed);
  }

  void erased(const SettledStream& old) {
    --streams_;
    releases_owed_ -= old.releases_owed;
  }

  void placed(const Extent& extent) { count(extent, size_of(extent)); }
  void freed(const Extent& extent) { count(extent, -size_of(extent)); }

  void add_to(CatalogTotals& totals) const {
    add(totals.streams, streams_);
    add(totals.stored_bytes, stored_bytes_);
    add(totals.releases_owed, releases_owed_);
  }
  bool changes_totals() const { return streams_ != 0 || stored_bytes_ != 0 || releases_owed_ != 0; }

  static void add(std::uint64_t& to, std::int64_t change) {
    to += static_cast<std::uint64_t>(change);
  }

  // By pack, what has come alive in it; less than 0: what has died.
  const std::map<PackId, std::int64_t>& alive() const { return alive_; }

 private:
  static std::int64_t size_of(const Extent& extent) {
    return static_cast<std::int64_t>(extent.to - extent.from);
  }

  void count(const Extent& extent, std::int64_t bytes) {
    stored_bytes_ += bytes;
    alive_[extent.pack] += bytes;
  }

  std::int64_t streams_ = 0;
  std::int64_t stored_bytes_ = 0;
  std::int64_t releases_owed_ = 0;
  std::map<PackId, std::int64_t> alive_;
};

}  // namespace durable_streams

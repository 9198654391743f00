// The catalogs that are to be alike: the one that LMDB keeps, and the one in memory that stands in
// for it.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <vector>

#include "store/file/lmdb_catalog.h"
#include "tests/store_file/catalog_samples.h"
#include "tests/support/catch.h"
#include "tests/support/map_catalog.h"
#include "tests/support/temporary_directory.h"

namespace durable_streams {

inline constexpr std::uint64_t kPositionMax = std::numeric_limits<std::uint64_t>::max();

// Threads: one at a time.
class CatalogSubject {
 public:
  enum class Kind : std::uint8_t { kLmdb, kMap };

  explicit CatalogSubject(Kind kind) : kind_(kind) {
    if (kind_ == Kind::kMap) map_ = std::make_unique<MapCatalog>();
    reopen();
  }

  Catalog* operator->() { return kind_ == Kind::kMap ? map_.get() : lmdb_.get(); }

  // As a start after a crash would find it.
  void reopen() {
    if (kind_ == Kind::kMap) {
      map_ = map_->copy();
      return;
    }
    lmdb_.reset();
    lmdb_ = must(open_lmdb_catalog({.directory = directory_.path(), .map_bytes = kMapBytes}));
  }

  // Runs one update and commits it.
  void update(const std::function<void(Catalog::Update&)>& change) {
    const std::unique_ptr<Catalog::Update> update = must((*this)->begin());
    change(*update);
    must(update->commit());
  }

  void put(const SettledStream& stream) {
    update([&](Catalog::Update& to) { must(to.put(stream)); });
  }

  void erase(StreamId id) {
    update([&](Catalog::Update& to) { must(to.erase(id)); });
  }

  std::vector<DueStream> due() { return must((*this)->due(kBefore, kNever, 1000)); }

  static constexpr DueStream kBefore{WallTime::min(), 0};

 private:
  static constexpr std::uint64_t kMapBytes = std::uint64_t{256} << 20;

  const Kind kind_;
  TemporaryDirectory directory_;
  std::unique_ptr<Catalog> lmdb_;
  std::unique_ptr<MapCatalog> map_;
};

inline CatalogSubject any_catalog() {
  return CatalogSubject(GENERATE(CatalogSubject::Kind::kLmdb, CatalogSubject::Kind::kMap));
}

}  // namespace durable_streams

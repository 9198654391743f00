// Bounds the packs that are open at a time, however many the store has: each holds a file
// descriptor.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "store/file/file_system.h"
#include "store/file/pack.h"

namespace durable_streams {

// Never holds more than `open_max` packs open, those included that somebody still reads after
// forget(). A pack is in use as long as somebody else shares it; that is to be for one read, and
// who waits for a pack holds no other. Threads: any.
class OpenPacks {
 public:
  struct Options {
    std::string directory;
    std::uint64_t store_id = 0;
    std::size_t open_max = 100;
    std::shared_ptr<BlockCache> blocks = nullptr;  // of all packs; null: none are held
    std::chrono::milliseconds wait_max{10'000};    // for a pack to come out of use, before kTooMany
  };

  OpenPacks(FileSystem& files, Options options);
  // Packs that are in use live on.
  ~OpenPacks();
  OpenPacks(const OpenPacks&) = delete;
  OpenPacks& operator=(const OpenPacks&) = delete;

  // The pack, opened if need be; the least recently used one that nobody reads is closed for it.
  // When all are in use, waits for one. With kNo, nullopt when it is not open. Errors: those of
  // Pack::open(); kTooMany.
  std::optional<Result<std::shared_ptr<Pack>>> get(Pack::Wait wait, PackId id);

  // The pack is about to be removed: closes it, once nobody reads it any more.
  void forget(PackId id);

  // How many packs are open now.
  std::size_t open() const;

 private:
  class Impl;
  const std::shared_ptr<Impl> impl_;
};

}  // namespace durable_streams

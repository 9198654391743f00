// What the engine holds of a path: the incarnation that readers find, the one that the next change
// is checked against, and the changes in flight between the two.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/stream.h"
#include "engine/transaction.h"

namespace durable_streams {

// Guarded by its shard's lock, but for what is const. Threads: any.
struct Entry {
  Entry(std::string name, std::uint64_t path_hash, Shard& home)
      : path(std::move(name)), hash(path_hash), shard(home) {}

  const std::string path;
  const std::uint64_t hash;
  Shard& shard;

  std::shared_ptr<Stream> shown;     // what readers find; null: nothing
  std::shared_ptr<Stream> reserved;  // what the next change finds; null: nothing

  PendingChanges pending;
  std::uint32_t transactions =
      0;                 // that know this entry; rolled back ones are not in `pending` any more
  bool loading = false;  // the store was asked for the stream or a producer
  std::vector<Continuation> when_loaded;  // operations that wait for that

  std::uint32_t pins = 0;  // by operations that look at another entry meanwhile

  bool used = true;      // since the last look for entries to drop
  bool counted = false;  // among the engine's streams: there is one here, or one is on its way
  Entry* next_in_table = nullptr;
  Entry* newer = nullptr;
  Entry* older = nullptr;
};

// Keeps an entry from being dropped while another is looked up under the same lock. Threads: one at
// a time.
class EntryPin {
 public:
  explicit EntryPin(Entry* entry) : entry_(entry) {
    if (entry_ != nullptr) ++entry_->pins;
  }
  ~EntryPin() {
    if (entry_ != nullptr) --entry_->pins;
  }
  EntryPin(const EntryPin&) = delete;
  EntryPin& operator=(const EntryPin&) = delete;

 private:
  Entry* entry_;
};

}  // namespace durable_streams

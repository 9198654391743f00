// What the engine holds of a path: the incarnation that readers find, the one that the next change
// is checked against, and the changes in flight between the two.
#pragma once

#include <durable_streams/function.h>
#include <durable_streams/result.h>
#include <durable_streams/store.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "engine/stream.h"

namespace durable_streams {

struct Entry;

// Runs when what it waits for has happened or failed; on any thread, with no lock held.
using Continuation = Function<void(const Status&)>;

// A change in flight at the store, kept under its ticket until its outcome is known. Guarded by the
// locks of its entries.
struct Transaction {
  Ticket ticket = 0;
  Entry* entry = nullptr;          // of the path that it changes
  Entry* source = nullptr;         // of a fork's source, which it changes too
  bool entry_rolled_back = false;  // its share was taken back already, for an earlier change failed
  bool source_rolled_back = false;
  std::optional<ForkPoint>
      release;  // the source that is owed a release when this has removed its fork
  std::optional<ForkPoint> repays;  // the release that this is; owed anew when it is refused
  std::shared_ptr<Stream> slid;     // whose deadline this saves; then it changes nothing else

  // Those who wait for the outcome, its own requester first. They come by way of either entry, so
  // the shards' locks are not enough.
  void add_answer(Continuation answer) {
    const MutexLock lock(answers_mutex);
    answers.push_back(std::move(answer));
  }
  std::vector<Continuation> take_answers() {
    const MutexLock lock(answers_mutex);
    return std::exchange(answers, {});
  }

  Mutex answers_mutex;
  std::vector<Continuation> answers DURABLE_STREAMS_GUARDED_BY(answers_mutex);
};

// One path's share of a change in flight: how to make it visible, and how to take it back.
struct PendingChange {
  Transaction* transaction = nullptr;
  std::shared_ptr<Stream> stream;           // whose state the change moved
  VisibleState visible_after;               // becomes its visible state
  std::shared_ptr<Stream> shown_after;      // becomes what readers find; null: nothing
  std::shared_ptr<Stream> reserved_before;  // what the path's next change found before
  ReservedState state_before;               // of `stream`
  std::vector<std::pair<std::string, std::optional<ProducerState>>> producers_before;
  bool touches = false;  // holds the stream, and counts as a read or write of it if it commits
};

// Guarded by its shard's lock, but for what is const. Threads: any.
struct Entry {
  Entry(std::string name, std::uint64_t path_hash, Shard& home)
      : path(std::move(name)), hash(path_hash), shard(home) {}

  const std::string path;
  const std::uint64_t hash;
  Shard& shard;

  std::shared_ptr<Stream> shown;     // what readers find; null: nothing
  std::shared_ptr<Stream> reserved;  // what the next change finds; null: nothing

  std::deque<PendingChange> pending;  // oldest first
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

// A change in flight at the store: what it moved of the entries concerned, how to make that visible
// or take it back, and who waits for the outcome.
#pragma once

#include <durable_streams/function.h>
#include <durable_streams/result.h>
#include <durable_streams/store.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "engine/stream.h"

namespace durable_streams {

struct Entry;
struct Transaction;

// Runs when what it waits for has happened or failed; on any thread, with no lock held.
using Continuation = Function<void(const Status&)>;

// One path's share of a change in flight. Guarded by the lock of its entry's shard.
struct PendingChange {
  Transaction* transaction = nullptr;
  std::shared_ptr<Stream> stream;           // whose state the change moved
  VisibleState visible_after;               // becomes its visible state
  std::shared_ptr<Stream> shown_after;      // becomes what readers find; null: nothing
  std::shared_ptr<Stream> reserved_before;  // what the path's next change found before
  ReservedState state_before;               // of `stream`
  std::vector<std::pair<std::string, std::optional<ProducerState>>> producers_before;
  bool touches = false;  // holds the stream, and counts as a read or write of it if it commits
  PendingChange* older = nullptr;
  PendingChange* newer = nullptr;

  // Lets go of what it held; keeps memory for the next.
  void clear();
};

// The changes in flight of one path, which lie in their transactions. Threads: one at a time.
class PendingChanges {
 public:
  bool empty() const { return oldest_ == nullptr; }
  std::size_t size() const { return size_; }
  PendingChange* oldest() const { return oldest_; }
  PendingChange* newest() const { return newest_; }

  void push(PendingChange& change) {
    change.older = newest_;
    change.newer = nullptr;
    (newest_ != nullptr ? newest_->newer : oldest_) = &change;
    newest_ = &change;
    ++size_;
  }

  // The oldest is over.
  void pop_oldest() {
    PendingChange& over = *oldest_;
    oldest_ = over.newer;
    (oldest_ != nullptr ? oldest_->older : newest_) = nullptr;
    --size_;
    over.clear();
  }

 private:
  PendingChange* oldest_ = nullptr;
  PendingChange* newest_ = nullptr;
  std::size_t size_ = 0;
};

// Kept by its ticket in a TransactionTable until its outcome is known. Guarded by the locks of its
// entries, and by none once these have let go of it.
struct Transaction {
  std::uint32_t slot = 0;   // its place in the table
  Ticket ticket = 0;        // 0: its outcome is known
  Entry* entry = nullptr;   // of the path that it changes
  Entry* source = nullptr;  // of a fork's source, which it changes too
  PendingChange entry_change;
  PendingChange source_change;
  bool entry_rolled_back = false;  // its share was taken back already, for an earlier change failed
  bool source_rolled_back = false;
  std::optional<ForkPoint>
      release;  // the source that is owed a release when this has removed its fork
  std::optional<ForkPoint> repays;  // the release that this is; owed anew when it is refused
  std::shared_ptr<Stream> slid;     // whose deadline this saves; then it changes nothing else

  Continuation requester;  // whose answer this change is; null: nobody asked for it

  PendingChange& change_of(const Entry& changed) {
    return &changed == entry ? entry_change : source_change;
  }

  // Others whose answers depend on it. They come by way of either entry, so the shards' locks are
  // not enough.
  void add_dependent(Continuation answer) {
    const MutexLock lock(dependents_mutex);
    dependents.push_back(std::move(answer));
  }
  std::vector<Continuation> take_dependents() {
    const MutexLock lock(dependents_mutex);
    return std::exchange(dependents, {});
  }

  // Lets go of all but slot and ticket; keeps memory for the next.
  void clear();

  Mutex dependents_mutex;
  std::vector<Continuation> dependents DURABLE_STREAMS_GUARDED_BY(dependents_mutex);
};

}  // namespace durable_streams

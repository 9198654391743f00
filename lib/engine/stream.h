// One incarnation of a stream as the engine holds it: what the next change is checked against, and
// what readers see.
#pragma once

#include <durable_streams/store.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/media_type.h"

namespace durable_streams {

class LiveReader;
class Mailbox;
class Shard;
struct Entry;

// The state that the next change is checked against. It runs ahead of what is committed while
// changes are in flight, and is put back when one of them is refused.
struct ReservedState {
  std::uint64_t version = 0;
  Offset tail = {};
  // Null: none. Readers use it too: what a change in flight has added begins at the tail they see.
  std::shared_ptr<const SequenceStarts> sequences = {};
  bool closed = false;
  bool soft_deleted = false;
  std::uint32_t forks = 0;
  std::uint32_t producers = 0;
  std::string stream_seq = {};
  std::optional<ClosingTuple> closed_by = {};
};

inline std::shared_ptr<const SequenceStarts> shared_starts(SequenceStarts starts) {
  if (starts.empty()) return nullptr;
  return std::make_shared<const SequenceStarts>(std::move(starts));
}

// What readers see: never anything that could be taken back.
struct VisibleState {
  Offset tail;
  bool closed = false;
  bool soft_deleted = false;
  bool removed = false;  // this incarnation is over, for good

  friend bool operator==(const VisibleState&, const VisibleState&) = default;
};

// The readers of one loop that wait at the tail of one stream. Those that come when others are
// being woken are a group of their own, for they have seen what the others have not.
struct WaitGroup {
  Mailbox* mailbox = nullptr;   // outlives the group: a handle's readers leave before it does
  LiveReader* first = nullptr;  // never null; a group goes with its last reader
  bool woken = false;           // its mailbox knows already
};

// What the engine holds of a producer; see Stream::producers.
struct HeldProducer {
  std::optional<ProducerState> state;  // nullopt: it is not known
  std::uint32_t in_flight = 0;         // changes about it, of which the store may not know yet
};

// Producers that may be forgotten, as the store knew them when it was asked.
struct IdleProducers {
  std::vector<UsedProducer> candidates;  // the one that was used the longest ago is the last
  WallTime none_before{};                // there is no other until then
};

// Guarded by its shard's lock, but for what is const. Threads: any.
class Stream {
 public:
  Stream(StreamId stream_id, Entry& place, Shard& home, std::shared_ptr<const MediaType> type,
         Expiry lifetime, std::optional<ForkPoint> fork_point)
      : id(stream_id),
        entry(place),
        shard(home),
        media_type(std::move(type)),
        expiry(lifetime),
        fork(std::move(fork_point)) {}

  const StreamId id;
  Entry& entry;  // gone when this was removed, or when nothing holds it
  Shard& shard;
  const std::shared_ptr<const MediaType> media_type;
  const Expiry expiry;
  const std::optional<ForkPoint> fork;

  ReservedState reserved;
  VisibleState visible;

  WallTime touched{};                // the last read or write, from which a TTL counts
  WallTime saved_deadline = kNever;  // what the store knows
  std::uint32_t holds =
      0;  // by live readers, and by reads and changes whose outcome is open; see Engine::Impl
  std::uint32_t waiters = 0;  // live readers that stay: what waiters_per_stream_max is held against
  std::vector<WaitGroup> wait_groups;

  // Some of the producers asked for since the stream was loaded, and all that changes in flight are
  // about.
  std::map<std::string, HeldProducer, std::less<>> producers;

  // Null until a new producer has met the limit.
  std::unique_ptr<IdleProducers> idle_producers;

  // When the stream ends if nothing touches it any more; kNever while its TTL is held.
  WallTime deadline() const {
    if (expiry.at) return *expiry.at;
    if (!expiry.ttl || holds > 0) return kNever;
    return touched + *expiry.ttl;
  }

  bool expired(WallTime now) const { return deadline() <= now; }
};

}  // namespace durable_streams

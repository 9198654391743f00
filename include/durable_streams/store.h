// What is kept, and how: the interface between the engine, which knows the protocol's rules, and a
// store, which knows where bytes live. Implement it to keep streams somewhere new; tests/store
// holds the contract suite to run over it.
#pragma once

#include <durable_streams/clock.h>
#include <durable_streams/export.h>
#include <durable_streams/function.h>
#include <durable_streams/offset.h>
#include <durable_streams/result.h>
#include <durable_streams/slice.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace durable_streams {

// Names one incarnation of a stream; never reused, so a path deleted and created again has a new
// one. 0 names none.
using StreamId = std::uint64_t;

// How stored bytes divide into messages. kBytes: back to back, and the store remembers where
// appends end. kJson: each message minified and followed by `,\n`, which occurs nowhere else, so
// boundaries are in the bytes.
enum class Framing : std::uint8_t { kBytes, kJson };

// A stream's lifetime as it was asked for (protocol section 5.1). At most one of the two is set.
struct Expiry {
  std::optional<std::chrono::seconds> ttl;  // sliding: counted from the last read or write
  std::optional<WallTime> at;               // absolute

  friend bool operator==(const Expiry&, const Expiry&) = default;
};

// What is known of one producer of one stream (protocol section 5.2.1).
struct ProducerState {
  std::uint64_t epoch = 0;
  std::uint64_t last_seq = 0;
  WallTime last_used = {};  // when its last append was accepted

  friend bool operator==(const ProducerState&, const ProducerState&) = default;
};

// The request that closed a stream, kept so that its retry is recognised.
struct ClosingTuple {
  std::string producer_id;
  std::uint64_t epoch = 0;
  std::uint64_t seq = 0;

  friend bool operator==(const ClosingTuple&, const ClosingTuple&) = default;
};

// Where a fork leaves its source. The source exists, soft-deleted or not, as long as the fork does.
struct ForkPoint {
  StreamId source = 0;
  std::string source_path;
  std::uint64_t position = 0;  // the first byte that is the fork's own
  Offset anchor;               // as asked for, for the comparison of an idempotent PUT
  std::uint64_t sub_offset = 0;

  friend bool operator==(const ForkPoint&, const ForkPoint&) = default;
};

// Where a stream's read sequence was raised: bytes from `position` on have offsets of `sequence`,
// up to where it was raised again.
struct SequenceStart {
  std::uint64_t sequence = 0;
  std::uint64_t position = 0;

  friend bool operator==(const SequenceStart&, const SequenceStart&) = default;
};

using SequenceStarts = std::vector<SequenceStart>;

// Everything about a stream but its bytes and its producers.
struct StreamRecord {
  StreamId id = 0;
  std::string path = {};          // decoded, relative to the endpoint: `a/b`
  std::string content_type = {};  // as given at creation, parameters included
  Framing framing = Framing::kBytes;
  Expiry expiry = {};
  WallTime deadline =
      kNever;  // the saved one: with a TTL the true deadline may be later, never earlier
  std::uint64_t version = 0;  // grows by one with each change that the record takes
  Offset tail = {};
  SequenceStarts sequences = {};  // in order; the last is the tail's. Empty: 0 from the beginning
  bool closed = false;
  bool soft_deleted = false;
  std::uint32_t forks = 0;      // how many streams name this one as their source
  std::uint32_t producers = 0;  // how many are known of it; a fork begins with none
  std::string stream_seq = {};  // the last Stream-Seq; empty: none yet
  std::optional<ClosingTuple> closed_by = {};
  std::optional<ForkPoint> fork = {};
};

// The changes. Each is atomic: all of it is kept, or none. Views and references live for the call
// of submit(). Each states the version that it was checked against; a store refuses one whose
// condition does not hold, with kConflict.

// A new stream with its first bytes. Condition: no stream has `record.path`; for a fork, the source
// has `source_version`, and its `forks` and version grow by one in the same change.
// `record.version` is 1 and `record.tail` lies `bytes.size()` after the fork's position (or 0).
struct CreateChange {
  const StreamRecord& record;
  std::string_view bytes;
  std::uint64_t source_version = 0;
};

// Bytes behind the tail, with all that the append decides. Any part may be missing: a close may
// bring no bytes.
struct AppendChange {
  StreamId id = 0;
  std::uint64_t version = 0;
  std::string_view bytes = {};
  Slice owned =
      {};  // when it holds the same bytes, the store may keep this share instead of copying
  Offset tail = {};  // after the append; a read sequence above the last one starts where it does
  std::string_view producer_id = {};         // empty: no producer
  ProducerState producer = {};               // the producer's state after the append
  bool producer_is_new = false;              // the stream knew no producer of this id: now one more
  std::string_view forgotten_producer = {};  // one that is known makes way for the new one
  std::string_view stream_seq = {};          // empty: unchanged
  bool close = false;                        // with a producer, its tuple becomes `closed_by`
};

// A stream ends. kSoft keeps record and bytes for its forks and blocks its path. kFull forgets
// stream, bytes and producers, and frees its path; if it was a fork, its source is then owed a
// ReleaseChange.
struct RemoveChange {
  enum class Mode : std::uint8_t { kSoft, kFull };
  StreamId id = 0;
  std::uint64_t version = 0;
  Mode mode = Mode::kFull;
};

// One fork of `source` is gone: `forks` shrinks by one. With `remove` (it was soft-deleted, and
// this was its last fork) the source goes too, as by RemoveChange::kFull.
struct ReleaseChange {
  StreamId source = 0;
  std::uint64_t version = 0;
  bool remove = false;
};

// Saves a slid deadline. Carries no condition and changes no version; a stream that is gone is
// ignored.
struct DeadlineChange {
  StreamId id = 0;
  WallTime deadline = kNever;
};

using Change =
    std::variant<CreateChange, AppendChange, RemoveChange, ReleaseChange, DeadlineChange>;

// Names a submitted change to the one that submitted it.
using Ticket = std::uint64_t;

enum class Submitted : std::uint8_t { kCommitted, kPending };

struct CommitOutcome {
  Ticket ticket = 0;
  Status status;  // ok: the change is durable as far as the store promises; else it was refused and
                  // left no trace
};

// Hears of pending changes. Called from any thread, never inside submit() nor with a lock of the
// store held (it may submit more), in order per path, as many at once as became durable together. A
// store knows no loop: the engine carries what it hears to those that wait for it.
class DURABLE_STREAMS_EXPORT CommitListener {
 public:
  virtual ~CommitListener() = default;
  virtual void on_commits(std::span<CommitOutcome> outcomes) = 0;
};

// A range of a stream's stored bytes, inherited ones included: `from` up to `to`, which is never
// past what was committed.
struct ReadRange {
  StreamId id = 0;
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  std::size_t bytes_max = 0;
};

// A part of a stream as it is stored, in order. Callers reuse one to save allocations.
struct StoredBytes {
  std::vector<Slice> slices;
  std::uint64_t end = 0;  // position after the last byte

  void clear() {
    slices.clear();
    end = 0;
  }
};

struct ExpiredStream {
  StreamId id = 0;
  std::string path;
};

// A producer of a stream and when it was last used.
struct UsedProducer {
  WallTime last_used = {};
  std::string id;

  friend auto operator<=>(const UsedProducer&, const UsedProducer&) = default;
};

// What a page of a listing is asked for.
struct ListRange {
  std::string_view prefix = {};  // that paths begin with, byte by byte; empty: any
  std::string_view after = {};   // a path; only what comes after it, in the order of bytes
  std::size_t count_max = 0;     // within 1 and kListCountMax
  std::size_t part = 0;          // of those that list_parts() counts
};

inline constexpr std::size_t kListCountMax = 1'000;

struct StreamList {
  std::vector<StreamRecord> streams;  // in order of their paths, soft-deleted ones left out
  std::optional<std::string> next;    // more may come after this path; nullopt: nothing does
};

struct StoreStats {
  std::uint64_t streams = 0;       // soft-deleted ones included
  std::uint64_t stored_bytes = 0;  // bytes of streams, as appended
  std::uint64_t producers = 0;     // of all streams, each counted for each stream that knows it
  std::uint64_t memory_bytes = 0;  // what a memory limit is held against
};

// What may have to wait has two forms: `x_now` answers at once, or gives nullopt when it would have
// to wait; then `x` answers by its completion, exactly once, from any thread, never inside the
// call. The engine asks by `x` only when `x_now` gave nullopt, so a store whose `_now` forms always
// answer may keep completions for its next flush(). The engine calls submit() and the `_now` forms
// under a lock of its own, so they neither wait for I/O nor call back; `x` it may call under that
// lock or from a completion. A store outlives the engine over it. Threads: any.
class DURABLE_STREAMS_EXPORT Store {
 public:
  template <class T>
  using Done = Function<void(Result<T>)>;

  virtual ~Store() = default;

  // One word for people: `memory`, `file`.
  virtual std::string_view kind() const = 0;

  // True if submit() never answers kPending.
  virtual bool commits_at_once() const = 0;

  // Who hears of pending changes; set once, before the first submit(), and null again before the
  // listener goes: that call returns when no on_commits() is running any more.
  virtual void set_listener(CommitListener* listener) = 0;

  // A fresh id, never given before by this store, also not before a restart.
  virtual StreamId next_stream_id() = 0;

  // The read sequence of all that is new. It is fixed while the store is open, never lower than
  // before, and higher than that of any byte that readers may have seen and that the store has lost
  // since: a stream is created with it, and an append to a stream with a lower one raises it.
  virtual std::uint64_t read_sequence() const { return 0; }

  // Takes a change. kCommitted: it is durable and visible now. kPending: the listener hears of
  // `ticket`. An error: it was refused and left no trace, with kConflict when its condition does
  // not hold, kNoSpace or kUnavailable when it could not be kept, kTooLarge or kPathTooLong when
  // this store never takes as much. Order is kept per path, and between a fork and its source.
  virtual Result<Submitted> submit(const Change& change, Ticket ticket) = 0;

  // A hint that this thread submits nothing more this turn of its loop: a store that gathers may
  // start to commit. It does not follow every change (those that the engine submits when it hears
  // of another come without), so a store commits without it too.
  virtual void flush() = 0;

  // The same from a thread that may wait for the disk for a moment: the store may commit there and
  // then, for all that has gathered, and tell the listener before it returns.
  virtual void flush_waiting() { flush(); }

  // The record of the stream at `path`: true and `out` when there is one, soft-deleted included;
  // false when not.
  virtual std::optional<Result<bool>> load_now(std::string_view path, StreamRecord& out) = 0;
  virtual void load(std::string_view path, Done<std::optional<StreamRecord>> done) = 0;

  // What is known of one producer of a stream.
  virtual std::optional<Result<bool>> load_producer_now(StreamId id, std::string_view producer_id,
                                                        ProducerState& out) = 0;
  virtual void load_producer(StreamId id, std::string_view producer_id,
                             Done<std::optional<ProducerState>> done) = 0;

  // Up to `count_max` of a stream's producers, those first that were used the longest ago. Looks at
  // all of them.
  virtual std::optional<Result<std::vector<UsedProducer>>> oldest_producers_now(
      StreamId id, std::size_t count_max) = 0;
  virtual void oldest_producers(StreamId id, std::size_t count_max,
                                Done<std::vector<UsedProducer>> done) = 0;

  // Bytes of a range, at most `bytes_max` of them, cut at the last end of an append (kBytes) or
  // message (kJson) that fits. Where none does, kBytes is cut anywhere, and kJson gives its first
  // message whole, however large. Replaces `out`.
  virtual std::optional<Status> read_now(const ReadRange& range, StoredBytes& out) = 0;
  virtual void read(const ReadRange& range, Done<StoredBytes> done) = 0;

  // Where the append that covers the byte at `position` ends (kBytes only); inherited appends end
  // at the latest where the fork leaves its source. `position` must lie before the tail.
  virtual std::optional<Result<std::uint64_t>> append_end_now(StreamId id,
                                                              std::uint64_t position) = 0;
  virtual void append_end(StreamId id, std::uint64_t position, Done<std::uint64_t> done) = 0;

  // The earliest saved deadline, or kNever; soft-deleted streams have none. Cheap.
  virtual WallTime earliest_deadline() const = 0;

  // Up to `count_max` streams whose saved deadline is not after `now`, earliest first; costs no
  // more than it finds.
  virtual std::optional<Result<std::vector<ExpiredStream>>> expired_now(WallTime now,
                                                                        std::size_t count_max) = 0;
  virtual void expired(WallTime now, std::size_t count_max,
                       Done<std::vector<ExpiredStream>> done) = 0;

  // A store that keeps its streams in no order of their paths has them in several parts, each of
  // which is looked through by itself, so that a listing holds nobody up for long: its page is the
  // first `count_max` of all parts' answers together.
  virtual std::size_t list_parts() const { return 1; }

  // Streams of one part by path; fewer than `count_max`, or none, though more may come: `next` says
  // whether. What changes meanwhile is seen as before or after; what stays is seen once.
  virtual std::optional<Result<StreamList>> list_now(const ListRange& range) = 0;
  virtual void list(const ListRange& range, Done<StreamList> done) = 0;

  virtual StoreStats stats() const = 0;

  // The sources to which forks that were removed before this store was opened still owe a
  // ReleaseChange, each once for every release: what a crash has cut short. Only `source` and
  // `source_path` say anything. May wait; asked once.
  virtual Result<std::vector<ForkPoint>> owed_releases() { return std::vector<ForkPoint>(); }
};

}  // namespace durable_streams

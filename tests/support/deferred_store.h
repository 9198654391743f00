// A store that makes its user wait: changes commit when the test says so, or are refused, and loads
// and reads answer later. It is how the engine's waiting paths are reached over a store that itself
// never waits.
#pragma once

#include <durable_streams/store.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "tests/support/seed.h"

namespace durable_streams {

// Lies over another store, which must commit at once and always answer at
// once. Conditions are checked when a change commits: after a refused one, those queued behind it
// that relied on it are refused too. The same calls and the same seed give the same outcomes.
// Threads: any; commits and completions run in the thread that asks for them, commits by one thread
// at a time.
class DeferredStore final : public Store {
 public:
  explicit DeferredStore(Store& under, std::uint64_t seed = 0);
  explicit DeferredStore(std::unique_ptr<Store> under, std::uint64_t seed = 0);
  ~DeferredStore() override;

  // What waits. At first changes do, and nothing else. In random mode each call that may wait
  // throws a coin.
  struct Waits {
    bool changes = true;
    bool loads = false;    // of records and producers
    bool reads = false;    // of bytes and append ends
    bool expired = false;  // streams that are due
    bool random = false;
  };
  void set_waits(Waits waits);

  // Commits the oldest `count` waiting changes, and tells the listener of all of them in one call.
  // Returns how many there were.
  std::size_t commit(std::size_t count = 1);
  // Commits in such batches, one batch a call of the listener, until no change waits.
  std::size_t commit_all(std::size_t batch = SIZE_MAX);
  std::size_t waiting_changes() const;

  // Refuses the next `count` changes with `code` when they would commit.
  void refuse_commits(ErrorCode code, std::size_t count = 1);
  // Refuses the next `count` changes with `code` inside submit().
  void refuse_submits(ErrorCode code, std::size_t count = 1);
  // Refuses one change in `one_in` when it would commit; 0: none.
  void refuse_randomly(ErrorCode code, std::uint64_t one_in);

  // Answers the oldest `count` waiting loads, reads and searches. Returns how many there were.
  std::size_t complete_loads(std::size_t count = SIZE_MAX);
  std::size_t waiting_loads() const;
  // Fails the next `count` loads, reads and searches with `code`, whether they wait or not.
  void fail_loads(ErrorCode code, std::size_t count = 1);

  // Does one thing at random that may happen next: some changes commit, not in the order of their
  // submission where they have no stream in common, or a load completes. False when nothing waits.
  bool step();
  // Steps until nothing waits.
  void settle();

  std::size_t flushes() const;

  std::string_view kind() const override { return "deferred"; }
  bool commits_at_once() const override { return false; }
  void set_listener(CommitListener* listener) override;
  StreamId next_stream_id() override { return under_.next_stream_id(); }
  std::uint64_t read_sequence() const override { return under_.read_sequence(); }
  Result<Submitted> submit(const Change& change, Ticket ticket) override;
  void flush() override;
  std::optional<Result<bool>> load_now(std::string_view path, StreamRecord& out) override;
  void load(std::string_view path, Done<std::optional<StreamRecord>> done) override;
  std::optional<Result<bool>> load_producer_now(StreamId id, std::string_view producer_id,
                                                ProducerState& out) override;
  void load_producer(StreamId id, std::string_view producer_id,
                     Done<std::optional<ProducerState>> done) override;
  std::optional<Result<std::vector<UsedProducer>>> oldest_producers_now(
      StreamId id, std::size_t count_max) override;
  void oldest_producers(StreamId id, std::size_t count_max,
                        Done<std::vector<UsedProducer>> done) override;
  std::optional<Status> read_now(const ReadRange& range, StoredBytes& out) override;
  void read(const ReadRange& range, Done<StoredBytes> done) override;
  std::optional<Result<std::uint64_t>> append_end_now(StreamId id, std::uint64_t position) override;
  void append_end(StreamId id, std::uint64_t position, Done<std::uint64_t> done) override;
  WallTime earliest_deadline() const override { return under_.earliest_deadline(); }
  std::size_t list_parts() const override { return under_.list_parts(); }
  std::optional<Result<StreamList>> list_now(const ListRange& range) override;
  void list(const ListRange& range, Done<StreamList> done) override;
  std::optional<Result<std::vector<ExpiredStream>>> expired_now(WallTime now,
                                                                std::size_t count_max) override;
  void expired(WallTime now, std::size_t count_max, Done<std::vector<ExpiredStream>> done) override;
  StoreStats stats() const override { return under_.stats(); }

 private:
  // A change that owns what its views showed.
  struct WaitingChange;

  enum class Order : std::uint8_t { kSubmitted, kRandom };

  // Runs a waiting load with what it shall fail with, if anything.
  using Load = Function<void(const Status&)>;

  std::size_t commit_batch(std::size_t count, Order order);
  std::vector<std::unique_ptr<WaitingChange>> take_changes(std::size_t count, Order order);
  // The change at `index` may commit before those ahead of it: it has no stream or path in common
  // with them.
  bool may_overtake(std::size_t index) const DURABLE_STREAMS_REQUIRES(mutex_);
  // What names the streams that a change is about; empty: not known.
  std::set<std::string> names_of(const Change& change) DURABLE_STREAMS_REQUIRES(mutex_);
  // What the next change is refused with, if anything.
  Status next_refusal() DURABLE_STREAMS_REQUIRES(mutex_);
  bool waits(bool Waits::*kind) DURABLE_STREAMS_REQUIRES(mutex_);
  // Nullopt: the call has to wait. Else ok to go on, or what it fails with.
  std::optional<Status> admit(bool Waits::*kind);
  void wait_for_load(Load load);

  const std::unique_ptr<Store> owned_;  // null: the store underneath is borrowed
  Store& under_;

  // Held while a batch commits and the listener hears of it; taken before `mutex_`.
  Mutex commit_mutex_;
  CommitListener* listener_ DURABLE_STREAMS_GUARDED_BY(commit_mutex_) = nullptr;

  mutable Mutex mutex_;
  Random random_ DURABLE_STREAMS_GUARDED_BY(mutex_);
  Waits waits_ DURABLE_STREAMS_GUARDED_BY(mutex_);
  std::deque<std::unique_ptr<WaitingChange>> changes_ DURABLE_STREAMS_GUARDED_BY(mutex_);
  bool committing_ DURABLE_STREAMS_GUARDED_BY(mutex_) = false;
  std::deque<Load> loads_ DURABLE_STREAMS_GUARDED_BY(mutex_);
  std::map<StreamId, std::string> paths_ DURABLE_STREAMS_GUARDED_BY(mutex_);
  std::deque<ErrorCode> refused_commits_ DURABLE_STREAMS_GUARDED_BY(mutex_);
  std::deque<ErrorCode> refused_submits_ DURABLE_STREAMS_GUARDED_BY(mutex_);
  std::deque<ErrorCode> failed_loads_ DURABLE_STREAMS_GUARDED_BY(mutex_);
  std::optional<ErrorCode> random_refusal_ DURABLE_STREAMS_GUARDED_BY(mutex_);
  std::uint64_t random_refusal_one_in_ DURABLE_STREAMS_GUARDED_BY(mutex_) = 0;
  std::size_t flushes_ DURABLE_STREAMS_GUARDED_BY(mutex_) = 0;
};

}  // namespace durable_streams

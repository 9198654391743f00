// The shared engine: shards of streams over a store, and the operations on them. Each operation has
// a file of its own.
#pragma once

#include <durable_streams/engine.h>
#include <durable_streams/streams.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/keyed_hash.h"
#include "base/mutex.h"
#include "engine/deferral.h"
#include "engine/entry.h"
#include "engine/mailbox.h"
#include "engine/media_type_table.h"
#include "engine/operations.h"
#include "engine/page_read.h"
#include "engine/payload.h"
#include "engine/refusals.h"
#include "engine/shard.h"
#include "engine/transaction_table.h"

namespace durable_streams {

class LiveReader;
class ForkPlan;
class ListingPage;

// Holds one shard's lock, or two, in index order. Threads: one at a time.
class ShardLock {
 public:
  explicit ShardLock(Shard& shard);
  ShardLock(Shard& a, Shard& b);
  ~ShardLock();
  ShardLock(const ShardLock&) = delete;
  ShardLock& operator=(const ShardLock&) = delete;

 private:
  Shard* first_;
  Shard* second_;  // null, or the one with the higher index
};

// Threads: any.
class Engine::Impl final : public CommitListener {
 public:
  Impl(Store& store, const EngineOptions& options);
  ~Impl() override;

  Store& store() const { return store_; }
  const EngineOptions& options() const { return options_; }
  EngineStats stats();
  WallTime now() const { return clock_->now(); }

  // `plan` is null at first; when the operation is started again, it is what was found out of the
  // source so far.
  AtOnce<CreateAnswer> create(std::string_view path, const CreateOptions& options,
                              PayloadMaker& payload, std::shared_ptr<ForkPlan>& plan, Pace pace,
                              Deferral<CreateAnswer>& deferral);
  AtOnce<Appended> append(const AppendRequest& request, PayloadMaker& payload,
                          Deferral<Appended>& deferral);
  AtOnce<StreamView> info(std::string_view path, Deferral<StreamView>& deferral);
  AtOnce<void> remove(std::string_view path, Deferral<void>& deferral);

  // `live`, if given, stays with the stream when the answer is ok.
  std::optional<Status> read(const ReadRequest& request, LiveReader* live, ReadAnswer& out,
                             Deferral<ReadAnswer>& deferral);

  // What readers see of a page that is complete.
  Listing listing_of(ListingPage& page);

  // Where a page from `from` on of `stream` begins: there, or at the tail when that comes first.
  // kGone: the offset names bytes that the store has lost.
  Result<Offset> start_of(const StreamView& stream, Offset from) const;

  // A page from `from` on of the stream that `out.stream` tells of. Without any lock.
  std::optional<Status> read_page(Offset from, std::size_t bytes_max, ReadAnswer& out,
                                  Deferral<ReadAnswer>& deferral);

  // The stored bytes of `stream` from one position to another, which a page of it has shown: just
  // these, wherever appends and messages end. Without any lock.
  std::optional<Status> read_again(StreamId stream, std::uint64_t from, std::uint64_t to,
                                   ReadAnswer& out, Deferral<ReadAnswer>& deferral);

  void on_commits(std::span<CommitOutcome> outcomes) override;

  void save_slid_deadlines();

  // The loops that use this engine; one of them looks for expired streams. See reaper.cc.
  void add_handle(std::shared_ptr<Mailbox> mailbox);
  void remove_handle(const Mailbox& mailbox);

  // When the loop of `mailbox` should call reap(); kNever: another loop does, or nothing is to be
  // done.
  WallTime next_reaping(const Mailbox& mailbox);

  // Ends streams that have expired, a bounded number of them, and releases sources that are still
  // owed it.
  void reap();

  // Ends one of the stream's holds, and the TTL counts from now if what held it was accepted. True:
  // this has submitted a change, and the store should hear when the turn is over. Needs the shard's
  // lock.
  bool let_go(const std::shared_ptr<Stream>& stream, Outcome outcome);

  // What answers tell of a stream: as its readers, or as its next change finds it. Needs the
  // shard's lock.
  StreamView visible_view(const Stream& stream) const;
  StreamView reserved_view(const Stream& stream) const;

  // Whether a change was submitted that no operation waits for, since this was last asked.
  bool take_flush_wanted() {
    return flush_wanted_.load(std::memory_order_relaxed) && flush_wanted_.exchange(false);
  }

 private:
  // What is at a path. Neither entry nor failure: no stream. An entry that is loading: ask again
  // when it has loaded.
  struct Located {
    bool loading() const { return entry != nullptr && entry->loading; }

    Entry* entry = nullptr;
    std::optional<Error> failure;
  };

  // Lets completions that come from other threads find out that the engine is gone.
  struct Life {
    explicit Life(Impl& owner) : engine(&owner) {}
    std::shared_mutex mutex;
    Impl* engine;  // null: gone
  };

  // Keyed at random: clients choose paths, and must not choose who shares a bucket.
  PathKey key_of(std::string_view path) const {
    return {.path = path, .hash = keyed_hash(hash_key_, path)};
  }
  Shard& shard_of(const PathKey& key) { return *shards_[(key.hash >> 24) & (shards_.size() - 1)]; }

  // loading.cc; all need the shard's lock.
  Located locate(Shard& shard, const PathKey& key);
  Entry& add_entry(Shard& shard, const PathKey& key);
  void install(Entry& entry, StreamRecord&& record);
  void start_loading(Entry& entry);
  // Counts the stream that is about to be created at `entry`, unless one is counted there already,
  // whose place it takes: a path holds one at a time. False: there are as many as there may be.
  bool count_stream(Entry& entry);
  // After a change: the path holds no stream any more, and none is on its way.
  void uncount_stream_if_gone(Entry& entry);
  void finish_loading(const std::string& path, Result<std::optional<StreamRecord>> record);
  // The producer in `stream.producers`. Null with a failure, or without: it is being loaded.
  const HeldProducer* find_producer(Entry& entry, Stream& stream, std::string_view id,
                                    std::optional<Error>& failure);
  // Forgets producers that the store knows as well, when many are held.
  static void make_producer_room(const Entry& entry, Stream& stream);
  // What an operation of `stream` had to wait for is there; `take` keeps it, under the lock.
  void finish_loading_for(const std::string& path, Stream& stream, Function<Status()> take);
  // Drops idle entries until there is room for one more.
  void make_room(Shard& shard);
  static bool may_drop(const Entry& entry);
  static void drop_if_empty(Entry& entry);

  // commits.cc; all but finish() and on_commits() need the locks of the shards concerned.
  // Hands a change of `entry`, and of a fork's source, to the store. Null: it is committed. Else it
  // is pending, and each of the entries remembers it.
  Result<Transaction*> submit(const Change& change, Entry& entry, Entry* source = nullptr);
  void end(Transaction& transaction);
  // Before the states are moved: keeps what a refusal puts back.
  PendingChange& remember(Transaction& transaction, Entry& entry, std::shared_ptr<Stream> stream);
  // After they were moved: shows the new state to readers, or keeps it until the transaction
  // commits.
  void settle(Entry& entry, const std::shared_ptr<Stream>& stream, PendingChange* pending);
  static void show(Entry& entry, const std::shared_ptr<Stream>& stream, const VisibleState& visible,
                   const std::shared_ptr<Stream>& shown);
  // Keeps the entry until the deadline is saved; true if it is already.
  bool save_deadline(Entry& entry, const std::shared_ptr<Stream>& stream, WallTime deadline);
  void finish_saving(Transaction& transaction, const Status& status);
  void finish(Transaction& transaction, const Status& status);
  // What the shards' locks are needed for; whether the change is kept.
  bool finish_locked(Transaction& transaction, const Status& status,
                     std::vector<Continuation>& failed);
  void commit_oldest(Entry& entry, const Transaction& transaction);
  // Takes back the oldest change, which was refused, and those that the store will refuse because
  // of it.
  void roll_back(Entry& entry, std::vector<Continuation>& failed);
  void take_back(PendingChange& change);

  // Counts as a read or write of the entry's stream: its TTL counts from now. Where changes are in
  // flight, whose refusal would refuse this too, only when they commit; until then they hold the
  // TTL.
  void touch(Entry& entry);

  // Answers now, or, where changes are in flight that the answer may depend on, after the last of
  // them.
  template <class T>
  AtOnce<T> answer_after(Entry& entry, Deferral<T>& deferral, Result<T> result);
  // Answers now, or when the answer's own change commits.
  template <class T>
  AtOnce<T> answer_with(Transaction* transaction, Deferral<T>& deferral, Result<T> result);
  template <class T>
  AtOnce<T> after_loading(Entry& entry, Deferral<T>& deferral);
  // The answer of a change that finds no stream, or cannot tell yet; nullopt: the entry's reserved
  // stream is there to be changed. Ends that stream first if its time has come.
  template <class T>
  std::optional<AtOnce<T>> answer_absent(const Located& target, Deferral<T>& deferral,
                                         std::optional<ForkPoint>& owed);

  // producers.cc; all need the shard's lock.
  // Where a new producer may have its place in a stream.
  struct ProducerPlace {
    bool loading = false;          // ask again when the entry has loaded
    std::optional<Error> failure;  // there is none, or it could not be found
    std::string forgotten;         // the producer that makes way for it; empty: none has to
  };
  ProducerPlace place_producer(Entry& entry, Stream& stream);
  // The next candidate that may still be forgotten; nullopt: there is none, or `place` says more.
  std::optional<std::string> next_idle_producer(Entry& entry, Stream& stream, ProducerPlace& place);
  // Asks the store for candidates; false: they are being loaded, or `place` says why not.
  bool find_idle_producers(Entry& entry, Stream& stream, ProducerPlace& place);
  void take_idle_producers(Stream& stream, std::vector<UsedProducer> oldest) const;
  bool is_idle(WallTime last_used) const;
  // The producer's state as the rules see it: one that may be forgotten is not known.
  std::optional<ProducerState> known_state(const HeldProducer& held) const;

  // append.cc
  AtOnce<Appended> append_locked(const AppendRequest& request, PayloadMaker& payload,
                                 Deferral<Appended>& deferral, std::optional<ForkPoint>& owed);
  AtOnce<Appended> append_to(Entry& entry, const AppendRequest& request, PayloadMaker& payload,
                             Deferral<Appended>& deferral);
  // `new_producer`, if the request's producer is not known yet.
  AtOnce<Appended> commit_append(Entry& entry, const AppendRequest& request, const Payload& payload,
                                 const ProducerPlace* new_producer, Deferral<Appended>& deferral);
  // After the append was submitted: its producer's state, and that of one which made way for it.
  static void move_producers(Stream& stream, const AppendChange& change, PendingChange* pending);

  // create.cc
  AtOnce<CreateAnswer> create_plain(std::string_view path, const CreateOptions& options,
                                    PayloadMaker& payload, Deferral<CreateAnswer>& deferral,
                                    std::optional<ForkPoint>& owed);
  AtOnce<CreateAnswer> create_fork(std::string_view path, const CreateOptions& options,
                                   PayloadMaker& payload, Deferral<CreateAnswer>& deferral,
                                   std::shared_ptr<ForkPlan>& plan, Pace pace,
                                   std::optional<ForkPoint>& owed);
  AtOnce<CreateAnswer> create_planned_fork(std::string_view path, const CreateOptions& options,
                                           PayloadMaker& payload, Deferral<CreateAnswer>& deferral,
                                           const ForkPlan& plan, std::optional<ForkPoint>& owed);
  // The answer when the target of a create holds a stream already, or cannot be told yet; nullopt:
  // the path is free.
  std::optional<AtOnce<CreateAnswer>> answer_existing(const Located& target,
                                                      const CreateOptions& options,
                                                      Deferral<CreateAnswer>& deferral,
                                                      std::optional<ForkPoint>& owed);
  // Looks at the source of a fork: `plan` begun, or an answer.
  std::optional<AtOnce<CreateAnswer>> begin_fork(const CreateOptions& options,
                                                 Deferral<CreateAnswer>& deferral,
                                                 std::shared_ptr<ForkPlan>& plan);
  AtOnce<CreateAnswer> commit_create(Entry& target, StreamRecord&& record,
                                     std::shared_ptr<const MediaType> type, const Payload& payload,
                                     Entry* source, Deferral<CreateAnswer>& deferral);

  // list.cc
  std::optional<ListedStream> shown_in_listing(StreamRecord&& record);

  // read.cc
  // What readers find at a path that is not loading. Needs the shard's lock.
  Result<Stream*> find_shown(const Located& located);
  class HeldRead;
  bool let_go_of_read(const std::shared_ptr<Stream>& stream, bool accepted);  // as let_go()
  void read_page_later(PageRead page, const ReadRange& range, StreamView stream,
                       Function<void(Result<ReadAnswer>)> done);

  // remove.cc
  AtOnce<void> remove_locked(std::string_view path, Deferral<void>& deferral,
                             std::optional<ForkPoint>& owed);
  // Ends the entry's stream if its time has come. Fails when it should have ended but the store
  // refused.
  Status expire_if_due(Entry& entry, std::optional<ForkPoint>& owed);
  // Removes the entry's stream, softly if it has forks. `owed`: what that leaves to be released.
  Result<Transaction*> remove_reserved(Entry& entry, std::optional<ForkPoint>& owed);
  // Pays what the removal of a fork owes its source, and so on up the chain. Without any lock.
  void release(std::optional<ForkPoint> owed);
  std::optional<ForkPoint> release_one(const ForkPoint& point);
  // Keeps a release that the store would not take now, for release_owed(), which the reaper calls.
  void owe(ForkPoint point);
  void release_owed();

  // reaper.cc
  static constexpr std::chrono::seconds kRetry{1};  // after the store has failed
  void note_deadline(WallTime deadline);
  void note_earliest_deadline();
  void reap_one(const ExpiredStream& candidate);
  void reap_found(Result<std::vector<ExpiredStream>> found);

  Store& store_;
  EngineOptions options_;  // as given, within what is possible; not changed after the construction
  const SystemClock system_clock_;
  const Clock* const clock_;
  const bool commits_at_once_;
  std::atomic<bool> flush_wanted_{false};
  std::atomic<std::uint64_t> streams_;  // see EngineOptions::streams_max
  const std::uint64_t read_sequence_;   // of all that is new
  const std::uint64_t hash_key_;
  MediaTypeTable media_types_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::size_t shard_entries_max_ = 0;
  const std::shared_ptr<Life> life_;

  TransactionTable transactions_;

  Mutex handles_mutex_;
  std::vector<std::shared_ptr<Mailbox>> handles_ DURABLE_STREAMS_GUARDED_BY(handles_mutex_);
  std::atomic<WallTime::rep> next_reaping_{kNever.time_since_epoch().count()};

  Mutex owed_mutex_;
  std::vector<ForkPoint> owed_ DURABLE_STREAMS_GUARDED_BY(owed_mutex_);
};

template <class T>
AtOnce<T> Engine::Impl::answer_after(Entry& entry, Deferral<T>& deferral, Result<T> result) {
  if (entry.pending.empty()) return result;
  entry.pending.newest()->transaction->add_dependent(deferral.answer_with(std::move(result)));
  return std::nullopt;
}

template <class T>
AtOnce<T> Engine::Impl::answer_with(Transaction* transaction, Deferral<T>& deferral,
                                    Result<T> result) {
  if (transaction == nullptr) return result;
  transaction->requester = deferral.answer_with(std::move(result));
  return std::nullopt;
}

template <class T>
AtOnce<T> Engine::Impl::after_loading(Entry& entry, Deferral<T>& deferral) {
  entry.when_loaded.push_back(deferral.start_again());
  return std::nullopt;
}

template <class T>
std::optional<AtOnce<T>> Engine::Impl::answer_absent(const Located& target, Deferral<T>& deferral,
                                                     std::optional<ForkPoint>& owed) {
  if (target.failure) return AtOnce<T>(*target.failure);
  if (target.entry == nullptr) return AtOnce<T>(no_such_stream());
  Entry& entry = *target.entry;
  if (entry.loading) return after_loading(entry, deferral);
  if (Status expired = expire_if_due(entry, owed); !expired) {
    return AtOnce<T>(std::move(expired).error());
  }
  if (entry.reserved == nullptr) return answer_after(entry, deferral, Result<T>(no_such_stream()));
  if (entry.reserved->reserved.soft_deleted) {
    return answer_after(entry, deferral, Result<T>(stream_gone()));
  }
  return std::nullopt;
}

}  // namespace durable_streams

// What every store promises, as tests: this is what they stand on. A program runs the suite over
// one kind of store by linking it and defining store_under_test().
#pragma once

#include <durable_streams/store.h>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "tests/support/catch.h"

namespace durable_streams {

// The kind of store that a program runs the suite over.
struct StoreUnderTest {
  // A new store that holds nothing.
  std::function<std::unique_ptr<Store>()> open;
  // The same store after a clean restart. Null: nothing outlives a store of this kind.
  std::function<std::unique_ptr<Store>(std::unique_ptr<Store>)> reopen;
  // Makes what waits in the store happen. Null: it happens by itself.
  std::function<void(Store&)> settle;
  // Whether it may give memory back at any time, by itself.
  bool gives_memory_back = false;
};

StoreUnderTest store_under_test();

// A store, and calls that wait for its answers whichever way they come. Threads: any.
class StoreContract : private CommitListener {
 public:
  StoreContract();
  ~StoreContract() override;
  StoreContract(const StoreContract&) = delete;
  StoreContract& operator=(const StoreContract&) = delete;

  Store& store() { return *store_; }
  // Whether the store holds what it held, but for what it may have given back by itself.
  bool memory_is_still(std::uint64_t before) const;
  // False, and nothing done, if nothing outlives a store of this kind.
  bool reopen();

  // Submits a change and waits until it is committed or refused.
  Status commit(const Change& change);

  // Waits for the outcome of a change that was submitted under `ticket` and is pending.
  Status outcome_of(Ticket ticket);

  std::optional<StreamRecord> load(std::string_view path);
  std::optional<ProducerState> load_producer(StreamId id, std::string_view producer_id);
  std::vector<UsedProducer> oldest_producers(StreamId id, std::size_t count_max);
  Result<StoredBytes> read(const ReadRange& range);
  Result<std::uint64_t> append_end(StreamId id, std::uint64_t position);
  std::vector<ExpiredStream> expired(WallTime now, std::size_t count_max);
  // A page of all parts together.
  StreamList list(std::string_view prefix, std::string_view after, std::size_t count_max);

  // As load(), but the stream must be there.
  StreamRecord at(std::string_view path);
  // One page of the stream at `path`, from `from` up to its tail.
  std::string text(std::string_view path, std::uint64_t from = 0, std::size_t bytes_max = SIZE_MAX);

  // A record for a new stream at `path`, to be changed and committed with `bytes_to_come` bytes.
  StreamRecord new_record(std::string_view path, std::size_t bytes_to_come = 0);
  // Commits a new stream, which must succeed.
  StreamRecord create(std::string_view path, std::string_view bytes = {});
  StreamRecord create_json(std::string_view path, std::string_view messages = {});
  StreamRecord create_until(std::string_view path, WallTime deadline);
  // Commits a fork of the stream at `source_path` that leaves it at `position`.
  StreamRecord fork(std::string_view source_path, std::string_view path, std::uint64_t position,
                    std::string_view bytes = {});
  // The change that appends `bytes` to the stream at `path`, as it is now; `bytes` must outlive it.
  AppendChange append_to(std::string_view path, std::string_view bytes);
  void append(std::string_view path, std::string_view bytes);
  Status remove(std::string_view path, RemoveChange::Mode mode);
  Status release(std::string_view path, bool remove_too);

  // Waits for `done`, letting the store go on.
  void wait_until(const std::function<bool()>& done);

 private:
  void on_commits(std::span<CommitOutcome> outcomes) override;

  // Runs `start` with a completion for its result, and waits for that; it must not come inside the
  // call.
  template <class T>
  Result<T> completed(const std::function<void(Store::Done<T>)>& start);

  const StoreUnderTest kind_;
  std::unique_ptr<Store> store_;
  Mutex mutex_;
  std::condition_variable happened_;
  std::map<Ticket, Status> outcomes_ DURABLE_STREAMS_GUARDED_BY(mutex_);
  Ticket last_ticket_ DURABLE_STREAMS_GUARDED_BY(mutex_) = 0;
};

// The bytes of a page, in one piece.
std::string text_of(const StoredBytes& bytes);

// Whole seconds after the epoch.
WallTime at_second(std::int64_t second);

}  // namespace durable_streams

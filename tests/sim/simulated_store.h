// The file store without threads: whoever drives the simulation says when it commits and when a
// load that has to wait is answered.
#pragma once

#include <durable_streams/store.h>

#include <cstddef>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "store/file/file_state.h"
#include "tests/sim/change_history.h"
#include "tests/support/seed.h"

namespace durable_streams {

// Borrows all it is given, and tells the history of every change. Threads: one at a time.
class SimulatedStore final : public Store, public CommitListener {
 public:
  // With `waits` loads and reads that would have to wait for the disk do so, now and then.
  SimulatedStore(FileState& state, ChangeHistory& history, Random& random, bool waits);
  ~SimulatedStore() override;

  std::size_t waiting_loads() const { return loads_.size(); }
  // Answers one of those that wait, in any order.
  void answer_load();

  // Whether a change was submitted and nobody has asked for its commit. What is submitted while
  // commits are told of need not be asked for: whoever commits looks again.
  bool forgotten() const { return forgotten_; }

  void on_commits(std::span<CommitOutcome> outcomes) override;

  std::string_view kind() const override { return "simulated"; }
  bool commits_at_once() const override { return false; }
  void set_listener(CommitListener* listener) override { listener_ = listener; }
  StreamId next_stream_id() override { return state_.next_stream_id(); }
  std::uint64_t read_sequence() const override { return state_.read_sequence(); }
  Result<Submitted> submit(const Change& change, Ticket ticket) override;
  void flush() override { forgotten_ = false; }
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
  WallTime earliest_deadline() const override { return state_.earliest_deadline(); }
  std::optional<Result<std::vector<ExpiredStream>>> expired_now(WallTime now,
                                                                std::size_t count_max) override;
  void expired(WallTime now, std::size_t count_max, Done<std::vector<ExpiredStream>> done) override;
  std::optional<Result<StreamList>> list_now(const ListRange& range) override;
  void list(const ListRange& range, Done<StreamList> done) override;
  StoreStats stats() const override { return state_.stats(); }
  Result<std::vector<ForkPoint>> owed_releases() override { return state_.owed_releases(); }

 private:
  FileState::Wait wait();

  FileState& state_;
  ChangeHistory& history_;
  Random& random_;
  const bool waits_;
  bool forgotten_ = false;
  bool telling_ = false;
  CommitListener* listener_ = nullptr;
  std::map<Ticket, Ticket> tickets_;  // ours to the submitter's
  std::deque<Function<void()>> loads_;
};

}  // namespace durable_streams

// The file store without threads: it commits when it is flushed, and answers at once whatever it
// has to read for that.
#pragma once

#include <durable_streams/store.h>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "store/file/file_state.h"

namespace durable_streams {

// Borrows the state. Threads: one at a time.
class DrivenFileStore final : public Store {
 public:
  explicit DrivenFileStore(FileState& state) : state_(state) {}

  std::string_view kind() const override { return "driven"; }
  bool commits_at_once() const override { return false; }
  void set_listener(CommitListener* listener) override { state_.set_listener(listener); }
  StreamId next_stream_id() override { return state_.next_stream_id(); }
  std::uint64_t read_sequence() const override { return state_.read_sequence(); }
  Result<Submitted> submit(const Change& change, Ticket ticket) override {
    return state_.submit(change, ticket);
  }
  void flush() override { state_.commit(); }
  std::optional<Result<bool>> load_now(std::string_view path, StreamRecord& out) override {
    return state_.load(kWait, path, out);
  }
  void load(std::string_view, Done<std::optional<StreamRecord>>) override { never(); }
  std::optional<Result<bool>> load_producer_now(StreamId id, std::string_view producer_id,
                                                ProducerState& out) override {
    return state_.load_producer(kWait, id, producer_id, out);
  }
  void load_producer(StreamId, std::string_view, Done<std::optional<ProducerState>>) override {
    never();
  }
  std::optional<Result<std::vector<UsedProducer>>> oldest_producers_now(
      StreamId id, std::size_t count_max) override {
    return state_.oldest_producers(kWait, id, count_max);
  }
  void oldest_producers(StreamId, std::size_t, Done<std::vector<UsedProducer>>) override {
    never();
  }
  std::optional<Status> read_now(const ReadRange& range, StoredBytes& out) override {
    return state_.read(kWait, range, out);
  }
  void read(const ReadRange&, Done<StoredBytes>) override { never(); }
  std::optional<Result<std::uint64_t>> append_end_now(StreamId id,
                                                      std::uint64_t position) override {
    return state_.append_end(kWait, id, position);
  }
  void append_end(StreamId, std::uint64_t, Done<std::uint64_t>) override { never(); }
  WallTime earliest_deadline() const override { return state_.earliest_deadline(); }
  std::optional<Result<std::vector<ExpiredStream>>> expired_now(WallTime now,
                                                                std::size_t count_max) override {
    return state_.expired(kWait, now, count_max);
  }
  void expired(WallTime, std::size_t, Done<std::vector<ExpiredStream>>) override { never(); }
  std::optional<Result<StreamList>> list_now(const ListRange& range) override {
    return state_.list(range);
  }
  void list(const ListRange&, Done<StreamList>) override { never(); }
  StoreStats stats() const override { return state_.stats(); }
  Result<std::vector<ForkPoint>> owed_releases() override { return state_.owed_releases(); }

 private:
  static constexpr FileState::Wait kWait = FileState::Wait::kYes;

  // Nobody asks twice for what was answered at once.
  static void never() { DURABLE_STREAMS_ASSERT(false); }

  FileState& state_;
};

}  // namespace durable_streams

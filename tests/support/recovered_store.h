// A store as it is after a recovery that may have lost bytes: what is new in it has a higher read
// sequence.
#pragma once

#include <durable_streams/store.h>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace durable_streams {

// Lies over another store, which outlives it. Threads: any.
class RecoveredStore final : public Store {
 public:
  RecoveredStore(Store& under, std::uint64_t read_sequence)
      : under_(under), read_sequence_(read_sequence) {}

  std::string_view kind() const override { return under_.kind(); }
  bool commits_at_once() const override { return under_.commits_at_once(); }
  void set_listener(CommitListener* listener) override { under_.set_listener(listener); }
  StreamId next_stream_id() override { return under_.next_stream_id(); }
  std::uint64_t read_sequence() const override { return read_sequence_; }
  Result<Submitted> submit(const Change& change, Ticket ticket) override {
    return under_.submit(change, ticket);
  }
  void flush() override { under_.flush(); }
  std::optional<Result<bool>> load_now(std::string_view path, StreamRecord& out) override {
    return under_.load_now(path, out);
  }
  void load(std::string_view path, Done<std::optional<StreamRecord>> done) override {
    under_.load(path, std::move(done));
  }
  std::optional<Result<bool>> load_producer_now(StreamId id, std::string_view producer_id,
                                                ProducerState& out) override {
    return under_.load_producer_now(id, producer_id, out);
  }
  void load_producer(StreamId id, std::string_view producer_id,
                     Done<std::optional<ProducerState>> done) override {
    under_.load_producer(id, producer_id, std::move(done));
  }
  std::optional<Result<std::vector<UsedProducer>>> oldest_producers_now(
      StreamId id, std::size_t count_max) override {
    return under_.oldest_producers_now(id, count_max);
  }
  void oldest_producers(StreamId id, std::size_t count_max,
                        Done<std::vector<UsedProducer>> done) override {
    under_.oldest_producers(id, count_max, std::move(done));
  }
  std::optional<Status> read_now(const ReadRange& range, StoredBytes& out) override {
    return under_.read_now(range, out);
  }
  void read(const ReadRange& range, Done<StoredBytes> done) override {
    under_.read(range, std::move(done));
  }
  std::optional<Result<std::uint64_t>> append_end_now(StreamId id,
                                                      std::uint64_t position) override {
    return under_.append_end_now(id, position);
  }
  void append_end(StreamId id, std::uint64_t position, Done<std::uint64_t> done) override {
    under_.append_end(id, position, std::move(done));
  }
  WallTime earliest_deadline() const override { return under_.earliest_deadline(); }
  std::optional<Result<std::vector<ExpiredStream>>> expired_now(WallTime now,
                                                                std::size_t count_max) override {
    return under_.expired_now(now, count_max);
  }
  void expired(WallTime now, std::size_t count_max,
               Done<std::vector<ExpiredStream>> done) override {
    under_.expired(now, count_max, std::move(done));
  }
  std::size_t list_parts() const override { return under_.list_parts(); }
  std::optional<Result<StreamList>> list_now(const ListRange& range) override {
    return under_.list_now(range);
  }
  void list(const ListRange& range, Done<StreamList> done) override {
    under_.list(range, std::move(done));
  }
  StoreStats stats() const override { return under_.stats(); }

 private:
  Store& under_;
  const std::uint64_t read_sequence_;
};

}  // namespace durable_streams

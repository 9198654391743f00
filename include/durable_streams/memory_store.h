// Streams kept in memory, gone with the process: for development, tests, and data that need not
// outlive its server.
#pragma once

#include <durable_streams/store.h>

#include <memory>

namespace durable_streams {

struct MemoryStoreOptions {
  // Past this many bytes (streams' bytes and what it costs to keep them) creates and appends that
  // bring bytes are refused with kNoSpace; deletes, closes and expiry go on. The default leaves
  // room for a service beside it on a small machine.
  std::uint64_t memory_bytes_max = std::uint64_t{4} << 30;

  // Stream ids start at a random number, so that ETags differ between two runs; tests set this to
  // fix them. 0: random.
  StreamId first_stream_id = 0;
};

// Commits at once: nothing ever waits; who asks by completion all the same is answered inside the
// next flush(). An idle stream costs its path, its content type and about 200 bytes. One create or
// append may bring 1 GiB (else kTooLarge), and a path may have 65,535 bytes (else kPathTooLong);
// the engine's own limits come first. Threads: any.
class DURABLE_STREAMS_EXPORT MemoryStore final : public Store {
 public:
  explicit MemoryStore(MemoryStoreOptions options = {});
  ~MemoryStore() override;
  MemoryStore(const MemoryStore&) = delete;
  MemoryStore& operator=(const MemoryStore&) = delete;

  std::string_view kind() const override;
  bool commits_at_once() const override;
  void set_listener(CommitListener* listener) override;
  StreamId next_stream_id() override;
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
  WallTime earliest_deadline() const override;
  std::optional<Result<std::vector<ExpiredStream>>> expired_now(WallTime now,
                                                                std::size_t count_max) override;
  void expired(WallTime now, std::size_t count_max, Done<std::vector<ExpiredStream>> done) override;
  std::size_t list_parts() const override;
  std::optional<Result<StreamList>> list_now(const ListRange& range) override;
  void list(const ListRange& range, Done<StreamList> done) override;
  StoreStats stats() const override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace durable_streams

// The store's public face: every answer is known at once; those asked for by completion wait for
// flush().
#include <durable_streams/memory_store.h>

#include <random>
#include <utility>

#include "base/keyed_hash.h"
#include "store/memory/memory_store_impl.h"

namespace durable_streams {

namespace {

std::uint64_t random_bits() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

// Leaves more ids to come than can ever be used.
StreamId random_first_id() { return (random_bits() >> 2) + 1; }

}  // namespace

MemoryStore::Impl::Impl(const MemoryStoreOptions& options)
    : hash_key_(random_bits()),
      next_id_(options.first_stream_id != 0 ? options.first_stream_id : random_first_id()),
      budget_(std::make_shared<MemoryBudget>(options.memory_bytes_max)),
      content_types_(hash_key_) {}

MemoryStore::Impl::~Impl() {
  for (IdShard& shard : id_shards_) {
    const MutexLock lock(shard.mutex);
    shard.streams.clear([](MemoryStream* stream) { MemoryStream::Ptr{stream}; });
  }
}

StoreStats MemoryStore::Impl::stats() {
  StoreStats stats;
  for (IdShard& shard : id_shards_) {
    const MutexLock lock(shard.mutex);
    stats.streams += shard.streams.size();
    stats.stored_bytes += shard.stored_bytes;
    stats.producers += shard.producers;
  }
  stats.memory_bytes = budget_->taken();
  return stats;
}

std::uint32_t MemoryStore::Impl::hash_of(std::string_view path) const {
  return static_cast<std::uint32_t>(keyed_hash(hash_key_, path));
}

MemoryStream* MemoryStore::Impl::IdShard::find(StreamId id) const {
  return streams.find(id_bucket(id), [id](const MemoryStream& each) { return each.id == id; });
}

void MemoryStore::Impl::complete_later(Function<void()> completion) {
  const MutexLock lock(completions_mutex_);
  completions_.push_back(std::move(completion));
  has_completions_.store(true, std::memory_order_release);
}

void MemoryStore::Impl::run_completions() {
  if (!has_completions_.load(std::memory_order_acquire)) return;
  std::vector<Function<void()>> ready;
  {
    const MutexLock lock(completions_mutex_);
    ready.swap(completions_);
    has_completions_.store(false, std::memory_order_release);
  }
  for (Function<void()>& completion : ready) completion();
}

MemoryStore::MemoryStore(MemoryStoreOptions options) : impl_(std::make_unique<Impl>(options)) {}
MemoryStore::~MemoryStore() = default;

std::string_view MemoryStore::kind() const { return "memory"; }
bool MemoryStore::commits_at_once() const { return true; }
void MemoryStore::set_listener(CommitListener*) {}  // no change is ever pending
StreamId MemoryStore::next_stream_id() { return impl_->next_stream_id(); }

Result<Submitted> MemoryStore::submit(const Change& change, Ticket) {
  return std::visit([this](const auto& each) { return impl_->submit(each); }, change);
}

void MemoryStore::flush() { impl_->run_completions(); }

std::optional<Result<bool>> MemoryStore::load_now(std::string_view path, StreamRecord& out) {
  return impl_->load(path, out);
}

void MemoryStore::load(std::string_view path, Done<std::optional<StreamRecord>> done) {
  StreamRecord record;
  const Result<bool> found = impl_->load(path, record);
  impl_->complete_later([done = std::move(done), found, record = std::move(record)]() mutable {
    if (!found) return done(found.error());
    done(*found ? std::optional(std::move(record)) : std::nullopt);
  });
}

std::optional<Result<bool>> MemoryStore::load_producer_now(StreamId id,
                                                           std::string_view producer_id,
                                                           ProducerState& out) {
  return impl_->load_producer(id, producer_id, out);
}

void MemoryStore::load_producer(StreamId id, std::string_view producer_id,
                                Done<std::optional<ProducerState>> done) {
  ProducerState state;
  const Result<bool> found = impl_->load_producer(id, producer_id, state);
  impl_->complete_later([done = std::move(done), found, state]() mutable {
    if (!found) return done(found.error());
    done(*found ? std::optional(state) : std::nullopt);
  });
}

std::optional<Result<std::vector<UsedProducer>>> MemoryStore::oldest_producers_now(
    StreamId id, std::size_t count_max) {
  return impl_->oldest_producers(id, count_max);
}

void MemoryStore::oldest_producers(StreamId id, std::size_t count_max,
                                   Done<std::vector<UsedProducer>> done) {
  impl_->complete_later(
      [done = std::move(done), oldest = impl_->oldest_producers(id, count_max)]() mutable {
        done(std::move(oldest));
      });
}

std::optional<Status> MemoryStore::read_now(const ReadRange& range, StoredBytes& out) {
  return impl_->read(range, out);
}

void MemoryStore::read(const ReadRange& range, Done<StoredBytes> done) {
  StoredBytes bytes;
  const Status status = impl_->read(range, bytes);
  impl_->complete_later([done = std::move(done), status, bytes = std::move(bytes)]() mutable {
    if (!status) return done(status.error());
    done(std::move(bytes));
  });
}

std::optional<Result<std::uint64_t>> MemoryStore::append_end_now(StreamId id,
                                                                 std::uint64_t position) {
  return impl_->append_end(id, position);
}

void MemoryStore::append_end(StreamId id, std::uint64_t position, Done<std::uint64_t> done) {
  impl_->complete_later([done = std::move(done), end = impl_->append_end(id, position)]() mutable {
    done(std::move(end));
  });
}

WallTime MemoryStore::earliest_deadline() const { return impl_->deadlines().earliest(); }

std::optional<Result<std::vector<ExpiredStream>>> MemoryStore::expired_now(WallTime now,
                                                                           std::size_t count_max) {
  return impl_->deadlines().due(now, count_max);
}

void MemoryStore::expired(WallTime now, std::size_t count_max,
                          Done<std::vector<ExpiredStream>> done) {
  impl_->complete_later(
      [done = std::move(done), due = impl_->deadlines().due(now, count_max)]() mutable {
        done(std::move(due));
      });
}

std::size_t MemoryStore::list_parts() const { return impl_->list_parts(); }

std::optional<Result<StreamList>> MemoryStore::list_now(const ListRange& range) {
  return impl_->list(range);
}

void MemoryStore::list(const ListRange& range, Done<StreamList> done) {
  impl_->complete_later(
      [done = std::move(done), listed = impl_->list(range)]() mutable { done(std::move(listed)); });
}

StoreStats MemoryStore::stats() const { return impl_->stats(); }

}  // namespace durable_streams

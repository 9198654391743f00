// How a record is folded into little memory, and unfolded again.
#include "store/memory/memory_stream.h"

#include "protocol/read_sequence.h"

#include <algorithm>
#include <new>
#include <utility>

namespace durable_streams {

namespace {

// What a stream takes beside itself: its places in two hash tables and the deadline index, and what
// the allocator adds.
constexpr std::uint64_t kAroundBytes = 56;

}  // namespace

void MemoryStream::Delete::operator()(MemoryStream* stream) const {
  stream->~MemoryStream();
  ::operator delete(stream);
}

MemoryStream::Ptr MemoryStream::create(const StreamRecord& record, std::uint32_t path_hash,
                                       ContentTypeRef type) {
  void* const memory = ::operator new(sizeof(MemoryStream) + record.path.size());
  Ptr stream(::new (memory) MemoryStream(record, path_hash, std::move(type)));
  std::copy(record.path.begin(), record.path.end(), reinterpret_cast<char*>(stream.get() + 1));
  return stream;
}

MemoryStream::MemoryStream(const StreamRecord& record, std::uint32_t hash, ContentTypeRef type)
    : id(record.id),
      version(record.version),
      chunks(record.fork ? record.fork->position : 0),
      deadline(record.deadline),
      forks(record.forks),
      path_hash(hash),
      framing(record.framing),
      soft_deleted(record.soft_deleted),
      closed_(record.closed),
      path_bytes_(static_cast<std::uint16_t>(record.path.size())),
      content_type_(std::move(type)) {
  if (record.expiry.ttl) {
    expiry_kind_ = ExpiryKind::kTtl;
    expiry_value_ = record.expiry.ttl->count();
  } else if (record.expiry.at) {
    expiry_kind_ = ExpiryKind::kAt;
    expiry_value_ = record.expiry.at->time_since_epoch().count();
  }
  if (record.fork) rare().fork = std::make_unique<ForkPoint>(*record.fork);
  if (record.closed_by) rare().closed_by = std::make_unique<ClosingTuple>(*record.closed_by);
  if (!record.stream_seq.empty()) rare().stream_seq = record.stream_seq;
  if (record.producers > 0) rare().producer_count = record.producers;
  if (!record.sequences.empty()) rare().sequences = record.sequences;
}

MemoryStream::Rare& MemoryStream::rare() {
  if (rare_ == nullptr) rare_ = std::make_unique<Rare>();
  return *rare_;
}

std::uint64_t MemoryStream::memory_for_create(const StreamRecord& record) {
  // Each stream pays for its content type, though it is shared: what a stream costs must not depend
  // on which others there are.
  std::uint64_t bytes =
      sizeof(MemoryStream) + kAroundBytes + record.path.size() + record.content_type.size();
  const bool rare = record.fork || record.closed_by || !record.stream_seq.empty() ||
                    record.tail.read_sequence > 0 || record.producers > 0;
  if (rare) bytes += sizeof(Rare);
  if (record.fork) bytes += sizeof(ForkPoint) + record.fork->source_path.size();
  if (record.closed_by) bytes += sizeof(ClosingTuple) + record.closed_by->producer_id.size();
  return bytes + record.stream_seq.size();
}

std::uint64_t MemoryStream::memory_for_append(const AppendChange& change,
                                              std::uint64_t hash_key) const {
  const bool needs_rare =
      !change.producer_id.empty() || !change.stream_seq.empty() || change.tail.read_sequence > 0;
  if (!needs_rare) return 0;
  std::uint64_t bytes = rare_ == nullptr ? sizeof(Rare) : 0;
  if (!change.stream_seq.empty()) {
    // Held against what the string has room for, which never shrinks: charged once, however it
    // varies.
    const std::size_t room =
        rare_ == nullptr ? std::string().capacity() : rare_->stream_seq.capacity();
    bytes += change.stream_seq.size() - std::min(change.stream_seq.size(), room);
  }
  if (change.producer_id.empty()) return bytes;
  if (rare_ == nullptr || rare_->producers == nullptr) bytes += sizeof(ProducerTable);
  if (find_producer(hash_key, change.producer_id) == nullptr) {
    bytes += ProducerTable::memory_for(change.producer_id);
  }
  if (change.close) bytes += sizeof(ClosingTuple) + change.producer_id.size();
  return bytes;
}

void MemoryStream::apply(const AppendChange& change, std::uint64_t hash_key,
                         const std::shared_ptr<MemoryBudget>& budget) {
  ++version;
  if (change.tail.read_sequence > 0) {
    protocol::raise_sequence(rare().sequences, change.tail.read_sequence, chunks.end());
  }
  chunks.append(change.bytes, change.owned, framing, budget);
  if (!change.stream_seq.empty()) rare().stream_seq = change.stream_seq;
  if (!change.producer_id.empty()) {
    std::unique_ptr<ProducerTable>& producers = rare().producers;
    if (producers == nullptr) producers = std::make_unique<ProducerTable>();
    if (ProducerState* known = producers->find(hash_key, change.producer_id)) {
      *known = change.producer;
    } else {
      producers->insert(hash_key, change.producer_id, change.producer);
    }
    if (change.producer_is_new) ++rare().producer_count;
    if (!change.forgotten_producer.empty()) {
      producers->erase(hash_key, change.forgotten_producer);
      --rare().producer_count;
    }
  }
  if (!change.close) return;
  closed_ = true;
  if (change.producer_id.empty()) return;
  rare().closed_by =
      std::make_unique<ClosingTuple>(ClosingTuple{.producer_id = std::string(change.producer_id),
                                                  .epoch = change.producer.epoch,
                                                  .seq = change.producer.last_seq});
}

void MemoryStream::to_record(StreamRecord& out) const {
  out.id = id;
  out.path = path();
  out.content_type = content_type_.text();
  out.framing = framing;
  out.expiry = {};
  if (expiry_kind_ == ExpiryKind::kTtl) out.expiry.ttl = std::chrono::seconds(expiry_value_);
  if (expiry_kind_ == ExpiryKind::kAt) out.expiry.at = WallTime(WallTime::duration(expiry_value_));
  out.deadline = deadline;
  out.version = version;
  out.tail = {.read_sequence = 0, .position = chunks.end()};
  out.sequences.clear();
  out.closed = closed_;
  out.soft_deleted = soft_deleted;
  out.forks = forks;
  out.producers = producer_count();
  out.stream_seq.clear();
  out.closed_by.reset();
  out.fork.reset();
  if (rare_ == nullptr) return;
  out.stream_seq = rare_->stream_seq;
  out.sequences = rare_->sequences;
  if (!out.sequences.empty()) out.tail.read_sequence = out.sequences.back().sequence;
  if (rare_->closed_by) out.closed_by = *rare_->closed_by;
  if (rare_->fork) out.fork = *rare_->fork;
}

const ProducerState* MemoryStream::find_producer(std::uint64_t hash_key,
                                                 std::string_view producer_id) const {
  if (rare_ == nullptr || rare_->producers == nullptr) return nullptr;
  return rare_->producers->find(hash_key, producer_id);
}

std::vector<UsedProducer> MemoryStream::all_producers() const {
  if (rare_ == nullptr || rare_->producers == nullptr) return {};
  return rare_->producers->all();
}

}  // namespace durable_streams

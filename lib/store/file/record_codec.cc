// Fields that most streams lack cost no byte: a bit set tells which are there.
#include "store/file/record_codec.h"

#include <limits>
#include <utility>

#include "base/byte_writer.h"
#include "protocol/read_sequence.h"

namespace durable_streams {

namespace {

// Bits of the first number of a record.
constexpr std::uint64_t kJson = 1 << 0;
constexpr std::uint64_t kClosed = 1 << 1;
constexpr std::uint64_t kSoftDeleted = 1 << 2;
constexpr std::uint64_t kHasTtl = 1 << 3;
constexpr std::uint64_t kHasExpiresAt = 1 << 4;
constexpr std::uint64_t kHasDeadline = 1 << 5;
constexpr std::uint64_t kHasSequences = 1 << 6;
constexpr std::uint64_t kHasForks = 1 << 7;
constexpr std::uint64_t kHasStreamSeq = 1 << 8;
constexpr std::uint64_t kHasClosedBy = 1 << 9;
constexpr std::uint64_t kIsFork = 1 << 10;
constexpr std::uint64_t kHasProducers = 1 << 11;
constexpr std::uint64_t kAllBits = (1 << 12) - 1;

std::uint64_t bits_of(const StreamRecord& record) {
  std::uint64_t bits = 0;
  if (record.framing == Framing::kJson) bits |= kJson;
  if (record.closed) bits |= kClosed;
  if (record.soft_deleted) bits |= kSoftDeleted;
  if (record.expiry.ttl) bits |= kHasTtl;
  if (record.expiry.at) bits |= kHasExpiresAt;
  if (record.deadline != kNever) bits |= kHasDeadline;
  if (!record.sequences.empty()) bits |= kHasSequences;
  if (record.forks != 0) bits |= kHasForks;
  if (!record.stream_seq.empty()) bits |= kHasStreamSeq;
  if (record.closed_by) bits |= kHasClosedBy;
  if (record.fork) bits |= kIsFork;
  if (record.producers != 0) bits |= kHasProducers;
  return bits;
}

// Times may lie before 1970, so they are kept as two's complement.
void write_time(ByteWriter& out, WallTime time) {
  out.u64(static_cast<std::uint64_t>(time.time_since_epoch().count()));
}

WallTime read_time(ByteReader& in) {
  return WallTime(WallTime::duration(static_cast<WallTime::rep>(in.u64())));
}

// Each is told by how much it lies above the one before it.
void write_sequences(ByteWriter& out, const SequenceStarts& starts) {
  out.varint(starts.size());
  SequenceStart before;
  for (const SequenceStart& start : starts) {
    out.varint(start.sequence - before.sequence);
    out.varint(start.position - before.position);
    before = start;
  }
}

void read_sequences(ByteReader& in, StreamRecord& out) {
  const std::uint64_t count = in.varint();
  if (count == 0 || count > protocol::kSequenceStartsMax) return in.fail();
  SequenceStart start;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t raised = in.varint();
    const std::uint64_t advanced = in.varint();
    if (raised == 0 || start.sequence + raised < raised || start.position + advanced < advanced) {
      return in.fail();
    }
    start = {.sequence = start.sequence + raised, .position = start.position + advanced};
    out.sequences.push_back(start);
  }
  out.tail.read_sequence = start.sequence;
}

std::uint32_t read_count(ByteReader& in) {
  const std::uint64_t count = in.varint();
  if (count > std::numeric_limits<std::uint32_t>::max()) in.fail();
  return static_cast<std::uint32_t>(count);
}

void write_fork(ByteWriter& out, const ForkPoint& fork) {
  out.varint(fork.source);
  out.text(fork.source_path);
  out.varint(fork.position);
  out.varint(fork.anchor.read_sequence);
  out.varint(fork.anchor.position);
  out.varint(fork.sub_offset);
}

ForkPoint read_fork(ByteReader& in) {
  ForkPoint fork;
  fork.source = in.varint();
  fork.source_path = in.text();
  fork.position = in.varint();
  fork.anchor.read_sequence = in.varint();
  fork.anchor.position = in.varint();
  fork.sub_offset = in.varint();
  return fork;
}

}  // namespace

void encode_record(const StreamRecord& record, std::string& out) {
  ByteWriter writer(out);
  writer.varint(bits_of(record));
  writer.varint(record.id);
  writer.text(record.path);
  writer.text(record.content_type);
  writer.varint(record.version);
  writer.varint(record.tail.position);
  if (record.expiry.ttl) writer.varint(static_cast<std::uint64_t>(record.expiry.ttl->count()));
  if (record.expiry.at) write_time(writer, *record.expiry.at);
  if (record.deadline != kNever) write_time(writer, record.deadline);
  if (!record.sequences.empty()) write_sequences(writer, record.sequences);
  if (record.forks != 0) writer.varint(record.forks);
  if (!record.stream_seq.empty()) writer.text(record.stream_seq);
  if (record.closed_by) {
    writer.text(record.closed_by->producer_id);
    writer.varint(record.closed_by->epoch);
    writer.varint(record.closed_by->seq);
  }
  if (record.fork) write_fork(writer, *record.fork);
  if (record.producers != 0) writer.varint(record.producers);
}

bool decode_record(ByteReader& in, StreamRecord& out) {
  out = {};
  const std::uint64_t bits = in.varint();
  if ((bits & ~kAllBits) != 0) in.fail();
  out.framing = (bits & kJson) != 0 ? Framing::kJson : Framing::kBytes;
  out.closed = (bits & kClosed) != 0;
  out.soft_deleted = (bits & kSoftDeleted) != 0;
  out.id = in.varint();
  out.path = in.text();
  out.content_type = in.text();
  out.version = in.varint();
  out.tail.position = in.varint();
  if ((bits & kHasTtl) != 0) {
    const std::uint64_t seconds = in.varint();
    if (seconds > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) in.fail();
    out.expiry.ttl = std::chrono::seconds(static_cast<std::int64_t>(seconds));
  }
  if ((bits & kHasExpiresAt) != 0) out.expiry.at = read_time(in);
  if ((bits & kHasDeadline) != 0) out.deadline = read_time(in);
  if ((bits & kHasSequences) != 0) read_sequences(in, out);
  if ((bits & kHasForks) != 0) out.forks = read_count(in);
  if ((bits & kHasStreamSeq) != 0) out.stream_seq = in.text();
  if ((bits & kHasClosedBy) != 0) {
    ClosingTuple tuple;
    tuple.producer_id = in.text();
    tuple.epoch = in.varint();
    tuple.seq = in.varint();
    out.closed_by = std::move(tuple);
  }
  if ((bits & kIsFork) != 0) out.fork = read_fork(in);
  if ((bits & kHasProducers) != 0) out.producers = read_count(in);
  return in.ok();
}

}  // namespace durable_streams

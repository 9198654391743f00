// An append to a stream without a producer takes a handful of bytes beside its own: what most
// changes lack is not there.
#include "store/file/change_codec.h"

#include <limits>

#include "base/byte_reader.h"
#include "base/byte_writer.h"
#include "store/file/producer_codec.h"
#include "store/file/record_codec.h"

namespace durable_streams {

namespace {

// The low three bits of a record's first byte name the change; the others say what it holds.
constexpr std::uint8_t kCreate = 1;
constexpr std::uint8_t kAppend = 2;
constexpr std::uint8_t kRemove = 3;
constexpr std::uint8_t kRelease = 4;
constexpr std::uint8_t kDeadline = 5;
constexpr std::uint8_t kKindMask = 0x07;

constexpr std::uint8_t kAppendCloses = 1 << 3;
constexpr std::uint8_t kAppendHasProducer = 1 << 4;
constexpr std::uint8_t kAppendHasStreamSeq = 1 << 5;
constexpr std::uint8_t kAppendHasReadSequence = 1 << 6;
constexpr std::uint8_t kAppendProducerIsNew = 1 << 7;
constexpr std::uint8_t kRemoveSoft = 1 << 3;
constexpr std::uint8_t kReleaseRemoves = 1 << 3;

std::uint8_t flags_of(const AppendChange& change) {
  unsigned flags = 0;
  if (change.close) flags |= kAppendCloses;
  if (!change.producer_id.empty()) flags |= kAppendHasProducer;
  if (!change.stream_seq.empty()) flags |= kAppendHasStreamSeq;
  if (change.tail.read_sequence != 0) flags |= kAppendHasReadSequence;
  if (change.producer_is_new) flags |= kAppendProducerIsNew;
  return static_cast<std::uint8_t>(flags);
}

std::string_view encode(const CreateChange& change, std::string& out) {
  ByteWriter writer(out);
  writer.u8(kCreate);
  writer.varint(change.source_version);
  encode_record(change.record, out);
  return change.bytes;
}

std::string_view encode(const AppendChange& change, std::string& out) {
  const std::uint8_t flags = flags_of(change);
  ByteWriter writer(out);
  writer.u8(static_cast<std::uint8_t>(kAppend | flags));
  writer.varint(change.id);
  writer.varint(change.version);
  writer.varint(change.tail.position);
  if ((flags & kAppendHasReadSequence) != 0) writer.varint(change.tail.read_sequence);
  if ((flags & kAppendHasProducer) != 0) {
    writer.text(change.producer_id);
    encode_producer_state(change.producer, writer);
  }
  if ((flags & kAppendProducerIsNew) != 0) writer.text(change.forgotten_producer);
  if ((flags & kAppendHasStreamSeq) != 0) writer.text(change.stream_seq);
  return change.bytes;
}

std::string_view encode(const RemoveChange& change, std::string& out) {
  ByteWriter writer(out);
  const bool soft = change.mode == RemoveChange::Mode::kSoft;
  writer.u8(static_cast<std::uint8_t>(kRemove | (soft ? kRemoveSoft : 0)));
  writer.varint(change.id);
  writer.varint(change.version);
  return {};
}

std::string_view encode(const ReleaseChange& change, std::string& out) {
  ByteWriter writer(out);
  writer.u8(static_cast<std::uint8_t>(kRelease | (change.remove ? kReleaseRemoves : 0)));
  writer.varint(change.source);
  writer.varint(change.version);
  return {};
}

std::string_view encode(const DeadlineChange& change, std::string& out) {
  ByteWriter writer(out);
  writer.u8(kDeadline);
  writer.varint(change.id);
  writer.u64(static_cast<std::uint64_t>(change.deadline.time_since_epoch().count()));
  return {};
}

bool decode_create(std::uint8_t flags, ByteReader& in, DecodedChange& out) {
  const std::uint64_t source_version = in.varint();
  if (flags != 0 || !decode_record(in, out.record)) return false;
  out.change.emplace<CreateChange>(
      CreateChange{.record = out.record, .bytes = in.rest(), .source_version = source_version});
  return true;
}

bool decode_append(std::uint8_t flags, ByteReader& in, DecodedChange& out) {
  AppendChange change;
  change.id = in.varint();
  change.version = in.varint();
  change.tail.position = in.varint();
  change.close = (flags & kAppendCloses) != 0;
  if ((flags & kAppendHasReadSequence) != 0) change.tail.read_sequence = in.varint();
  if ((flags & kAppendHasProducer) != 0) {
    change.producer_id = in.text();
    change.producer = decode_producer_state(in);
  }
  if ((flags & kAppendProducerIsNew) != 0) {
    change.producer_is_new = true;
    change.forgotten_producer = in.text();
    if (change.producer_id.empty()) in.fail();
  }
  if ((flags & kAppendHasStreamSeq) != 0) change.stream_seq = in.text();
  change.bytes = in.rest();
  out.change.emplace<AppendChange>(std::move(change));
  return in.ok();
}

// The changes that bring no bytes end with their last field.
bool ended(const ByteReader& in) { return in.ok() && in.at_end(); }

bool decode_remove(std::uint8_t flags, ByteReader& in, DecodedChange& out) {
  RemoveChange change;
  change.id = in.varint();
  change.version = in.varint();
  change.mode = flags == kRemoveSoft ? RemoveChange::Mode::kSoft : RemoveChange::Mode::kFull;
  out.change = change;
  return (flags & ~kRemoveSoft) == 0 && ended(in);
}

bool decode_release(std::uint8_t flags, ByteReader& in, DecodedChange& out) {
  ReleaseChange change;
  change.source = in.varint();
  change.version = in.varint();
  change.remove = flags == kReleaseRemoves;
  out.change = change;
  return (flags & ~kReleaseRemoves) == 0 && ended(in);
}

bool decode_deadline(std::uint8_t flags, ByteReader& in, DecodedChange& out) {
  DeadlineChange change;
  change.id = in.varint();
  change.deadline = WallTime(WallTime::duration(static_cast<WallTime::rep>(in.u64())));
  out.change = change;
  return flags == 0 && ended(in);
}

}  // namespace

std::string_view encode_change(const Change& change, std::string& out) {
  return std::visit([&out](const auto& known) { return encode(known, out); }, change);
}

bool decode_change(std::string_view bytes, DecodedChange& out) {
  ByteReader in(bytes);
  const std::uint8_t first = in.u8();
  const std::uint8_t flags = first & static_cast<std::uint8_t>(~kKindMask);
  switch (first & kKindMask) {
    case kCreate:
      return decode_create(flags, in, out);
    case kAppend:
      return decode_append(flags, in, out);
    case kRemove:
      return decode_remove(flags, in, out);
    case kRelease:
      return decode_release(flags, in, out);
    case kDeadline:
      return decode_deadline(flags, in, out);
    default:
      return false;
  }
}

}  // namespace durable_streams

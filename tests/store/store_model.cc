// The contract of a store, put into as few words as possible.
#include "tests/store/store_model.h"

#include <algorithm>

namespace durable_streams {

bool StoreModel::apply(const Change& change) {
  return std::visit([this](const auto& each) { return apply_one(each); }, change);
}

const StoreModel::Stream* StoreModel::find(StreamId id) const {
  const auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : &found->second;
}

const StoreModel::Stream* StoreModel::find(std::string_view path) const {
  for (const auto& [id, stream] : streams_) {
    if (stream.record.path == path) return &stream;
  }
  return nullptr;
}

StoreModel::Stream* StoreModel::at_version(StreamId id, std::uint64_t version) {
  const auto found = streams_.find(id);
  const bool holds = found != streams_.end() && found->second.record.version == version;
  return holds ? &found->second : nullptr;
}

bool StoreModel::apply_one(const CreateChange& change) {
  if (find(change.record.path) != nullptr) return false;
  Stream stream{.record = change.record, .bytes = {}, .append_ends = {}, .producers = {}};
  if (change.record.fork) {
    Stream* source = at_version(change.record.fork->source, change.source_version);
    if (source == nullptr) return false;
    ++source->record.forks;
    ++source->record.version;
    const std::uint64_t position = change.record.fork->position;
    stream.bytes = source->bytes.substr(0, position);
    for (const std::uint64_t end : source->append_ends) {
      if (end < position) stream.append_ends.push_back(end);
    }
    if (position > 0) stream.append_ends.push_back(position);
  }
  stream.bytes += change.bytes;
  if (!change.bytes.empty()) stream.append_ends.push_back(stream.bytes.size());
  streams_.emplace(change.record.id, std::move(stream));
  return true;
}

bool StoreModel::apply_one(const AppendChange& change) {
  Stream* stream = at_version(change.id, change.version);
  if (stream == nullptr) return false;
  ++stream->record.version;
  if (change.tail.read_sequence > stream->record.tail.read_sequence) {
    stream->record.sequences.push_back(
        {.sequence = change.tail.read_sequence, .position = stream->record.tail.position});
  }
  stream->record.tail = change.tail;
  stream->bytes += change.bytes;
  if (!change.bytes.empty()) stream->append_ends.push_back(stream->bytes.size());
  if (!change.producer_id.empty()) {
    stream->producers[std::string(change.producer_id)] = change.producer;
    stream->producers.erase(std::string(change.forgotten_producer));
    stream->record.producers = static_cast<std::uint32_t>(stream->producers.size());
  }
  if (!change.stream_seq.empty()) stream->record.stream_seq = change.stream_seq;
  if (!change.close) return true;
  stream->record.closed = true;
  if (!change.producer_id.empty()) {
    stream->record.closed_by = ClosingTuple{.producer_id = std::string(change.producer_id),
                                            .epoch = change.producer.epoch,
                                            .seq = change.producer.last_seq};
  }
  return true;
}

bool StoreModel::apply_one(const RemoveChange& change) {
  Stream* stream = at_version(change.id, change.version);
  if (stream == nullptr) return false;
  if (change.mode == RemoveChange::Mode::kSoft) {
    ++stream->record.version;
    stream->record.soft_deleted = true;
    stream->record.deadline = kNever;
    return true;
  }
  if (stream->record.forks > 0) return false;
  streams_.erase(change.id);
  return true;
}

bool StoreModel::apply_one(const ReleaseChange& change) {
  Stream* source = at_version(change.source, change.version);
  if (source == nullptr || source->record.forks == 0) return false;
  if (change.remove && source->record.forks > 1) return false;
  ++source->record.version;
  --source->record.forks;
  if (change.remove) streams_.erase(change.source);
  return true;
}

bool StoreModel::apply_one(const DeadlineChange& change) {
  const auto found = streams_.find(change.id);
  if (found != streams_.end() && !found->second.record.soft_deleted) {
    found->second.record.deadline = change.deadline;
  }
  return true;
}

std::string StoreModel::page(const ReadRange& range) const {
  const Stream& stream = *find(range.id);
  const std::string whole = stream.bytes.substr(range.from, range.to - range.from);
  if (whole.size() <= range.bytes_max) return whole;
  if (stream.record.framing == Framing::kJson) {
    const std::size_t last = whole.substr(0, range.bytes_max).rfind('\n');
    const std::size_t end = last != std::string::npos ? last : whole.find('\n');
    return end == std::string::npos ? whole : whole.substr(0, end + 1);
  }
  std::size_t size = range.bytes_max;
  for (const std::uint64_t end : stream.append_ends) {
    if (end > range.from && end <= range.from + range.bytes_max) size = end - range.from;
  }
  return whole.substr(0, size);
}

std::uint64_t StoreModel::append_end(StreamId id, std::uint64_t position) const {
  const std::vector<std::uint64_t>& ends = find(id)->append_ends;
  return *std::upper_bound(ends.begin(), ends.end(), position);
}

std::uint64_t StoreModel::stored_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& [id, stream] : streams_) {
    bytes += stream.bytes.size() - (stream.record.fork ? stream.record.fork->position : 0);
  }
  return bytes;
}

std::uint64_t StoreModel::producers() const {
  std::uint64_t producers = 0;
  for (const auto& [id, stream] : streams_) producers += stream.producers.size();
  return producers;
}

WallTime StoreModel::earliest_deadline() const {
  const std::vector<WallTime> deadlines = due(kNever - WallTime::duration(1));
  return deadlines.empty() ? kNever : deadlines.front();
}

std::vector<WallTime> StoreModel::due(WallTime now) const {
  std::vector<WallTime> deadlines;
  for (const auto& [id, stream] : streams_) {
    if (!stream.record.soft_deleted && stream.record.deadline <= now) {
      deadlines.push_back(stream.record.deadline);
    }
  }
  std::sort(deadlines.begin(), deadlines.end());
  return deadlines;
}

}  // namespace durable_streams

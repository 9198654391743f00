// Every path, every producer, some pages of every stream, the totals and what is due when.
#include "tests/sim/state_comparison.h"

#include <algorithm>
#include <optional>
#include <set>
#include <vector>

#include "tests/sim/client_requests.h"

namespace durable_streams {

namespace {

std::string number(std::uint64_t value) { return std::to_string(value); }

}  // namespace

std::string StateComparison::difference() const {
  for (const std::string& path : ClientRequests::paths()) {
    if (std::string differs = difference_at(path); !differs.empty()) return path + ": " + differs;
  }
  if (std::string differs = difference_in_totals(); !differs.empty()) return differs;
  return difference_in_deadlines();
}

// A sliding deadline is at least a TTL behind the last crash.
WallTime StateComparison::deadline_of(const StoreModel::Stream& stream) const {
  const StreamRecord& record = stream.record;
  if (record.soft_deleted || !record.expiry.ttl || all_touched_ == WallTime{})
    return record.deadline;
  return std::max<WallTime>(record.deadline, all_touched_ + *record.expiry.ttl);
}

std::string StateComparison::difference_at(const std::string& path) const {
  const StoreModel::Stream* expected = model_.find(path);
  StreamRecord found;
  const Result<bool> there = *state_.load(FileState::Wait::kYes, path, found);
  if (!there) return "its record can't be read: " + there.error().message;
  if (*there != (expected != nullptr)) return *there ? "is there" : "is not there";
  if (expected == nullptr) return {};
  const StreamRecord& record = expected->record;
  if (found.id != record.id) return "has another id";
  if (found.content_type != record.content_type || found.framing != record.framing)
    return "has another type";
  if (found.expiry != record.expiry) return "has another expiry";
  if (found.version != record.version) return "has another version";
  if (found.tail != record.tail) return "has another tail";
  if (found.sequences != record.sequences) return "has other read sequences";
  if (found.closed != record.closed) return "is closed, or is not";
  if (found.closed_by != record.closed_by) return "was closed by another";
  if (found.soft_deleted != record.soft_deleted) return "is deleted, or is not";
  if (found.forks != record.forks) return "has another count of forks";
  if (found.stream_seq != record.stream_seq) return "has another Stream-Seq";
  if (found.fork != record.fork) return "was forked elsewhere";
  if (found.deadline != deadline_of(*expected)) return "has another deadline";
  if (std::string differs = difference_in_producers(*expected); !differs.empty()) return differs;
  return difference_in_bytes(*expected);
}

std::string StateComparison::difference_in_producers(const StoreModel::Stream& expected) const {
  for (const std::string& producer : ClientRequests::producers()) {
    ProducerState found;
    const Result<bool> there =
        *state_.load_producer(FileState::Wait::kYes, expected.record.id, producer, found);
    if (!there) return "its producer can't be read: " + there.error().message;
    const auto known = expected.producers.find(producer);
    if (*there != (known != expected.producers.end())) return "has or lacks a producer";
    if (*there && found != known->second) return "its producer stands elsewhere";
  }
  return {};
}

std::string StateComparison::difference_in_bytes(const StoreModel::Stream& expected) const {
  const StreamId id = expected.record.id;
  const std::uint64_t size = expected.bytes.size();
  if (size == 0) return {};
  const std::uint64_t from =
      expected.record.framing == Framing::kJson || random_.one_in(2) ? 0 : random_.below(size);
  for (const std::size_t bytes_max : {std::size_t{1} << 24, std::size_t{1 + random_.below(2000)}}) {
    StoredBytes bytes;
    const ReadRange range{.id = id, .from = from, .to = size, .bytes_max = bytes_max};
    const Status read = *state_.read(FileState::Wait::kYes, range, bytes);
    if (!read.ok()) return "its bytes can't be read: " + read.error().message;
    std::string text;
    for (const Slice& slice : bytes.slices) text += slice.view();
    if (text != model_.page(range)) return "has other bytes";
    if (bytes.end != from + text.size()) return "a page ends elsewhere";
  }
  if (expected.record.framing == Framing::kJson) return {};
  const std::uint64_t position = random_.below(size);
  const Result<std::uint64_t> end = *state_.append_end(FileState::Wait::kYes, id, position);
  if (!end) return "the end of an append can't be read: " + end.error().message;
  return *end == model_.append_end(id, position) ? "" : "an append ends elsewhere";
}

std::string StateComparison::difference_in_totals() const {
  const StoreStats stats = state_.stats();
  if (stats.streams != model_.streams().size())
    return "counts " + number(stats.streams) + " streams, not " + number(model_.streams().size());
  if (stats.stored_bytes != model_.stored_bytes())
    return "counts " + number(stats.stored_bytes) + " bytes, not " + number(model_.stored_bytes());
  if (stats.producers != model_.producers())
    return "counts " + number(stats.producers) + " producers, not " + number(model_.producers());
  return {};
}

// By the saved deadlines: the engine, which is told, knows the true ones.
std::string StateComparison::difference_in_deadlines() const {
  std::set<WallTime> moments{now_};
  WallTime earliest = kNever;
  for (const auto& [id, stream] : model_.streams()) {
    const WallTime deadline = stream.record.deadline;
    if (stream.record.soft_deleted || deadline == kNever) continue;
    earliest = std::min(earliest, deadline);
    moments.insert({deadline - std::chrono::milliseconds(1), deadline});
  }
  if (state_.earliest_deadline() > earliest) return "its earliest deadline is too late";
  for (const WallTime moment : moments) {
    if (std::string differs = difference_in_due(moment); !differs.empty()) return differs;
  }
  return {};
}

std::string StateComparison::difference_in_due(WallTime moment) const {
  std::vector<StreamId> due;
  for (const auto& [id, stream] : model_.streams()) {
    if (!stream.record.soft_deleted && stream.record.deadline <= moment) due.push_back(id);
  }
  const Result<std::vector<ExpiredStream>> found =
      *state_.expired(FileState::Wait::kYes, moment, 1000);
  if (!found) return "what has expired can't be read: " + found.error().message;
  std::vector<StreamId> ids;
  for (const ExpiredStream& expired : *found) ids.push_back(expired.id);
  std::sort(ids.begin(), ids.end());
  return ids == due ? "" : "other streams have expired";
}

}  // namespace durable_streams

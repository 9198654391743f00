// The conditions of changes, as store.h states them.
#include "store/file/reservations.h"

#include <utility>
#include <variant>

#include "store/bytes/change_bytes.h"

namespace durable_streams {

namespace {

Error conflict(std::string message) {
  return {.code = ErrorCode::kConflict, .message = std::move(message), .detail = {}};
}

// A record has room for it in the catalog.
constexpr std::size_t kContentTypeBytesMax = std::size_t{64} << 10;

Error content_type_too_large() {
  return {.code = ErrorCode::kTooLarge,
          .message = "the file store takes content types of at most 64 KiB",
          .detail = {}};
}

Error changed() { return conflict("the stream has changed since, or is gone"); }

}  // namespace

Status Reservations::reserve(const Change& change, Keys& keys) {
  return std::visit([&](const auto& each) { return reserve(each, keys); }, change);
}

Status Reservations::reserve(const CreateChange& change, Keys& keys) {
  const StreamRecord& record = change.record;
  if (record.content_type.size() > kContentTypeBytesMax) return content_type_too_large();
  const std::uint64_t begin = record.fork ? record.fork->position : 0;
  if (Status fit = check_bytes(change.bytes, record.tail, begin); !fit) return fit;
  StreamId there = 0;
  if (const auto held = paths_.find(record.path); held != paths_.end()) {
    there = held->second.id;
  } else {
    Result<StreamId> found = committed_.path(record.path);
    if (!found) return found.error();
    there = *found;
  }
  if (there != 0) return conflict("the path names a stream already");
  if (record.fork) {
    Result<StreamShape> source = shape_of_stream(record.fork->source);
    if (!source) return source.error();
    if (source->version == 0 || source->version != change.source_version) return changed();
    ++source->version;
    ++source->forks;
    hold(record.fork->source, *source, keys);
  }
  Stream& stream = hold(record.id, shape_of(record), keys);
  stream.path = record.path;
  hold_path(record.path, record.id, keys);
  return {};
}

Status Reservations::reserve(const AppendChange& change, Keys& keys) {
  Result<StreamShape> shape = shape_of_stream(change.id);
  if (!shape) return shape.error();
  if (shape->version == 0 || shape->version != change.version) return changed();
  if (Status fit = check_bytes(change.bytes, change.tail, shape->end); !fit) return fit;
  ++shape->version;
  shape->end = change.tail.position;
  hold(change.id, *shape, keys);
  return {};
}

Status Reservations::reserve(const RemoveChange& change, Keys& keys) {
  if (change.mode == RemoveChange::Mode::kFull) {
    return reserve_removal(change.id, change.version, 0, keys);
  }
  Result<StreamShape> shape = shape_of_stream(change.id);
  if (!shape) return shape.error();
  if (shape->version == 0 || shape->version != change.version) return changed();
  ++shape->version;
  hold(change.id, *shape, keys);
  return {};
}

Status Reservations::reserve(const ReleaseChange& change, Keys& keys) {
  if (change.remove) return reserve_removal(change.source, change.version, 1, keys);
  Result<StreamShape> shape = shape_of_stream(change.source);
  if (!shape) return shape.error();
  if (shape->version == 0 || shape->version != change.version) return changed();
  if (shape->forks == 0) return conflict("the stream has no fork to release");
  ++shape->version;
  --shape->forks;
  hold(change.source, *shape, keys);
  return {};
}

Status Reservations::reserve(const DeadlineChange&, Keys&) { return {}; }

Status Reservations::reserve_removal(StreamId id, std::uint64_t version, std::uint32_t forks_left,
                                     Keys& keys) {
  Result<StreamShape> shape = shape_of_stream(id);
  if (!shape) return shape.error();
  if (shape->version == 0 || shape->version != version) return changed();
  if (shape->forks != forks_left) return conflict("the stream's bytes are those of its forks too");
  const Result<std::string> path = path_of(id);
  if (!path) return path.error();
  hold(id, {}, keys);
  hold_path(*path, 0, keys);
  return {};
}

Result<StreamShape> Reservations::shape_of_stream(StreamId id) {
  const auto held = streams_.find(id);
  if (held != streams_.end()) return held->second.shape;
  return committed_.stream(id);
}

Result<std::string> Reservations::path_of(StreamId id) {
  const auto held = streams_.find(id);
  if (held != streams_.end() && !held->second.path.empty()) return held->second.path;
  return committed_.path_of(id);
}

Reservations::Stream& Reservations::hold(StreamId id, const StreamShape& shape, Keys& keys) {
  const auto [held, is_new] = streams_.try_emplace(id);
  Stream& stream = held->second;
  if (!is_new && stream.in_flight == 0) --idle_streams_;
  stream.shape = shape;
  ++stream.in_flight;
  keys.streams_.push_back(id);
  return stream;
}

void Reservations::hold_path(std::string_view path, StreamId id, Keys& keys) {
  Path& held = paths_[std::string(path)];
  held.id = id;
  ++held.in_flight;
  keys.paths_.emplace_back(path);
}

void Reservations::give_back(const Keys& keys) {
  for (const StreamId id : keys.streams_) {
    const auto held = streams_.find(id);
    if (held == streams_.end() || --held->second.in_flight > 0) continue;
    if (held->second.shape.version == 0) {
      streams_.erase(held);  // it is gone, and nobody asks for it again
    } else {
      held->second.path.clear();
      ++idle_streams_;
    }
  }
  for (const std::string& path : keys.paths_) {
    const auto held = paths_.find(path);
    if (held != paths_.end() && --held->second.in_flight == 0) paths_.erase(held);
  }
  if (idle_streams_ > kIdleStreamsMax) forget_idle_streams();
}

void Reservations::forget_idle_streams() {
  std::erase_if(streams_, [](const auto& each) { return each.second.in_flight == 0; });
  idle_streams_ = 0;
}

void Reservations::clear() {
  streams_.clear();
  paths_.clear();
  idle_streams_ = 0;
}

}  // namespace durable_streams

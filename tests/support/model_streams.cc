// The rules once more, without locks, sharing, or speed.
#include "tests/support/model_streams.h"

#include <algorithm>

namespace durable_streams {

namespace {

ModelStreams::Answer failed(ErrorCode code) { return {.error = code, .tail = {}}; }

ModelStreams::Answer succeeded(const ModelStream& stream, bool existed, bool duplicate) {
  return {.error = {},
          .existed = existed,
          .duplicate = duplicate,
          .closed = stream.closed,
          .tail = stream.tail()};
}

}  // namespace

void ModelStreams::advance_to(WallTime now) {
  now_ = now;
  for (bool changed = true; changed;) {
    changed = false;
    for (const auto& [path, stream] : streams_) {
      if (stream.soft_deleted || stream.deadline() > now_) continue;
      end(std::string(path));
      changed = true;
      break;
    }
  }
}

void ModelStreams::end(const std::string& path) {
  ModelStream& stream = streams_.at(path);
  if (stream.forks > 0) {
    stream.soft_deleted = true;
    return;
  }
  const std::string source = stream.source;
  streams_.erase(path);
  if (source.empty()) return;
  ModelStream& released = streams_.at(source);
  if (--released.forks == 0 && released.soft_deleted) end(source);
}

ModelStream* ModelStreams::find(const std::string& path, ErrorCode& why) {
  const auto found = streams_.find(path);
  why = ErrorCode::kNotFound;
  if (found == streams_.end()) return nullptr;
  why = ErrorCode::kGone;
  return found->second.soft_deleted ? nullptr : &found->second;
}

bool ModelStreams::matches(const ModelStream& stream, const CreateOptions& options) {
  if (options.fork.has_value() != !stream.source.empty()) return false;
  if (options.closed != stream.closed) return false;
  if (!options.fork) {
    const std::string_view type =
        options.content_type.empty() ? "application/octet-stream" : options.content_type;
    return type == stream.content_type && options.expiry == stream.expiry;
  }
  if (options.fork->path != stream.source) return false;
  if (options.fork->offset && *options.fork->offset != stream.anchor) return false;
  const bool says_where = options.fork->offset || options.fork->sub_offset;
  if (says_where && options.fork->sub_offset.value_or(0) != stream.sub_offset) return false;
  if (!options.content_type.empty() && options.content_type != stream.content_type) return false;
  return options.expiry == Expiry{} || options.expiry == stream.expiry;
}

void ModelStreams::store(ModelStream& stream, const ModelBody& body) {
  if (!stream.json()) {
    stream.bytes += body.text;
    if (!body.text.empty()) stream.ends.push_back(stream.bytes.size());
    return;
  }
  for (const std::string& message : body.messages) {
    stream.bytes += message + ",\n";
    stream.ends.push_back(stream.bytes.size());
  }
}

ModelStreams::Answer ModelStreams::create(const std::string& path, const CreateOptions& options,
                                          const ModelBody& body) {
  if (const auto found = streams_.find(path); found != streams_.end()) {
    ModelStream& stream = found->second;
    if (stream.soft_deleted || !matches(stream, options)) return failed(ErrorCode::kConflict);
    stream.touched = now_;
    return succeeded(stream, true, false);
  }
  if (options.fork) return create_fork(path, options, body);
  ModelStream stream;
  stream.content_type =
      options.content_type.empty() ? "application/octet-stream" : options.content_type;
  stream.expiry = options.expiry;
  stream.touched = now_;
  stream.closed = options.closed;
  store(stream, body);
  const Answer answer = succeeded(stream, false, false);
  streams_.emplace(path, std::move(stream));
  advance_to(now_);
  return answer;
}

ModelStreams::Answer ModelStreams::create_fork(const std::string& path,
                                               const CreateOptions& options,
                                               const ModelBody& body) {
  const std::string source_path(options.fork->path);
  ErrorCode why{};
  ModelStream* source = find(source_path, why);
  if (source == nullptr)
    return failed(why == ErrorCode::kGone ? ErrorCode::kConflict : ErrorCode::kNotFound);
  if (!options.content_type.empty() && options.content_type != source->content_type) {
    return failed(ErrorCode::kContentTypeMismatch);
  }
  const Offset anchor = options.fork->offset.value_or(source->tail());
  const std::uint64_t sub_offset = options.fork->sub_offset.value_or(0);
  if (anchor > source->tail()) return failed(ErrorCode::kInvalidArgument);
  std::uint64_t position = anchor.position;
  const auto next_end = std::upper_bound(source->ends.begin(), source->ends.end(), position);
  if (source->json()) {
    const bool at_boundary =
        position == 0 || std::binary_search(source->ends.begin(), source->ends.end(), position);
    const auto left = static_cast<std::uint64_t>(source->ends.end() - next_end);
    if (!at_boundary || sub_offset > left) return failed(ErrorCode::kInvalidArgument);
    if (sub_offset > 0) position = *(next_end + static_cast<std::ptrdiff_t>(sub_offset - 1));
  } else if (sub_offset > 0) {
    if (next_end == source->ends.end() || position + sub_offset > *next_end)
      return failed(ErrorCode::kInvalidArgument);
    position += sub_offset;
  }
  ModelStream stream;
  stream.content_type = source->content_type;
  stream.expiry = options.expiry == Expiry{} ? source->expiry : options.expiry;
  stream.touched = now_;
  stream.closed = options.closed;
  stream.source = source_path;
  stream.anchor = anchor;
  stream.sub_offset = sub_offset;
  stream.bytes = source->bytes.substr(0, position);
  for (const std::uint64_t end : source->ends) {
    if (end < position) stream.ends.push_back(end);
  }
  if (position > 0) stream.ends.push_back(position);
  store(stream, body);
  ++source->forks;
  const Answer answer = succeeded(stream, false, false);
  streams_.emplace(path, std::move(stream));
  advance_to(now_);
  return answer;
}

ModelStreams::Answer ModelStreams::append(const std::string& path, const AppendOptions& options,
                                          const ModelBody& body) {
  ErrorCode why{};
  ModelStream* stream = find(path, why);
  if (stream == nullptr) return failed(why);
  if (body.text.empty() && !options.close) return failed(ErrorCode::kInvalidArgument);
  const Producer& producer = options.producer;
  const ClosingTuple tuple{
      .producer_id = std::string(producer.id), .epoch = producer.epoch, .seq = producer.seq};
  if (stream->closed) {
    const bool again =
        producer.id.empty() ? options.close && body.text.empty() : stream->closed_by == tuple;
    if (!again) return failed(ErrorCode::kClosed);
    stream->touched = now_;
    return succeeded(*stream, false, true);
  }
  if (!body.text.empty()) {
    if (!options.content_type.empty() && options.content_type != stream->content_type) {
      return failed(ErrorCode::kContentTypeMismatch);
    }
    if (stream->json() && body.messages.empty()) return failed(ErrorCode::kInvalidJson);
  }
  if (!producer.id.empty()) {
    const auto known = stream->producers.find(tuple.producer_id);
    if (known == stream->producers.end() || forgettable(known->second)) {
      if (producer.seq != 0) return failed(ErrorCode::kSequenceGap);
    } else if (producer.epoch < known->second.epoch) {
      return failed(ErrorCode::kStaleEpoch);
    } else if (producer.epoch > known->second.epoch) {
      if (producer.seq != 0) return failed(ErrorCode::kEpochStart);
    } else if (producer.seq <= known->second.last_seq) {
      stream->touched = now_;
      return succeeded(*stream, false, true);
    } else if (producer.seq != known->second.last_seq + 1) {
      return failed(ErrorCode::kSequenceGap);
    }
  }
  if (!options.stream_seq.empty() && options.stream_seq <= stream->stream_seq) {
    return failed(ErrorCode::kSequenceRegression);
  }
  const bool new_producer = !producer.id.empty() && !stream->producers.contains(tuple.producer_id);
  if (new_producer && !make_producer_room(*stream)) return failed(ErrorCode::kTooMany);
  store(*stream, body);
  if (!options.stream_seq.empty()) stream->stream_seq = options.stream_seq;
  if (!producer.id.empty()) {
    stream->producers[tuple.producer_id] = {
        .epoch = producer.epoch, .last_seq = producer.seq, .last_used = now_};
  }
  if (options.close) {
    stream->closed = true;
    if (!producer.id.empty()) stream->closed_by = tuple;
  }
  stream->touched = now_;
  return succeeded(*stream, false, false);
}

bool ModelStreams::forgettable(const ProducerState& state) const {
  return producer_ttl_ && now_ - state.last_used > *producer_ttl_;
}

bool ModelStreams::make_producer_room(ModelStream& stream) const {
  if (stream.producers.size() < producers_max_) return true;
  const auto idle = std::find_if(stream.producers.begin(), stream.producers.end(),
                                 [this](const auto& each) { return forgettable(each.second); });
  if (idle == stream.producers.end()) return false;
  stream.producers.erase(idle);
  return true;
}

ModelStreams::Answer ModelStreams::remove(const std::string& path) {
  ErrorCode why{};
  if (find(path, why) == nullptr) return failed(why);
  end(path);
  return {.error = {}, .tail = {}};
}

ModelStreams::Answer ModelStreams::info(const std::string& path) const {
  const auto found = streams_.find(path);
  if (found == streams_.end()) return failed(ErrorCode::kNotFound);
  if (found->second.soft_deleted) return failed(ErrorCode::kGone);
  return succeeded(found->second, false, false);
}

std::vector<std::string> ModelStreams::paths() const {
  std::vector<std::string> paths;
  for (const auto& [path, stream] : streams_) paths.push_back(path);
  return paths;
}

}  // namespace durable_streams

// Appending and closing (protocol sections 5.2 and 5.3). The checks stand in the order of their
// precedence, and nothing is touched before the last of them has passed.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/engine_impl.h"
#include "protocol/content_type.h"
#include "protocol/producer.h"
#include "protocol/read_sequence.h"

namespace durable_streams {

namespace {

Error refusal(ErrorCode code, std::string message, ErrorDetail detail = {}) {
  return {.code = code, .message = std::move(message), .detail = detail};
}

Appended success(const ReservedState& state, std::optional<ProducerState> producer,
                 bool duplicate) {
  return {.next_offset = state.tail,
          .duplicate = duplicate,
          .closed = state.closed,
          .producer = producer};
}

// A closed stream takes nothing more, but recognises the request that closed it, and a repeated
// close (section 5.2.1).
Result<Appended> answer_closed(const Stream& stream, const AppendRequest& request) {
  const ReservedState& state = stream.reserved;
  const Producer& producer = request.options.producer;
  const bool closing_retry =
      !producer.id.empty() && state.closed_by && state.closed_by->producer_id == producer.id &&
      state.closed_by->epoch == producer.epoch && state.closed_by->seq == producer.seq;
  if (closing_retry) {
    return success(state, ProducerState{.epoch = producer.epoch, .last_seq = producer.seq}, true);
  }
  const bool close_only = request.options.close && request.body.empty() && producer.id.empty();
  if (close_only) return success(state, std::nullopt, true);
  return refusal(ErrorCode::kClosed, "the stream is closed; nothing can be appended",
                 {.tail = state.tail});
}

std::optional<Error> check_content(const Stream& stream, const AppendRequest& request,
                                   PayloadMaker& payload, std::size_t bytes_max) {
  if (request.body.empty()) return std::nullopt;
  const std::string_view given = request.options.content_type;
  if (given.empty() && request.content_type_required) {
    return refusal(ErrorCode::kInvalidArgument, "an append with a body needs a Content-Type");
  }
  if (!given.empty() && !protocol::same_media_type(given, stream.media_type->text)) {
    return refusal(
        ErrorCode::kContentTypeMismatch,
        fmt::format("the stream's content type is {}, not {}", stream.media_type->text, given));
  }
  const Payload& stored = payload.for_framing(stream.media_type->framing);
  if (stored.invalid) return stored.invalid;
  if (stored.no_messages) {
    return refusal(ErrorCode::kInvalidJson,
                   "an empty JSON array appends nothing; send at least one message");
  }
  if (stored.bytes.size() > bytes_max ||
      stored.bytes.size() > Offset::kPartMax - stream.reserved.tail.position) {
    return refusal(ErrorCode::kTooLarge,
                   fmt::format("one append may bring at most {} bytes", bytes_max));
  }
  return std::nullopt;
}

// What is kept as long as the stream must not be long.
std::optional<Error> check_ids(const AppendOptions& options) {
  if (options.producer.id.size() > kProducerIdBytesMax) {
    return refusal(ErrorCode::kInvalidArgument,
                   fmt::format("a producer's id is longer than {} bytes", kProducerIdBytesMax));
  }
  if (std::max(options.producer.epoch, options.producer.seq) > kProducerNumberMax) {
    return refusal(
        ErrorCode::kInvalidArgument,
        fmt::format("a producer's epoch or sequence is greater than {}", kProducerNumberMax));
  }
  if (options.stream_seq.size() > kStreamSeqBytesMax) {
    return refusal(ErrorCode::kInvalidArgument,
                   fmt::format("the Stream-Seq is longer than {} bytes", kStreamSeqBytesMax));
  }
  return std::nullopt;
}

std::optional<Error> check_stream_seq(const ReservedState& state, std::string_view stream_seq) {
  if (stream_seq.empty() || state.stream_seq.empty() || stream_seq > state.stream_seq) {
    return std::nullopt;
  }
  return refusal(ErrorCode::kSequenceRegression,
                 "Stream-Seq must be greater than the last one appended");
}

// Whether `more` bytes take the stream past what it may hold, not counting what a fork inherits.
bool would_overfill(const Stream& stream, std::uint64_t more, std::uint64_t bytes_max) {
  if (bytes_max == 0 || more == 0) return false;
  const std::uint64_t inherited = stream.fork ? stream.fork->position : 0;
  const std::uint64_t own = stream.reserved.tail.position - inherited;
  return own >= bytes_max || more > bytes_max - own;
}

// What the producer's state says of the request: nothing when it is next in order.
std::optional<Result<Appended>> check_producer(const ReservedState& state,
                                               const std::optional<ProducerState>& known,
                                               const Producer& producer) {
  const protocol::ProducerDecision decision =
      protocol::decide_producer(known, producer.epoch, producer.seq);
  using Verdict = protocol::ProducerDecision::Verdict;
  if (decision.verdict == Verdict::kAccept) return std::nullopt;
  if (decision.verdict == Verdict::kDuplicate) return success(state, decision.state, true);
  return protocol::producer_error(decision, producer.seq);
}

}  // namespace

AtOnce<Appended> Engine::Impl::append(const AppendRequest& request, PayloadMaker& payload,
                                      Deferral<Appended>& deferral) {
  std::optional<ForkPoint> owed;
  AtOnce<Appended> answer = append_locked(request, payload, deferral, owed);
  if (owed) release(std::move(owed));
  return answer;
}

AtOnce<Appended> Engine::Impl::append_locked(const AppendRequest& request, PayloadMaker& payload,
                                             Deferral<Appended>& deferral,
                                             std::optional<ForkPoint>& owed) {
  const PathKey key = key_of(request.path);
  Shard& shard = shard_of(key);
  const ShardLock lock(shard);
  const Located located = locate(shard, key);
  if (std::optional<AtOnce<Appended>> absent = answer_absent(located, deferral, owed)) {
    return *std::move(absent);
  }
  return append_to(*located.entry, request, payload, deferral);
}

AtOnce<Appended> Engine::Impl::append_to(Entry& entry, const AppendRequest& request,
                                         PayloadMaker& payload, Deferral<Appended>& deferral) {
  Stream& stream = *entry.reserved;
  if (request.body.empty() && !request.options.close) {
    return answer_after(entry, deferral,
                        Result<Appended>(refusal(ErrorCode::kInvalidArgument, kEmptyAppend)));
  }
  if (stream.reserved.closed) {
    Result<Appended> answer = answer_closed(stream, request);
    if (answer.ok()) touch(entry);
    return answer_after(entry, deferral, std::move(answer));
  }
  if (std::optional<Error> wrong =
          check_content(stream, request, payload, options_.append_bytes_max)) {
    return answer_after(entry, deferral, Result<Appended>(*std::move(wrong)));
  }
  if (std::optional<Error> wrong = check_ids(request.options)) {
    return answer_after(entry, deferral, Result<Appended>(*std::move(wrong)));
  }
  bool producer_is_new = false;
  if (const Producer& producer = request.options.producer; !producer.id.empty()) {
    std::optional<Error> failure;
    const HeldProducer* held = find_producer(entry, stream, producer.id, failure);
    if (failure) return *std::move(failure);
    if (held == nullptr) return after_loading(entry, deferral);
    if (std::optional<Result<Appended>> answer =
            check_producer(stream.reserved, known_state(*held), producer)) {
      if (answer->ok()) touch(entry);
      return answer_after(entry, deferral, *std::move(answer));
    }
    producer_is_new = !held->state.has_value();
  }
  if (std::optional<Error> wrong = check_stream_seq(stream.reserved, request.options.stream_seq)) {
    return answer_after(entry, deferral, Result<Appended>(*std::move(wrong)));
  }
  const Payload& stored = payload.for_framing(stream.media_type->framing);
  if (would_overfill(stream, stored.bytes.size(), options_.stream_bytes_max)) {
    return answer_after(entry, deferral, Result<Appended>(stream_full(options_.stream_bytes_max)));
  }
  if (!producer_is_new) return commit_append(entry, request, stored, nullptr, deferral);
  ProducerPlace place = place_producer(entry, stream);
  if (place.loading) return after_loading(entry, deferral);
  if (place.failure) {
    return answer_after(entry, deferral, Result<Appended>(*std::move(place.failure)));
  }
  return commit_append(entry, request, stored, &place, deferral);
}

AtOnce<Appended> Engine::Impl::commit_append(Entry& entry, const AppendRequest& request,
                                             const Payload& payload,
                                             const ProducerPlace* new_producer,
                                             Deferral<Appended>& deferral) {
  const std::shared_ptr<Stream>& stream = entry.reserved;
  ReservedState& state = stream->reserved;
  const Producer& producer = request.options.producer;
  const ProducerState producer_after{.epoch = producer.epoch,
                                     .last_seq = producer.seq,
                                     .last_used = producer.id.empty() ? WallTime{} : now()};
  Offset tail = state.tail;
  tail.read_sequence = std::max(tail.read_sequence, read_sequence_);
  tail.position += payload.bytes.size();
  const AppendChange change{.id = stream->id,
                            .version = state.version,
                            .bytes = payload.bytes,
                            .owned = payload.owned,
                            .tail = tail,
                            .producer_id = producer.id,
                            .producer = producer_after,
                            .producer_is_new = new_producer != nullptr,
                            .forgotten_producer = new_producer != nullptr
                                                      ? std::string_view(new_producer->forgotten)
                                                      : std::string_view(),
                            .stream_seq = request.options.stream_seq,
                            .close = request.options.close};
  Result<Transaction*> submitted = submit(change, entry);
  if (!submitted) return std::move(submitted).error();
  PendingChange* pending = *submitted == nullptr ? nullptr : &remember(**submitted, entry, stream);

  ++state.version;
  if (tail.read_sequence != state.tail.read_sequence) {
    SequenceStarts starts = state.sequences != nullptr ? *state.sequences : SequenceStarts();
    protocol::raise_sequence(starts, tail.read_sequence, state.tail.position);
    state.sequences = shared_starts(std::move(starts));
  }
  state.tail = tail;
  if (!request.options.stream_seq.empty()) state.stream_seq = request.options.stream_seq;
  std::optional<ProducerState> told;
  if (!producer.id.empty()) {
    told = producer_after;
    move_producers(*stream, change, pending);
  }
  if (request.options.close) {
    state.closed = true;
    if (!producer.id.empty()) {
      state.closed_by = {
          .producer_id = std::string(producer.id), .epoch = producer.epoch, .seq = producer.seq};
    }
  }
  touch(entry);
  ++stream->shard.appends;
  stream->shard.appended_bytes += payload.bytes.size();
  if (change.producer_is_new) ++stream->shard.new_producers;
  settle(entry, stream, pending);
  return answer_with(*submitted, deferral, Result<Appended>(success(state, told, false)));
}

void Engine::Impl::move_producers(Stream& stream, const AppendChange& change,
                                  PendingChange* pending) {
  const auto move = [&](std::string_view id, const std::optional<ProducerState>& after) {
    // A new producer's entry may have made room while another was looked for.
    auto held = stream.producers.find(id);
    if (held == stream.producers.end()) held = stream.producers.emplace(id, HeldProducer{}).first;
    if (pending != nullptr) {
      pending->producers_before.emplace_back(id, held->second.state);
      ++held->second.in_flight;
    }
    held->second.state = after;
  };
  move(change.producer_id, change.producer);
  if (change.producer_is_new) ++stream.reserved.producers;
  if (change.forgotten_producer.empty()) return;
  move(change.forgotten_producer, std::nullopt);
  --stream.reserved.producers;
}

}  // namespace durable_streams

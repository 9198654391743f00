// Creating streams and forks (protocol sections 5.1 and 4.2).
#include <fmt/format.h>

#include <utility>

#include "engine/engine_impl.h"
#include "engine/fork_plan.h"
#include "protocol/content_type.h"
#include "protocol/expiry.h"
#include "protocol/read_sequence.h"
#include "protocol/stream_path.h"

namespace durable_streams {

namespace {

Error conflict(std::string message) {
  return {.code = ErrorCode::kConflict, .message = std::move(message), .detail = {}};
}

Error source_deleted() { return conflict("the source of the fork was deleted"); }

Error invalid(std::string message) {
  return {.code = ErrorCode::kInvalidArgument, .message = std::move(message), .detail = {}};
}

Status check_options(std::string_view path, const CreateOptions& options) {
  if (Status valid = protocol::validate_stream_path(path); !valid) return valid;
  if (protocol::is_reserved_path(path)) {
    return invalid("paths below __ds are reserved by the protocol");
  }
  if (!options.content_type.empty()) {
    if (Status valid = protocol::validate_content_type(options.content_type); !valid) return valid;
  }
  if (options.expiry.ttl && options.expiry.at) {
    return invalid("a stream has a TTL or a time to expire at, not both");
  }
  if (options.expiry.ttl &&
      (options.expiry.ttl->count() < 0 || *options.expiry.ttl > protocol::kTtlMax)) {
    return invalid("the TTL is out of range");
  }
  return {};
}

Status check_payload(const Payload& payload, const EngineOptions& limits) {
  if (payload.invalid) return *payload.invalid;
  const std::uint64_t stream_bytes_max = limits.stream_bytes_max;
  if (stream_bytes_max != 0 && payload.bytes.size() > stream_bytes_max) {
    return stream_full(stream_bytes_max);
  }
  const std::size_t bytes_max = limits.append_bytes_max;
  if (payload.bytes.size() <= bytes_max) return {};
  return Error{.code = ErrorCode::kTooLarge,
               .message = fmt::format("a stream may be created with at most {} bytes", bytes_max),
               .detail = {}};
}

// An idempotent create of a fork may leave out what the first one said; see protocol section 4.2.
bool same_fork(const ForkPoint& existing, const ForkFrom& asked) {
  if (existing.source_path != asked.path) return false;
  if (asked.offset && (*asked.offset != existing.anchor)) return false;
  if (!asked.offset && !asked.sub_offset) return true;
  return asked.sub_offset.value_or(0) == existing.sub_offset;
}

// What the creator of a fork is told when readers of the source are told `found`.
Error source_error(Error found) {
  if (found.code == ErrorCode::kGone) return source_deleted();
  return found.code == ErrorCode::kNotFound ? no_such_source() : std::move(found);
}

// How an existing stream differs from the one asked for; null: it does not.
const char* difference(const Stream& stream, const CreateOptions& asked) {
  const bool fork = asked.fork.has_value();
  if (fork != stream.fork.has_value()) {
    return fork ? "it is not a fork" : "it is a fork";
  }
  if (fork && !same_fork(*stream.fork, *asked.fork)) return "it was forked elsewhere";
  const std::string_view type =
      asked.content_type.empty() ? protocol::kDefaultContentType : asked.content_type;
  const bool any_type = fork && asked.content_type.empty();
  if (!any_type && !protocol::same_media_type(type, stream.media_type->text)) {
    return "it has another content type";
  }
  const bool any_expiry = fork && asked.expiry == Expiry{};
  if (!any_expiry && !(asked.expiry == stream.expiry)) return "it has another TTL or expiry time";
  if (asked.closed != stream.reserved.closed) {
    return stream.reserved.closed ? "it is closed" : "it is open";
  }
  return nullptr;
}

WallTime first_deadline(const Expiry& expiry, WallTime now) {
  if (expiry.at) return *expiry.at;
  return expiry.ttl ? now + *expiry.ttl : kNever;
}

// A path may have held a stream that was lost with its bytes, so a new one's own begin a sequence
// too.
void begin_newest_sequence(StreamRecord& record, std::uint64_t own_begin, std::uint64_t newest) {
  protocol::raise_sequence(record.sequences, newest, own_begin);
  if (!record.sequences.empty()) record.tail.read_sequence = record.sequences.back().sequence;
}

}  // namespace

AtOnce<CreateAnswer> Engine::Impl::create(std::string_view path, const CreateOptions& options,
                                          PayloadMaker& payload, std::shared_ptr<ForkPlan>& plan,
                                          Pace pace, Deferral<CreateAnswer>& deferral) {
  if (Status valid = check_options(path, options); !valid) return std::move(valid).error();
  std::optional<ForkPoint> owed;
  AtOnce<CreateAnswer> answer =
      options.fork ? create_fork(path, options, payload, deferral, plan, pace, owed)
                   : create_plain(path, options, payload, deferral, owed);
  if (owed) release(std::move(owed));
  return answer;
}

std::optional<AtOnce<CreateAnswer>> Engine::Impl::answer_existing(const Located& target,
                                                                  const CreateOptions& options,
                                                                  Deferral<CreateAnswer>& deferral,
                                                                  std::optional<ForkPoint>& owed) {
  if (target.failure) return AtOnce<CreateAnswer>(*target.failure);
  if (target.entry == nullptr) return std::nullopt;
  Entry& entry = *target.entry;
  if (entry.loading) return after_loading(entry, deferral);
  if (Status expired = expire_if_due(entry, owed); !expired) {
    return AtOnce<CreateAnswer>(std::move(expired).error());
  }
  if (entry.reserved == nullptr) return std::nullopt;
  Stream& stream = *entry.reserved;
  if (stream.reserved.soft_deleted) {
    return answer_after(
        entry, deferral,
        Result<CreateAnswer>(conflict("a deleted stream keeps the path for its forks")));
  }
  if (const char* differs = difference(stream, options)) {
    return answer_after(
        entry, deferral,
        Result<CreateAnswer>(conflict(fmt::format("the stream exists, but {}", differs))));
  }
  touch(entry);
  return answer_after(
      entry, deferral,
      Result<CreateAnswer>(CreateAnswer{.existed = true, .stream = reserved_view(stream)}));
}

AtOnce<CreateAnswer> Engine::Impl::create_plain(std::string_view path, const CreateOptions& options,
                                                PayloadMaker& payload,
                                                Deferral<CreateAnswer>& deferral,
                                                std::optional<ForkPoint>& owed) {
  const std::string_view text =
      options.content_type.empty() ? protocol::kDefaultContentType : options.content_type;
  std::shared_ptr<const MediaType> type = media_types_.get(text);
  // Before the lock: a JSON body takes long to validate. That of an existing stream is ignored all
  // the same.
  const Payload& stored = payload.for_framing(type->framing);

  const PathKey key = key_of(path);
  Shard& shard = shard_of(key);
  const ShardLock lock(shard);
  const Located target = locate(shard, key);
  if (std::optional<AtOnce<CreateAnswer>> answer =
          answer_existing(target, options, deferral, owed)) {
    return *std::move(answer);
  }
  if (Status valid = check_payload(stored, options_); !valid) {
    return std::move(valid).error();
  }
  StreamRecord record{.id = store_.next_stream_id(),
                      .path = std::string(path),
                      .content_type = type->text,
                      .framing = type->framing,
                      .expiry = options.expiry,
                      .deadline = first_deadline(options.expiry, now()),
                      .version = 1,
                      .tail = {.position = stored.bytes.size()},
                      .closed = options.closed};
  begin_newest_sequence(record, 0, read_sequence_);
  Entry& entry = target.entry != nullptr ? *target.entry : add_entry(shard, key);
  return commit_create(entry, std::move(record), std::move(type), stored, nullptr, deferral);
}

AtOnce<CreateAnswer> Engine::Impl::create_fork(std::string_view path, const CreateOptions& options,
                                               PayloadMaker& payload,
                                               Deferral<CreateAnswer>& deferral,
                                               std::shared_ptr<ForkPlan>& plan, Pace pace,
                                               std::optional<ForkPoint>& owed) {
  {
    const PathKey key = key_of(path);
    Shard& shard = shard_of(key);
    const ShardLock lock(shard);
    const Located target = locate(shard, key);
    if (std::optional<AtOnce<CreateAnswer>> answer =
            answer_existing(target, options, deferral, owed)) {
      return *std::move(answer);
    }
  }
  if (plan == nullptr) {
    if (std::optional<AtOnce<CreateAnswer>> answer = begin_fork(options, deferral, plan)) {
      return *std::move(answer);
    }
  }
  if (const ForkPlan::Progress progress = plan->resolve(store_, pace);
      progress != ForkPlan::Progress::kResolved) {
    auto resume = [again = deferral.start_again()]() mutable { again(Status()); };
    if (progress == ForkPlan::Progress::kWaits) {
      ForkPlan::fetch(plan, store_, std::move(resume));
    } else {
      resume();
    }
    return std::nullopt;
  }
  if (!plan->resolved()->ok()) return plan->resolved()->error();
  return create_planned_fork(path, options, payload, deferral, *plan, owed);
}

std::optional<AtOnce<CreateAnswer>> Engine::Impl::begin_fork(const CreateOptions& options,
                                                             Deferral<CreateAnswer>& deferral,
                                                             std::shared_ptr<ForkPlan>& plan) {
  const ForkFrom& from = *options.fork;
  const PathKey key = key_of(from.path);
  Shard& shard = shard_of(key);
  const ShardLock lock(shard);
  const Located source = locate(shard, key);
  if (source.loading()) return after_loading(*source.entry, deferral);
  Result<Stream*> found = find_shown(source);
  if (!found) return AtOnce<CreateAnswer>(source_error(std::move(found).error()));
  const StreamView view = visible_view(**found);
  if (!options.content_type.empty() &&
      !protocol::same_media_type(options.content_type, view.media_type->text)) {
    return AtOnce<CreateAnswer>(Error{
        .code = ErrorCode::kContentTypeMismatch,
        .message =
            fmt::format("a fork has the content type of its source, {}", view.media_type->text),
        .detail = {}});
  }
  const Offset anchor = from.offset.value_or(view.tail);
  const Result<Offset> start = start_of(view, anchor);
  if (!start) return AtOnce<CreateAnswer>(start.error());
  if (anchor.position != start->position) {
    return AtOnce<CreateAnswer>(invalid("the fork offset lies beyond the source's tail"));
  }
  plan = std::make_shared<ForkPlan>(view, anchor, from.sub_offset.value_or(0));
  return std::nullopt;
}

AtOnce<CreateAnswer> Engine::Impl::create_planned_fork(
    std::string_view path, const CreateOptions& options, PayloadMaker& payload,
    Deferral<CreateAnswer>& deferral, const ForkPlan& plan, std::optional<ForkPoint>& owed) {
  const StreamView& planned = plan.source();
  const Payload& stored = payload.for_framing(planned.media_type->framing);
  const PathKey key = key_of(path);
  const PathKey source_key = key_of(options.fork->path);
  Shard& shard = shard_of(key);
  Shard& source_shard = shard_of(source_key);
  const ShardLock lock(shard, source_shard);
  const Located target = locate(shard, key);
  if (std::optional<AtOnce<CreateAnswer>> answer =
          answer_existing(target, options, deferral, owed)) {
    return *std::move(answer);
  }
  const EntryPin target_pin(target.entry);
  const Located source = locate(source_shard, source_key);
  if (source.failure) return *source.failure;
  if (source.entry == nullptr) return no_such_source();
  const EntryPin source_pin(source.entry);
  if (source.entry->loading) return after_loading(*source.entry, deferral);
  const std::shared_ptr<Stream>& from = source.entry->reserved;
  if (from == nullptr || from->id != planned.id) {
    return answer_after(*source.entry, deferral, Result<CreateAnswer>(no_such_source()));
  }
  if (from->reserved.soft_deleted) {
    return answer_after(*source.entry, deferral, Result<CreateAnswer>(source_deleted()));
  }
  if (Status valid = check_payload(stored, options_); !valid) {
    return std::move(valid).error();
  }
  const Expiry expiry = options.expiry == Expiry{} ? planned.expiry : options.expiry;
  StreamRecord record{.id = store_.next_stream_id(),
                      .path = std::string(path),
                      .content_type = planned.media_type->text,
                      .framing = planned.media_type->framing,
                      .expiry = expiry,
                      .deadline = first_deadline(expiry, now()),
                      .version = 1,
                      .tail = {.position = plan.position() + stored.bytes.size()},
                      .closed = options.closed,
                      .fork = ForkPoint{.source = planned.id,
                                        .source_path = std::string(options.fork->path),
                                        .position = plan.position(),
                                        .anchor = plan.anchor(),
                                        .sub_offset = plan.sub_offset()}};
  if (planned.sequences != nullptr) {
    record.sequences = protocol::inherited_starts(*planned.sequences, plan.position());
  }
  begin_newest_sequence(record, plan.position(), read_sequence_);
  Entry* entry = target.entry != nullptr ? target.entry : &add_entry(shard, key);
  return commit_create(*entry, std::move(record), planned.media_type, stored, source.entry,
                       deferral);
}

AtOnce<CreateAnswer> Engine::Impl::commit_create(Entry& target, StreamRecord&& record,
                                                 std::shared_ptr<const MediaType> type,
                                                 const Payload& payload, Entry* source,
                                                 Deferral<CreateAnswer>& deferral) {
  if (!count_stream(target)) {
    drop_if_empty(target);
    return too_many_streams(options_.streams_max);
  }
  Stream* from = source != nullptr ? source->reserved.get() : nullptr;
  Result<Transaction*> submitted =
      submit(CreateChange{.record = record,
                          .bytes = payload.bytes,
                          .source_version = from != nullptr ? from->reserved.version : 0},
             target, source);
  if (!submitted) {
    uncount_stream_if_gone(target);
    drop_if_empty(target);
    return std::move(submitted).error();
  }
  Transaction* transaction = *submitted;
  auto stream = std::make_shared<Stream>(record.id, target, target.shard, std::move(type),
                                         record.expiry, std::move(record.fork));
  PendingChange* pending =
      transaction == nullptr ? nullptr : &remember(*transaction, target, stream);
  stream->reserved = {.version = record.version,
                      .tail = record.tail,
                      .sequences = shared_starts(std::move(record.sequences)),
                      .closed = record.closed};
  stream->saved_deadline = record.deadline;
  if (record.expiry.ttl) stream->touched = record.deadline - *record.expiry.ttl;
  target.reserved = stream;
  settle(target, stream, pending);
  if (from != nullptr) {
    PendingChange* shared =
        transaction == nullptr ? nullptr : &remember(*transaction, *source, source->reserved);
    ++from->reserved.version;
    ++from->reserved.forks;
    settle(*source, source->reserved, shared);
  }
  if (transaction == nullptr) note_deadline(record.deadline);
  return answer_with(
      transaction, deferral,
      Result<CreateAnswer>(CreateAnswer{.existed = false, .stream = reserved_view(*stream)}));
}

}  // namespace durable_streams

// PUT: creating streams and forks (protocol sections 5.1 and 4.2).
#include <utility>

#include "http/endpoint_state.h"
#include "http/field_rules.h"
#include "http/location.h"
#include "protocol/expiry.h"
#include "protocol/header_integer.h"
#include "protocol/header_names.h"

namespace durable_streams::http {

namespace {

std::optional<Error> read_expiry(const RequestFields& fields, Expiry& out) {
  if (fields.has(Field::kStreamTtl)) {
    if (fields.has(Field::kStreamExpiresAt)) {
      return invalid("Stream-TTL and Stream-Expires-At exclude each other");
    }
    Result<std::chrono::seconds> ttl = protocol::parse_ttl(fields.get(Field::kStreamTtl));
    if (!ttl) return std::move(ttl).error();
    out.ttl = *ttl;
  }
  if (fields.has(Field::kStreamExpiresAt)) {
    Result<WallTime> at = protocol::parse_rfc3339(fields.get(Field::kStreamExpiresAt));
    if (!at) return std::move(at).error();
    out.at = *at;
  }
  return std::nullopt;
}

std::optional<Error> read_fork(const RequestFields& fields, PathResolver& paths,
                               std::optional<ForkFrom>& out) {
  if (!fields.has(Field::kStreamForkedFrom)) {
    for (const Field field : {Field::kStreamForkOffset, Field::kStreamForkSubOffset}) {
      if (fields.has(field)) {
        return invalid(std::string(name_of(field)) + " needs Stream-Forked-From");
      }
    }
    return std::nullopt;
  }
  ForkFrom fork;
  Result<std::string_view> source = paths.resolve_source(fields.get(Field::kStreamForkedFrom));
  if (!source) return std::move(source).error();
  // No stream has the empty path: where none can be, the engine finds none.
  fork.path = *source;
  if (fields.has(Field::kStreamForkOffset)) {
    fork.offset = Offset::parse(fields.get(Field::kStreamForkOffset));
    if (!fork.offset) return invalid("Stream-Fork-Offset is not an offset");
  }
  if (fields.has(Field::kStreamForkSubOffset)) {
    fork.sub_offset = protocol::parse_header_integer(fields.get(Field::kStreamForkSubOffset),
                                                     protocol::LeadingZeros::kRefused);
    if (!fork.sub_offset) return invalid("Stream-Fork-Sub-Offset is not a number");
  }
  out = fork;
  return std::nullopt;
}

// Fills `out` with what the head says, or tells what is wrong with it.
std::optional<Error> read_create_fields(const RequestFields& fields, PathResolver& paths,
                                        CreateOptions& out) {
  if (const std::optional<Field> field = fields.repeated()) return repeated_field(*field);
  if (std::optional<Error> wrong = read_expiry(fields, out.expiry)) return wrong;
  if (std::optional<Error> wrong = read_fork(fields, paths, out.fork)) return wrong;
  out.content_type = fields.get(Field::kContentType);
  out.closed = fields.closes_stream();
  return std::nullopt;
}

}  // namespace

void Exchange::Impl::start_create(const Request& request) {
  if (refused_by_length(request.head)) return;
  CreateOptions options;
  if (std::optional<Error> wrong = read_create_fields(request.fields, endpoint_->paths, options)) {
    return answer_error(*wrong);
  }
  const bool asks_source = options.fork && !options.fork->path.empty();
  if (asks_source && !allowed(request.head, options.fork->path, Right::kRead)) return;
  make_location(request.head, request.fields, endpoint_->options.prefix, request.target,
                endpoint_->text);
  KeptRequest& kept = keep();
  kept.path = request.target.path;
  kept.create = options;
  kept.location = endpoint_->text;
  std::string_view no_source;
  kept.own(&kept.path, &kept.location, &kept.create.content_type,
           kept.create.fork ? &kept.create.fork->path : &no_source);
  await_body(request.head, BodyUse::kCreate);
}

void Exchange::Impl::create(std::string_view body, const Slice& owned) {
  kept_->create.body = body;
  const AtOnce<CreateAnswer> answer = endpoint_->streams.create(
      kept_->path, kept_->create, owned,
      [self = ExchangeReference(*this)](const Result<CreateAnswer>& later) {
        self->on_created(later);
      });
  if (answer) on_created(*answer);
}

void Exchange::Impl::on_created(const Result<CreateAnswer>& answer_or_error) {
  if (abandoned()) return;
  if (!answer_or_error.ok()) {
    forget_kept();
    return answer_error(answer_or_error.error());
  }
  const CreateAnswer& created = *answer_or_error;
  ResponseFields& fields = begin_fields();
  if (!created.existed) fields.add("Location", kept_->location);
  forget_kept();
  fields.add("Content-Type", created.stream.media_type->text);
  fields.add(protocol::kStreamNextOffset, created.stream.tail);
  if (created.stream.closed) fields.add_true(protocol::kStreamClosed);
  fields.add_no_store();
  answer(created.existed ? 200 : 201, 0);
}

}  // namespace durable_streams::http

// POST: appending, and closing (protocol sections 5.2 and 5.3).
#include <string>
#include <utility>

#include "http/endpoint_state.h"
#include "http/field_rules.h"
#include "protocol/header_names.h"
#include "protocol/producer.h"

namespace durable_streams::http {

namespace {

std::optional<Error> check_stream_seq(const RequestFields& fields) {
  if (!fields.has(Field::kStreamSeq)) return std::nullopt;
  const std::string_view seq = fields.get(Field::kStreamSeq);
  if (seq.empty()) return invalid("Stream-Seq is empty");
  if (seq.size() > kStreamSeqBytesMax) return invalid("Stream-Seq is longer than 256 bytes");
  return std::nullopt;
}

// Fills `out` with what the head says, or tells what is wrong with it.
std::optional<Error> read_append_fields(const RequestFields& fields, AppendOptions& out) {
  if (const std::optional<Field> field = fields.repeated()) return repeated_field(*field);
  Result<std::optional<protocol::ProducerClaim>> claim = protocol::parse_producer_claim(
      fields.find(Field::kProducerId), fields.find(Field::kProducerEpoch),
      fields.find(Field::kProducerSeq));
  if (!claim) return std::move(claim).error();
  if (*claim) {
    if ((*claim)->id.size() > kProducerIdBytesMax)
      return invalid("Producer-Id is longer than 256 bytes");
    out.producer = {.id = (*claim)->id, .epoch = (*claim)->epoch, .seq = (*claim)->seq};
  } else {
    out.producer = {};
  }
  if (std::optional<Error> wrong = check_stream_seq(fields)) return wrong;
  out.stream_seq = fields.get(Field::kStreamSeq);
  out.content_type = fields.get(Field::kContentType);
  out.close = fields.closes_stream();
  return std::nullopt;
}

}  // namespace

void Exchange::Impl::start_append(const Request& request) {
  if (refused_by_length(request.head)) return;
  if (request.head.body_held_back && refused_as_absent(request.target.path)) return;
  KeptRequest& kept = keep();
  if (std::optional<Error> wrong = read_append_fields(request.fields, kept.append)) {
    forget_kept();
    return refuse_append(request.target.path, *wrong);
  }
  kept.path = request.target.path;
  kept.own(&kept.path, &kept.append.content_type, &kept.append.producer.id,
           &kept.append.stream_seq);
  await_body(request.head, BodyUse::kAppend);
}

// A body that still waits to be sent need not come when there is nothing to append it to. What the
// store would have to be asked first is found out with the append.
bool Exchange::Impl::refused_as_absent(std::string_view path) {
  const AtOnce<StreamView> found = endpoint_->streams.info(path, [](const Result<StreamView>&) {});
  if (!found || found->ok()) return false;
  answer_error(found->error());
  return true;
}

// That there is no stream is said before what is wrong with the request.
void Exchange::Impl::refuse_append(std::string_view path, const Error& error) {
  const AtOnce<StreamView> found = endpoint_->streams.info(
      path, [self = ExchangeReference(*this), error](const Result<StreamView>& later) {
        if (!self->abandoned()) self->answer_error(later.ok() ? error : later.error());
      });
  if (found) answer_error(found->ok() ? error : found->error());
}

void Exchange::Impl::append(std::string_view body, Slice owned) {
  empty_body_ = body.empty();
  const AtOnce<Appended> answer =
      endpoint_->streams.append({.path = kept_->path,
                                 .body = body,
                                 .owned_body = std::move(owned),
                                 .options = kept_->append,
                                 .content_type_required = true},
                                [self = ExchangeReference(*this)](const Result<Appended>& later) {
                                  self->on_appended(later);
                                });
  forget_kept();
  if (answer) on_appended(*answer);
}

void Exchange::Impl::on_appended(const Result<Appended>& answer_or_error) {
  if (abandoned()) return;
  if (!answer_or_error.ok()) return answer_error(answer_or_error.error());
  const Appended& appended = *answer_or_error;
  ResponseFields& fields = begin_fields();
  fields.add(protocol::kStreamNextOffset, appended.next_offset);
  if (appended.closed) fields.add_true(protocol::kStreamClosed);
  if (appended.producer) {
    fields.add(protocol::kProducerEpoch, appended.producer->epoch);
    fields.add(protocol::kProducerSeq, appended.producer->last_seq);
  }
  fields.add_no_store();
  const bool new_data = appended.producer && !appended.duplicate && !empty_body_;
  if (new_data) {
    answer(200, 0);
  } else {
    answer(204, std::nullopt);
  }
}

}  // namespace durable_streams::http

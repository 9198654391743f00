// An exchange's life, its body, and the answers that all handlers give.
#include "http/exchange.h"

#include <utility>

#include "http/endpoint_state.h"
#include "http/problem.h"
#include "protocol/header_names.h"

namespace durable_streams::http {

namespace {

constexpr std::string_view kBodyTooLarge = "the request's body is larger than this endpoint takes";
constexpr std::string_view kBodiesTooMany = "too many request bodies are on their way; come again";

// In one line: not every cache reads a second one.
std::string_view vary_value(bool by_origin, bool personal) {
  if (!personal) return "Origin";
  return by_origin ? "Authorization, Origin" : "Authorization";
}

}  // namespace

void Exchange::Impl::release() {
  if (--references_ > 0) return;
  if (endpoint_ != nullptr) {
    endpoint_->give_back(*this);
  } else {
    ObjectPool<Impl>::destroy_orphan(this);
  }
}

void Exchange::Impl::abandon() {
  if (LiveResponse* response = live_response()) response->leave();
  forget_kept();
  rest_.reset();
  sink_ = nullptr;
  wants_body_ = false;
  release();
}

LiveResponse* Exchange::Impl::live_response() {
  if (auto* long_poll = std::get_if<LongPoll>(&live_)) return long_poll;
  return std::get_if<SseResponse>(&live_);
}

bool Exchange::Impl::live() const {
  const LiveResponse* response = const_cast<Impl*>(this)->live_response();
  return response != nullptr && !response->over();
}

void Exchange::Impl::writable() {
  if (rest_) return send_rest();
  if (LiveResponse* response = live_response()) response->writable();
}

void Exchange::Impl::probe() {
  if (live()) live_response()->probe();
}

void Exchange::Impl::drain() {
  if (live()) live_response()->drain();
}

KeptRequest& Exchange::Impl::keep() {
  kept_ = endpoint_->take_kept_request();
  return *kept_;
}

void Exchange::Impl::forget_kept() {
  if (kept_) endpoint_->give_back(std::move(kept_));
}

bool Exchange::Impl::refused_by_length(const RequestHead& head) {
  if (head.content_length.value_or(0) <= endpoint_->options.body_bytes_max) return false;
  answer_error({.code = ErrorCode::kTooLarge, .message = std::string(kBodyTooLarge), .detail = {}});
  return true;
}

void Exchange::Impl::await_body(const RequestHead& head, BodyUse use) {
  kept_->body.begin(head.content_length);
  body_use_ = use;
  wants_body_ = true;
}

void Exchange::Impl::body(std::string_view piece, bool last) {
  if (!wants_body_) return;
  GatheredBody& gathered = kept_->body;
  if (piece.size() > endpoint_->options.body_bytes_max - gathered.size()) {
    return refuse_body(ErrorCode::kTooLarge, kBodyTooLarge);
  }
  const bool in_place = last && gathered.size() == 0;
  if (!in_place) {
    if (!endpoint_->bodies().take(piece.size())) {
      return refuse_body(ErrorCode::kUnavailable, kBodiesTooMany);
    }
    gathered.add(piece);
  }
  if (!last) return;
  wants_body_ = false;
  const std::string_view whole = in_place ? piece : gathered.view();
  const Slice owned = in_place ? Slice() : gathered.owned();
  if (body_use_ == BodyUse::kAppend) {
    append(whole, owned);
  } else {
    create(whole, owned);
  }
}

void Exchange::Impl::announce(std::uint64_t bytes) {
  if (!wants_body_) return;
  if (bytes > endpoint_->options.body_bytes_max - kept_->body.size()) {
    refuse_body(ErrorCode::kTooLarge, kBodyTooLarge);
  }
}

void Exchange::Impl::refuse_body(ErrorCode code, std::string_view message) {
  wants_body_ = false;
  forget_kept();
  answer_error({.code = code, .message = std::string(message), .detail = {}});
}

ResponseFields& Exchange::Impl::begin_fields() {
  ResponseFields& fields = endpoint_->fields;
  fields.begin();
  const bool by_origin = endpoint_->cors.listed();
  if (by_origin) fields.add_lines(endpoint_->cors.lines(origin_));
  if (by_origin || personal_) fields.add("Vary", vary_value(by_origin, personal_));
  return fields;
}

void Exchange::Impl::answer(int status, std::optional<std::uint64_t> content_length) {
  sink_->start(
      {.status = status, .fields = endpoint_->fields.text(), .content_length = content_length});
  sink_->finish();
}

void Exchange::Impl::answer_error(const Error& error) {
  ResponseFields& fields = begin_fields();
  switch (error.code) {
    case ErrorCode::kClosed:
      fields.add_true(protocol::kStreamClosed);
      fields.add(protocol::kStreamNextOffset, error.detail.tail);
      break;
    case ErrorCode::kStaleEpoch:
      fields.add(protocol::kProducerEpoch, error.detail.current_epoch);
      break;
    case ErrorCode::kSequenceGap:
      fields.add(protocol::kProducerExpectedSeq, error.detail.expected_seq);
      fields.add(protocol::kProducerReceivedSeq, error.detail.received_seq);
      break;
    case ErrorCode::kTooMany:
    case ErrorCode::kUnavailable:
      fields.add("Retry-After", 1 + endpoint_->random() % kRetryAfterSecondsMax);
      break;
    default:
      break;
  }
  answer_problem(status_of(error.code), to_string(error.code), error.message);
}

void Exchange::Impl::answer_problem(int status, std::string_view code, std::string_view detail) {
  ResponseFields& fields = endpoint_->fields;
  fields.add("Content-Type", kProblemType);
  fields.add_no_store();
  const Slice body = Slice::copy_of(problem_body(status, code, detail));
  sink_->start({.status = status, .fields = fields.text(), .content_length = body.size()});
  if (!head_only_) sink_->write({&body, 1});
  sink_->finish();
}

}  // namespace durable_streams::http

// One request on its way to its answer. The handlers of the methods are parts of it, each in a file
// of its own.
#pragma once

#include <durable_streams/http/endpoint.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "engine/operations.h"
#include "http/kept_request.h"
#include "http/long_poll.h"
#include "http/page_rest.h"
#include "http/path_resolver.h"
#include "http/request_fields.h"
#include "http/response_fields.h"
#include "http/sse_response.h"
#include "protocol/query.h"

namespace durable_streams::http {

class EndpointState;

// A request's head as the handlers see it; lives as long as the head.
struct Request {
  const RequestHead& head;
  RequestFields fields;
  StreamTarget target;
};

// How the page of a read is told.
struct PageAnswer {
  bool from_now = false;                // no tag, and no cache keeps it
  std::optional<std::uint64_t> cursor;  // of a long-poll
  std::string_view if_none_match;       // empty: not asked
};

// Lives until its client has its answer or is gone, and as long as an operation that it started has
// not come back. Small, for one is held for every waiting reader. Threads: loop only.
class Exchange::Impl {
 public:
  Impl(EndpointState& endpoint, ResponseSink& sink) : endpoint_(&endpoint), sink_(&sink) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  // For Exchange.
  void start(const RequestHead& head);
  bool wants_body() const { return wants_body_; }
  void body(std::string_view piece, bool last);
  void announce(std::uint64_t bytes);
  void writable();
  void probe();
  bool live() const;
  void abandon();

  // For the endpoint.
  bool abandoned() const { return sink_ == nullptr; }
  void orphan() { endpoint_ = nullptr; }
  void drain();

  // For completions, by Reference.
  void retain() { ++references_; }
  void release();

  // For the live responses. What follows must not be called once the exchange is abandoned.
  LiveResponse* live_response();
  EndpointState& endpoint() const { return *endpoint_; }
  ResponseSink& sink() const { return *sink_; }

  // The fields of the answer, with what all answers to this request have in common.
  ResponseFields& begin_fields();

  // Keeps what the request said, for a page that is yet to come.
  std::string_view keep_if_none_match(std::string_view if_none_match);

  // Answers with these fields and without a body.
  void answer(int status, std::optional<std::uint64_t> content_length);
  void answer_error(const Error& error);
  void answer_page(ReadAnswer& answer, const PageAnswer& how);

 private:
  friend class EndpointState;  // links exchanges

  enum class BodyUse : std::uint8_t { kAppend, kCreate };

  // routing.cc
  void answer_options();
  void answer_method_not_allowed();
  bool allowed(const RequestHead& head, std::string_view path, Right right);
  void refuse_access(const Access& access);

  // exchange.cc
  // Whether the head announces a body that may not come; answers it then.
  bool refused_by_length(const RequestHead& head);
  KeptRequest& keep();
  void forget_kept();
  void await_body(const RequestHead& head, BodyUse use);
  // Answers in the middle of the body, of which nothing more is wanted.
  void refuse_body(ErrorCode code, std::string_view message);
  void answer_problem(int status, std::string_view code, std::string_view detail);

  // append.cc
  void start_append(const Request& request);
  bool refused_as_absent(std::string_view path);
  void refuse_append(std::string_view path, const Error& error);
  void append(std::string_view body, Slice owned);
  void on_appended(const Result<Appended>& answer);

  // create.cc
  void start_create(const Request& request);
  void create(std::string_view body, const Slice& owned);
  void on_created(const Result<CreateAnswer>& answer);

  // read.cc
  void read(const Request& request);
  void catch_up(const ReadRequest& from, std::string_view if_none_match);
  void on_read(Result<ReadAnswer> answer, bool from_now);
  std::string_view cache_control(const StreamView& stream, char* buffer) const;
  void send_page(ReadAnswer& answer);
  void begin_rest(const ReadAnswer& answer, std::uint64_t bytes);
  void send_rest();
  void on_piece(Result<ReadAnswer> piece);
  void send_piece(std::vector<Slice>& piece);
  void cut_rest();

  // metadata.cc
  void describe(const Request& request);
  void on_described(const Result<StreamView>& answer);
  void remove(const Request& request);
  void on_removed(const Status& answer);

  EndpointState* endpoint_;  // null: gone
  ResponseSink* sink_;       // null: the client is gone
  Impl* next_ = nullptr;
  Impl* previous_ = nullptr;
  std::unique_ptr<KeptRequest> kept_;
  std::unique_ptr<PageRest> rest_;  // null: the answer is whole, or no such page
  std::uint32_t references_ = 1;    // the Exchange's, and one for each operation under way
  std::uint32_t origin_ = 0;        // of the request, among those that are allowed
  bool wants_body_ = false;
  bool head_only_ = false;   // answers have no body
  bool personal_ = false;    // the answer depends on who asks
  bool empty_body_ = false;  // of an append
  BodyUse body_use_ = BodyUse::kAppend;
  std::variant<std::monostate, LongPoll, SseResponse> live_;
};

// What a completion holds of the exchange that waits for it: memory that stays, though the client
// may be gone. Threads: loop only.
class ExchangeReference {
 public:
  explicit ExchangeReference(Exchange::Impl& exchange) : exchange_(&exchange) { exchange.retain(); }
  ExchangeReference(ExchangeReference&& other) noexcept
      : exchange_(std::exchange(other.exchange_, nullptr)) {}
  ExchangeReference& operator=(ExchangeReference&&) = delete;
  ~ExchangeReference() {
    if (exchange_ != nullptr) exchange_->release();
  }

  Exchange::Impl* operator->() const { return exchange_; }

 private:
  Exchange::Impl* exchange_;
};

}  // namespace durable_streams::http

// A long-poll is answered by the first page that holds bytes, by the stream's end, or by its timer.
#include "http/long_poll.h"

#include "http/endpoint_state.h"
#include "protocol/cursor.h"
#include "protocol/header_names.h"

namespace durable_streams::http {

LongPoll::LongPoll(Exchange::Impl& exchange, const protocol::ReadQuery& query)
    : LiveResponse(exchange, LiveKind::kLongPoll),
      cursor_(query.cursor),
      asked_(query.offset),
      from_now_(query.from == protocol::ReadQuery::From::kNow),
      time_is_up_(exchange.endpoint().draining()) {}

void LongPoll::open(const ReadRequest& request, std::string_view if_none_match) {
  if_none_match_ = if_none_match;
  LiveResponse::open(request);
  // Only the first page is compared: what a wait brings is new. That one may still be on its way.
  if_none_match_ =
      !over() && reading() ? exchange_.keep_if_none_match(if_none_match) : std::string_view();
  if (!over()) set_timer(exchange_.endpoint().options.long_poll_timeout);
}

LiveResponse::Next LongPoll::take_page(ReadAnswer& answer) {
  const Page& page = answer.page;
  set_position(page.next_offset);
  const bool beyond_tail = asked_ > page.next_offset;
  if (!page.slices.empty()) {
    exchange_.answer_page(
        answer, {.from_now = from_now_, .cursor = next_cursor(), .if_none_match = if_none_match_});
  } else if (page.closed || beyond_tail || time_is_up_) {
    answer_no_content(page);
  } else {
    if_none_match_ = {};
    return Next::kWait;
  }
  leave();
  return Next::kStop;
}

void LongPoll::take_error(const Error& error) {
  exchange_.answer_error(error);
  leave();
}

void LongPoll::on_timer() {
  time_is_up_ = true;
  if (over() || reading()) return;
  stop_waiting();
  run(Next::kReadOn);
}

std::uint64_t LongPoll::next_cursor() {
  EndpointState& endpoint = exchange_.endpoint();
  return protocol::next_cursor(endpoint.now(), cursor_, endpoint.random());
}

void LongPoll::answer_no_content(const Page& page) {
  ResponseFields& fields = exchange_.begin_fields();
  fields.add(protocol::kStreamNextOffset, page.next_offset);
  fields.add_true(protocol::kStreamUpToDate);
  if (page.closed) {
    fields.add_true(protocol::kStreamClosed);
  } else {
    fields.add(protocol::kStreamCursor, next_cursor());
  }
  fields.add_no_store();
  exchange_.answer(204, std::nullopt);
}

}  // namespace durable_streams::http

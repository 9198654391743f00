// Events go out as pages come; between them there is a timer, for comments and for the end.
#include "http/sse_response.h"

#include <algorithm>
#include <array>

#include "http/endpoint_state.h"
#include "protocol/cursor.h"
#include "protocol/header_names.h"
#include "protocol/sse_frame.h"

namespace durable_streams::http {

namespace {

// Up to a tenth less or more.
std::chrono::milliseconds with_jitter(std::chrono::milliseconds interval, std::uint64_t random) {
  const std::int64_t tenth = interval.count() / 10;
  const auto jitter = static_cast<std::int64_t>(random % static_cast<std::uint64_t>(2 * tenth + 1));
  return interval + std::chrono::milliseconds(jitter - tenth);
}

std::uint64_t common_cursor(const EndpointState& endpoint) {
  return protocol::next_cursor(endpoint.now(), std::nullopt, 0);
}

Slice control_event(const SseFrame& frame, std::uint64_t cursor) {
  std::string out;
  protocol::append_sse_control(out, {.next_offset = before_held(frame.end, frame.text_after.held),
                                     .cursor = cursor,
                                     .up_to_date = frame.up_to_date,
                                     .closed = frame.closed});
  return Slice::copy_of(out);
}

}  // namespace

SseResponse::SseResponse(Exchange::Impl& exchange, const protocol::ReadQuery& query)
    : LiveResponse(exchange, LiveKind::kSse),
      cursor_(protocol::next_cursor(exchange.endpoint().now(), query.cursor,
                                    exchange.endpoint().random())),
      ending_(exchange.endpoint().draining()) {}

void SseResponse::open(const ReadRequest& request) {
  EndpointState& endpoint = exchange_.endpoint();
  last_sent_ = endpoint.loop.now();
  end_at_ = last_sent_ + with_jitter(endpoint.options.sse_reconnect_interval, endpoint.random());
  LiveResponse::open(request);
  if (!over()) set_next_timer();
}

void SseResponse::writable() {
  if (!paused_ || over()) return;
  run(Next::kReadOn);
}

// A full sink shows a dead peer by itself.
void SseResponse::probe() {
  if (!started_) return;
  last_sent_ = exchange_.endpoint().loop.now();
  if (exchange_.sink().full()) return;
  const Slice comment = Slice::unowned(protocol::kSseComment);
  exchange_.sink().write({&comment, 1});
}

void SseResponse::drain() {
  ending_ = true;
  if (started_ && !over()) end();
}

std::size_t SseResponse::page_bytes_max() const {
  const EndpointOptions& options = exchange_.endpoint().options;
  return std::min(options.sse_event_bytes_max, options.chunk_bytes_max);
}

LiveResponse::Next SseResponse::read_page() {
  if (pauses()) return Next::kStop;
  const State stream = state();
  if (stream.removed) return LiveResponse::read_page();
  const bool more = stream.closed || position() < stream.tail || control_due_;
  if (!more) return Next::kWait;
  // What another subscriber has got already need not be read again.
  const SseFrame* frame = exchange_.endpoint().frames.next_after(stream_id(), position(), text_,
                                                                 stream.tail, stream.closed);
  return frame != nullptr ? send(*frame) : LiveResponse::read_page();
}

LiveResponse::Next SseResponse::take_page(ReadAnswer& answer) {
  EndpointState& endpoint = exchange_.endpoint();
  if (!started_) start(answer);
  if (pauses()) {
    set_position(answer.page.start);
    answer.page.slices.clear();
    return Next::kStop;
  }
  const SseFrame& frame =
      endpoint.frames.of_page(answer, text_, common_cursor(endpoint), endpoint.pieces);
  answer.page.slices.clear();
  return send(frame);
}

bool SseResponse::pauses() {
  paused_ = exchange_.sink().full();
  return paused_;
}

void SseResponse::take_error(const Error& error) {
  if (!started_) {
    exchange_.answer_error(error);
    return leave();
  }
  end();
}

void SseResponse::start(const ReadAnswer& first) {
  started_ = true;
  ResponseFields& fields = exchange_.begin_fields();
  fields.add("Content-Type", std::string_view("text/event-stream"));
  fields.add_cache_control("no-cache");
  fields.add("X-Accel-Buffering", std::string_view("no"));
  if (!first.stream.media_type->sse_text) {
    fields.add(protocol::kStreamSseDataEncoding, std::string_view("base64"));
  }
  const bool at_end = first.page.closed && first.page.slices.empty();
  if (at_end) {
    // Section 8 wants it in the head in every mode.
    fields.add(protocol::kStreamNextOffset, first.page.next_offset);
    fields.add_true(protocol::kStreamUpToDate);
    fields.add_true(protocol::kStreamClosed);
  }
  exchange_.sink().start({.status = 200, .fields = fields.text(), .content_length = std::nullopt});
}

LiveResponse::Next SseResponse::send(const SseFrame& frame) {
  set_position(frame.end);
  text_ = frame.text_after;
  if (frame.has_data() || frame.closed || control_due_) write(frame);
  if (frame.closed || ending_) {
    end();
    return Next::kStop;
  }
  return frame.up_to_date ? Next::kWait : Next::kReadOn;
}

void SseResponse::write(const SseFrame& frame) {
  const std::uint64_t cursor = advance_cursor();
  if (frame.closed || frame.cursor == cursor) {
    const Slice both = frame.whole();
    exchange_.sink().write({&both, 1});
  } else {
    const std::array<Slice, 2> events = {frame.data_event(), control_event(frame, cursor)};
    exchange_.sink().write(std::span(events).subspan(frame.has_data() ? 0 : 1));
  }
  control_due_ = false;
  last_sent_ = exchange_.endpoint().loop.now();
}

std::uint64_t SseResponse::advance_cursor() {
  cursor_ = std::max(cursor_, common_cursor(exchange_.endpoint()));
  return cursor_;
}

void SseResponse::on_timer() {
  EndpointState& endpoint = exchange_.endpoint();
  const EventLoop::TimePoint now = endpoint.loop.now();
  if (now >= end_at_) {
    ending_ = true;
    if (started_) end();
    return;
  }
  if (now - last_sent_ >= endpoint.options.sse_heartbeat_interval) probe();
  set_next_timer();
}

void SseResponse::set_next_timer() {
  const EndpointState& endpoint = exchange_.endpoint();
  const EventLoop::TimePoint comment_at = last_sent_ + endpoint.options.sse_heartbeat_interval;
  const EventLoop::TimePoint now = endpoint.loop.now();
  const auto delay =
      std::max(std::min(comment_at, end_at_) - now, EventLoop::TimePoint::duration(0));
  set_timer(std::chrono::ceil<std::chrono::milliseconds>(delay));
}

void SseResponse::end() {
  exchange_.sink().finish();
  leave();
}

}  // namespace durable_streams::http

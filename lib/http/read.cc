// GET: catching up, and the answers that carry a page (protocol sections 5.6 and 10.1).
#include <algorithm>
#include <array>
#include <utility>

#include "http/endpoint_state.h"
#include "protocol/cache_control.h"
#include "protocol/etag.h"
#include "protocol/header_names.h"

namespace durable_streams::http {

namespace {

constexpr std::size_t kBracketBytes = 2;

// How long the stream lives if nothing touches it any more.
std::optional<std::chrono::milliseconds> remaining_life(const StreamView& stream,
                                                        const EndpointState& endpoint) {
  if (stream.expiry.at) return *stream.expiry.at - endpoint.now();
  if (stream.expiry.ttl) return *stream.expiry.ttl;  // this read was the last touch
  return std::nullopt;
}

// What is stored of JSON, as the array that clients get (section 9.1.5): nothing is copied.
void append_array(std::vector<Slice>& stored, std::vector<Slice>& out) {
  constexpr std::size_t kSeparatorBytes = 2;  // behind the last message
  out.push_back(Slice::unowned("["));
  for (Slice& slice : stored) out.push_back(std::move(slice));
  std::size_t excess = stored.empty() ? 0 : kSeparatorBytes;
  while (excess > 0) {
    Slice& last = out.back();
    const std::size_t dropped = std::min(excess, last.size());
    last = last.sub(0, last.size() - dropped);
    excess -= dropped;
    if (last.empty()) out.pop_back();
  }
  out.push_back(Slice::unowned("]"));
}

}  // namespace

void Exchange::Impl::read(const Request& request) {
  const Result<protocol::ReadQuery> query = protocol::parse_read_query(request.target.query);
  if (!query) return answer_error(query.error());
  const ReadRequest from{.path = request.target.path,
                         .from = query->offset,
                         .from_now = query->from == protocol::ReadQuery::From::kNow,
                         .bytes_max = endpoint_->options.chunk_bytes_max};
  const std::string_view if_none_match = request.fields.get(Field::kIfNoneMatch);
  switch (query->live) {
    case protocol::LiveMode::kNone:
      return catch_up(from, if_none_match);
    case protocol::LiveMode::kLongPoll:
      return live_.emplace<LongPoll>(*this, *query).open(from, if_none_match);
    case protocol::LiveMode::kSse:
      return live_.emplace<SseResponse>(*this, *query).open(from);
  }
}

void Exchange::Impl::catch_up(const ReadRequest& from, std::string_view if_none_match) {
  const std::optional<Status> read = endpoint_->streams.read(
      from, endpoint_->read_answer,
      [self = ExchangeReference(*this), from_now = from.from_now](Result<ReadAnswer> later) {
        self->on_read(std::move(later), from_now);
      });
  if (!read) {
    keep_if_none_match(if_none_match);
    return;
  }
  if (!read->ok()) return answer_error(read->error());
  answer_page(endpoint_->read_answer,
              {.from_now = from.from_now, .cursor = std::nullopt, .if_none_match = if_none_match});
}

std::string_view Exchange::Impl::keep_if_none_match(std::string_view if_none_match) {
  if (if_none_match.empty()) return {};
  KeptRequest& kept = keep();
  kept.if_none_match = if_none_match;
  kept.own(&kept.if_none_match);
  return kept.if_none_match;
}

void Exchange::Impl::on_read(Result<ReadAnswer> answer, bool from_now) {
  if (abandoned()) return;
  if (!answer.ok()) return answer_error(answer.error());
  answer_page(*answer, {.from_now = from_now,
                        .cursor = std::nullopt,
                        .if_none_match = kept_ ? kept_->if_none_match : std::string_view()});
  forget_kept();
}

void Exchange::Impl::answer_page(ReadAnswer& answer, const PageAnswer& how) {
  Page& page = answer.page;
  ResponseFields& fields = begin_fields();
  bool known_already = false;
  if (how.from_now) {
    fields.add_no_store();
  } else {
    std::array<char, protocol::kEtagBytesMax> etag_buffer;
    const char* etag_end = protocol::write_etag(etag_buffer.data(), answer.stream.id, page.start,
                                                page.next_offset, page.closed);
    const std::string_view etag(etag_buffer.data(),
                                static_cast<std::size_t>(etag_end - etag_buffer.data()));
    fields.add("ETag", etag);
    std::array<char, protocol::kCacheControlBytesMax> cache_buffer;
    fields.add_cache_control(cache_control(answer.stream, cache_buffer.data()));
    known_already = !how.if_none_match.empty() && protocol::if_none_match(how.if_none_match, etag);
  }
  fields.add(protocol::kStreamNextOffset, page.next_offset);
  if (how.cursor) fields.add(protocol::kStreamCursor, *how.cursor);
  if (page.up_to_date) fields.add_true(protocol::kStreamUpToDate);
  if (page.closed) fields.add_true(protocol::kStreamClosed);
  if (known_already) {
    this->answer(304, std::nullopt);
  } else {
    send_page(answer);
  }
  // The memory of the vector is used again; the stream's bytes are let go of.
  page.slices.clear();
}

std::string_view Exchange::Impl::cache_control(const StreamView& stream, char* buffer) const {
  const bool shared = endpoint_->options.public_cache && !personal_;
  return protocol::cache_control(
      buffer, shared ? protocol::CacheScope::kPublic : protocol::CacheScope::kPrivate,
      remaining_life(stream, *endpoint_));
}

void Exchange::Impl::send_page(ReadAnswer& answer) {
  std::vector<Slice>* body = &answer.page.slices;
  if (answer.page.framing == Framing::kJson) {
    append_array(answer.page.slices, endpoint_->pieces);
    body = &endpoint_->pieces;
  }
  std::uint64_t bytes = 0;
  for (const Slice& slice : *body) bytes += slice.size();
  ResponseFields& fields = endpoint_->fields;
  fields.add("Content-Type", answer.stream.media_type->text);
  sink_->start({.status = 200, .fields = fields.text(), .content_length = bytes});
  if (endpoint_->unsent_pages.hold(*body, bytes)) {
    if (bytes > 0) sink_->write(*body);
    sink_->finish();
    endpoint_->pieces.clear();
  } else {
    endpoint_->pieces.clear();
    begin_rest(answer, bytes);
  }
}

void Exchange::Impl::begin_rest(const ReadAnswer& answer, std::uint64_t bytes) {
  const bool array = answer.page.framing == Framing::kJson;
  const std::uint64_t from = answer.page.start.position;
  // An array has brackets where a separator is stored behind its last message.
  const std::uint64_t to = from + bytes - (array ? kBracketBytes : 0);
  rest_ = std::make_unique<PageRest>(
      PageRest{.stream = answer.stream.id, .from = from, .to = to, .array = array});
  if (array) sink_->write({{Slice::unowned("[")}});
  send_rest();
}

void Exchange::Impl::send_rest() {
  while (rest_ && !rest_->reading && !sink_->full()) {
    if (rest_->from == rest_->to) {
      if (rest_->array) sink_->write({{Slice::unowned("]")}});
      rest_.reset();
      return sink_->finish();
    }
    const std::uint64_t to = std::min(rest_->from + PageRest::kPieceBytes, rest_->to);
    ReadAnswer& answer = endpoint_->read_answer;
    const std::optional<Status> read =
        endpoint_->streams.read_again(rest_->stream, rest_->from, to, answer,
                                      [self = ExchangeReference(*this)](Result<ReadAnswer> later) {
                                        if (!self->abandoned()) self->on_piece(std::move(later));
                                      });
    rest_->from = to;
    if (!read) {
      rest_->reading = true;
    } else if (read->ok()) {
      send_piece(answer.page.slices);
    } else {
      cut_rest();
    }
  }
}

void Exchange::Impl::on_piece(Result<ReadAnswer> piece) {
  rest_->reading = false;
  if (!piece.ok()) return cut_rest();
  send_piece(piece->page.slices);
  send_rest();
}

void Exchange::Impl::send_piece(std::vector<Slice>& piece) {
  sink_->write(piece);
  piece.clear();
}

// The stream is gone, or cannot be read any more.
void Exchange::Impl::cut_rest() {
  rest_.reset();
  sink_->finish();
}

}  // namespace durable_streams::http

// The way out of a connection: the answer's calls of the sink only add to the batch, for they come
// from inside the answer; flush() sends it, and keeps what the client does not take.
#include <array>
#include <charconv>
#include <memory>
#include <optional>

#include "server/http/connection.h"
#include "server/http/connection_group.h"

namespace durable_streams::server {
namespace {

constexpr std::string_view kLastChunk = "0\r\n\r\n";

}  // namespace

void Connection::start(const http::ResponseHead& head) {
  if (response_ != Response::kNone || closed_) return;
  response_ = Response::kStarted;
  status_ = static_cast<std::uint16_t>(head.status);
  const bool refused_early = has_body_ && request_ != Request::kDone;
  // Who found no room for a body shall not send the rest of it.
  if (refused_early && (close_if_refused_ || head.status == 503)) keep_alive_ = false;
  // Whoever has sent more requests already gets their answers, too.
  if (group_.draining() && !more_behind_ && pending_.empty()) keep_alive_ = false;
  framing_ = choose_framing(head);
  response_left_ = head.content_length.value_or(0);
  std::array<char, 128> lines{};
  const ResponseHeadOptions options{.status = head.status,
                                    .fields = head.fields,
                                    .date_line = group_.date_line(),
                                    .extra_lines = connection_lines(lines.data(), lines.size()),
                                    .framing = framing_,
                                    .content_length = response_left_};
  if (head_only_) framing_ = BodyFraming::kNone;
  const std::size_t size = response_head_bytes_max(options);
  char* to = group_.batch_for(*this).room(size);
  if (to == nullptr) {
    group_.flush_all();
    to = group_.batch_for(*this).room(size);
  }
  if (to == nullptr) return cut();  // fields that no client would take
  const std::size_t written = render_response_head(options, to);
  group_.batch_for(*this).added(written);
  count_sent(written);
  if (!corked_) group_.settle_soon(*this);
}

BodyFraming Connection::choose_framing(const http::ResponseHead& head) {
  if (head.status == 204 || head.status == 304) return BodyFraming::kNone;
  if (head.content_length) return BodyFraming::kSized;
  if (head_only_) return BodyFraming::kNone;
  if (http_1_1_) return BodyFraming::kChunked;
  keep_alive_ = false;
  return BodyFraming::kClosed;
}

// HTTP/1.1 says nothing as long as the connection stays (RFC 9112 section 9.3).
std::string_view Connection::connection_lines(char* to, std::size_t room) {
  std::string_view line;
  if (!keep_alive_) {
    line = "Connection: close\r\n";
  } else if (!http_1_1_) {
    line = "Connection: keep-alive\r\n";
  }
  char* at = to + line.copy(to, room);
  if (refused_) {
    constexpr std::string_view kRetryAfter = "Retry-After: ";
    at += kRetryAfter.copy(at, kRetryAfter.size());
    at = std::to_chars(at, to + room - 2, group_.retry_after_seconds()).ptr;
    *at++ = '\r';
    *at++ = '\n';
  }
  if (answer_.record()) {
    for (const std::string_view part :
         {std::string_view("X-Request-Id: "), answer_.record()->id(group_.request_ids()).text(),
          std::string_view("\r\n")}) {
      at += part.copy(at, part.size());
    }
  }
  return {to, static_cast<std::size_t>(at - to)};
}

void Connection::write(std::span<const Slice> pieces) {
  if (framing_ == BodyFraming::kNone || broken_ || closed_) return;
  std::size_t size = 0;
  for (const Slice& piece : pieces) size += piece.size();
  if (size == 0) return;
  if (framing_ == BodyFraming::kSized) {
    if (size > response_left_) return cut();
    response_left_ -= size;
  }
  if (framing_ == BodyFraming::kChunked) {
    std::array<char, kChunkLineBytesMax> line{};
    put({line.data(), render_chunk_line(size, line.data())});
  }
  for (const Slice& piece : pieces) {
    if (piece.size() <= OutputBatch::kCopyBytesMax) {
      put(piece.view());
    } else {
      group_.batch_for(*this).add_slice(piece);
    }
  }
  if (framing_ == BodyFraming::kChunked) put("\r\n");
  body_sent_ += size;
  count_sent(size);
  if (!corked_) flush();
}

void Connection::finish() {
  if (response_ != Response::kStarted || closed_) return;
  response_ = Response::kFinished;
  if (framing_ == BodyFraming::kChunked) put(kLastChunk);
  if (framing_ == BodyFraming::kSized && response_left_ > 0) cut();
  if (!corked_) {
    flush();
    group_.settle_soon(*this);
  }
  note_over(!broken_);
}

void Connection::put(std::string_view text) {
  if (group_.batch_for(*this).add_text(text)) return;
  group_.flush_all();
  group_.batch_for(*this).add_text(text);
}

// Full when the client has much to take still, and when it takes everything faster than others get
// their turn.
void Connection::count_sent(std::size_t size) {
  sent_this_turn_ += size;
  const std::size_t queued = backlog_ ? backlog_->bytes() : 0;
  if (stalled_ || sent_this_turn_ + queued < group_.limits().output_bytes_max) return;
  stalled_ = true;
  if (!corked_) group_.settle_soon(*this);
}

void Connection::flush() {
  if (part_ == kNoPart) return;
  const OutputBatch& batch = group_.batch();
  const std::size_t size = batch.bytes(part_);
  if (!broken_ && size > 0) {
    std::optional<std::size_t> taken = 0;
    if (!backlog_) taken = transport_.try_write(batch.pieces(part_));
    group_.metrics().sent_bytes.add(taken.value_or(0));
    if (!taken) {
      cut();
    } else if (*taken < size) {
      keep_unsent(*taken);
    }
  }
  group_.release_part(*this);
}

void Connection::keep_unsent(std::size_t taken) {
  const bool begins = !backlog_;
  if (begins) backlog_ = std::make_unique<Backlog>();
  group_.batch().take_rest(part_, taken, backlog_->slices());
  backlog_->added(group_.batch().bytes(part_) - taken);
  if (!begins) return;
  if (!transport_.write(backlog_->next())) return cut();
  backlog_->moved_on(transport_.unwritten());
  if (!corked_) group_.settle_soon(*this);
}

// The response cannot be completed: the connection ends as soon as the answer's call has, so that
// the client notices.
void Connection::cut() {
  broken_ = true;
  group_.settle_soon(*this);
}

}  // namespace durable_streams::server

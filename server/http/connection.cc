// The order of things: events of the transport and of the loop come in at the top, feed the parser,
// and end in settle(). What goes out is in connection_output.cc.
#include "server/http/connection.h"

#include <algorithm>
#include <utility>

#include "server/http/connection_group.h"

namespace durable_streams::server {
namespace {

// Of answers that wait for the end of the turn: pages of streams are among them, and shall not fill
// the memory.
constexpr std::size_t kGatheredBytesMax = std::size_t{256} << 10;

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

// Of what the parser refuses: the limit that was met, if it was one.
std::optional<RefusedBy> limit_of(int status) {
  if (status == 431) return RefusedBy::kHeaderSize;
  if (status == 414) return RefusedBy::kTargetSize;
  return std::nullopt;
}

}  // namespace

Connection::Connection(ConnectionGroup& group, Transport& transport, std::string_view peer,
                       Admission admission, AddressCounts::Seat seat)
    : group_(group),
      transport_(transport),
      parser_(group.limits(), group.scratch()),
      seat_(std::move(seat)) {
  peer_size_ = static_cast<std::uint8_t>(peer.copy(peer_.data(), peer_.size()));
  group_.join(*this);
  refused_ = admission != Admission::kServed;
  if (admission == Admission::kRefusedAddress) {
    refuse(503, "This address has as many connections as one may have.",
           RefusedBy::kConnectionsPerAddress);
  } else if (refused_) {
    refuse(503, "The server has as many connections as it can take.", RefusedBy::kConnections);
  }
  if (group_.draining()) begin_close();
  group_.settle_soon(*this);
}

Connection::~Connection() { group_.leave(*this); }

void Connection::on_read(std::string_view bytes) {
  if (closing_) return;
  group_.metrics().received_bytes.add(bytes.size());
  group_.timer().begin();
  corked_ = true;
  if (pending_.empty()) {
    consume(bytes);
  } else {
    pending_ += bytes;
  }
  corked_ = false;
  if (group_.batch().bytes() >= kGatheredBytesMax) group_.flush_all();
}

// The others' answers first, for what settling this one begins may take long.
void Connection::on_turn_end() {
  group_.flush_all();
  settle();
}

void Connection::on_read_end() {
  if (closed_) return;
  read_ended_ = true;
  probe();
  settle();
}

void Connection::on_written() {
  if (closed_ || !backlog_) return;
  const std::size_t before = backlog_->bytes();
  backlog_->written();
  group_.metrics().sent_bytes.add(before - backlog_->bytes());
  watch_anew_ = true;
  if (backlog_->empty()) {
    backlog_.reset();
  } else if (!transport_.write(backlog_->next())) {
    cut();
  }
  settle();
}

void Connection::on_broken() { close(); }

void Connection::on_deadline(Wait wait) {
  switch (wait) {
    case Wait::kHead:
      refuse(408, "The request's headers took too long.", RefusedBy::kHeaderTimeout);
      break;
    case Wait::kBody:
      refuse(408, "The request's body took too long.", RefusedBy::kBodyTimeout);
      break;
    case Wait::kProbe:
      probed_ = true;
      probe();
      break;
    case Wait::kRequest:
      // A request may be on its way still, and would be answered by a reset.
      if (!group_.draining()) return close();
      begin_close();
      break;
    case Wait::kClient:
      if (backlog_ && backlog_->moved_on(transport_.unwritten())) break;
      group_.metrics().refuse(RefusedBy::kWriteTimeout);
      return close();
    default:
      return close();
  }
  settle();
}

void Connection::probe() {
  if (request_ != Request::kDone || !answer_ || response_ == Response::kFinished) return;
  corked_ = true;
  answer_->probe();
  corked_ = false;
}

// Parses and starts requests until the input is used up, or has to wait: for the answer to the last
// request, or for the client to take the answers that it has.
void Connection::consume(std::string_view input) {
  while (!closing_ && !broken_) {
    if (request_over()) {
      end_request();
      continue;
    }
    if (request_ == Request::kDone || (request_ == Request::kNone && stalled_)) {
      pending_.assign(input);
      more_behind_ = false;
      return;
    }
    switch (parser_.next(input)) {
      case RequestParser::Event::kNeedMore:
        return;
      case RequestParser::Event::kHead:
        begin_request(input);
        break;
      case RequestParser::Event::kBody:
        more_behind_ = !input.empty();
        take_body();
        break;
      case RequestParser::Event::kRefused:
        refuse(parser_.refusal().status, parser_.refusal().detail,
               limit_of(parser_.refusal().status));
        return;
    }
  }
}

// `input` is what has been read behind the head.
void Connection::begin_request(std::string_view input) {
  const ParsedHead& head = parser_.head();
  const std::uint64_t length = head.content_length.value_or(0);
  const bool has_body = head.chunked || length > 0;
  const bool held_back = head.expects_continue && has_body && input.empty();
  const std::uint64_t still_to_come = length - std::min<std::uint64_t>(length, input.size());
  request_ = Request::kBody;
  response_ = Response::kNone;
  http_1_1_ = head.http_1_1;
  keep_alive_ = head.keep_alive;
  method_ = label_of_method(head.method);
  head_only_ = method_ == MethodLabel::kHead;
  began_ = group_.timer().began();
  noted_ = false;
  status_ = 0;
  body_sent_ = 0;
  if (method_ == MethodLabel::kGet) note_live(live_kind_of(head.target));
  has_body_ = has_body;
  more_behind_ = !head.chunked && input.size() > length;
  discarded_ = 0;
  watch_anew_ = true;
  // The rest has its turn when the other connections have had theirs.
  if (++requests_this_turn_ >= group_.limits().requests_per_turn_max) stalled_ = true;
  const bool long_body = still_to_come > group_.limits().discarded_bytes_max;
  close_if_refused_ = held_back || long_body;
  const http::RequestHead request{
      .method = head.method,
      .target = head.target,
      .headers = head.headers,
      .peer = peer(),
      .content_length = head.chunked ? std::nullopt : std::optional(length),
      .body_held_back = held_back};
  group_.handler().start(request, *this, answer_);
  if (held_back && response_ == Response::kNone && answer_ && answer_->wants_body()) {
    put(kContinue);
    close_if_refused_ = long_body;
  }
}

void Connection::take_body() {
  const std::string_view piece = parser_.body();
  const bool last = parser_.body_ended();
  if (last) request_ = Request::kDone;
  const std::uint64_t still_to_come = parser_.chunk_left();
  const auto wanted = [&] {
    return answer_ && response_ != Response::kFinished && answer_->wants_body();
  };
  if (still_to_come > 0 && wanted()) {
    close_if_refused_ = still_to_come > group_.limits().discarded_bytes_max;
    answer_->announce(piece.size() + still_to_come);
  }
  if (wanted()) return answer_->body(piece, last);
  discarded_ += piece.size();
  if (!last && discarded_ + still_to_come > group_.limits().discarded_bytes_max)
    keep_alive_ = false;
}

// Answers a request that cannot be read to its end, if nothing has been answered yet, and closes.
void Connection::refuse(int status, std::string_view detail, std::optional<RefusedBy> limit) {
  const bool corked = corked_;
  corked_ = true;
  answer_.reset();
  note_refused(detail, limit);
  const bool before_head = request_ == Request::kNone;
  if (response_ == Response::kStarted) cut();
  if (response_ == Response::kNone) {
    request_ = Request::kDone;
    keep_alive_ = false;
    head_only_ = before_head ? parser_.reading_head_request() : head_only_;
    group_.handler().refuse(*this, status, detail);
  }
  corked_ = corked;
  begin_close();
}

// What is refused counts as a request, whether or not it became one.
void Connection::note_refused(std::string_view detail, std::optional<RefusedBy> limit) {
  if (limit) group_.metrics().refuse(*limit);
  if (request_ == Request::kNone) {
    noted_ = false;
    method_ = MethodLabel::kUnread;
    status_ = 0;
    body_sent_ = 0;
    began_ = group_.timer().now();
    answer_.log(group_.refusal_log().begin(peer(), {}));
  }
  if (answer_.record()) answer_.record()->refused(detail);
}

void Connection::note_live(LiveKind kind) {
  live_ = kind;
  if (kind != LiveKind::kNone) group_.metrics().live_begun[static_cast<std::size_t>(kind)].add();
}

// Gives metrics and log the current request, once.
void Connection::note_over(bool answered) {
  if (noted_) return;
  noted_ = true;
  LoopMetrics& metrics = group_.metrics();
  metrics.count_request(method_, status_ != 0 ? status_ : LoopMetrics::kClientGone);
  if (live_ != LiveKind::kNone) {
    metrics.live_ended[static_cast<std::size_t>(live_)].add();
  } else if (!answered) {
    if (status_ != 0) metrics.aborted.add();
  } else if (method_ == MethodLabel::kUnread) {
    // Nobody knows when it began.
  } else if (corked_ && part_ != kNoPart) {
    group_.timer().answered(method_, began_);
  } else {
    group_.timer().observe(method_, began_);
  }
  live_ = LiveKind::kNone;
  if (answer_.record()) write_record(answered);
}

void Connection::write_record(bool answered) {
  const std::unique_ptr<AccessRecord> record = std::move(answer_.record());
  record->end({.status = status_,
               .bytes = body_sent_,
               .duration = group_.timer().now() - began_,
               .http_1_1 = http_1_1_,
               .aborted = !answered},
              group_.request_ids());
}

void Connection::end_request() {
  answer_.reset();
  request_ = Request::kNone;
  response_ = Response::kNone;
  watch_anew_ = true;
  if (!keep_alive_) begin_close();
}

void Connection::settle() {
  if (closed_) return;
  flush();
  sent_this_turn_ = 0;
  requests_this_turn_ = 0;
  if (stalled_ && !backlog_) resume_answer();
  if (response_ == Response::kFinished) answer_.reset();
  while (!closing_ && !broken_ && request_over()) {
    end_request();
    consume_pending();
  }
  if (broken_) return close();
  if (stalled_ && !backlog_) group_.settle_soon(*this);
  if (read_ended_) end_without_more();
  if (closing_ && !backlog_) return finish_close();
  pace_reading();
  watch();
}

void Connection::consume_pending() {
  if (pending_.empty() || closing_ || stalled_) return;
  const std::string input = std::exchange(pending_, {});
  group_.timer().begin();
  corked_ = true;
  consume(input);
  corked_ = false;
  flush();
}

// What has not come whole by now, head or body, never will, and nobody waits for its answer.
void Connection::end_without_more() {
  if (request_ == Request::kBody) {
    answer_.reset();
    begin_close();
  }
  if (request_ == Request::kNone && pending_.empty()) begin_close();
}

// At most one burst of output a turn, so that a fast client that reads much does not hold up the
// others.
void Connection::resume_answer() {
  stalled_ = false;
  if (request_ == Request::kNone) return consume_pending();
  if (!answer_ || response_ == Response::kFinished) return;
  corked_ = true;
  answer_->writable();
  corked_ = false;
  flush();
}

void Connection::begin_close() {
  closing_ = true;
  std::exchange(pending_, {});
}

// Half-closes first: were the socket closed with bytes of the client unread, the kernel would reset
// it and the client might lose the answer.
void Connection::finish_close() {
  if (read_ended_) return close();
  if (!lingering_) {
    lingering_ = true;
    watch_anew_ = true;
    transport_.shutdown();
  }
  pace_reading();
  watch();
}

// What it waits for, it now waits for less long.
void Connection::drain() {
  if (closed_) return;
  group_.deadlines().clear(*this);
  watch();
}

void Connection::close() {
  if (closed_) return;
  closed_ = true;
  closing_ = true;
  answer_.reset();
  note_over(/*answered=*/false);
  group_.forget(*this);
  transport_.close();
}

// What waits behind an unanswered request is bounded; what comes behind the last answer is read and
// dropped.
void Connection::pace_reading() {
  const bool pause = pending_.size() >= group_.limits().pipelined_bytes_max;
  if (pause == reading_paused_ || read_ended_) return;
  reading_paused_ = pause;
  if (pause) {
    transport_.pause_reading();
  } else {
    transport_.resume_reading();
  }
}

void Connection::watch() {
  const Wait wait = current_wait();
  if (wait == Deadlines::wait_of(*this) && !watch_anew_) return;
  watch_anew_ = false;
  group_.deadlines().set(*this, wait, group_.now());
  if (wait != Wait::kNone) group_.watch_deadlines();
}

Wait Connection::current_wait() const {
  if (lingering_) return Wait::kLinger;
  if (backlog_) return Wait::kClient;
  if (request_ == Request::kBody) return Wait::kBody;
  if (request_ == Request::kDone) return read_ended_ && !probed_ ? Wait::kProbe : Wait::kNone;
  return parser_.in_head() ? Wait::kHead : Wait::kRequest;
}

}  // namespace durable_streams::server

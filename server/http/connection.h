// One HTTP/1.1 connection: bytes in, one request at a time to the handler, responses out in order.
#pragma once

#include <durable_streams/http/message.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "server/http/backlog.h"
#include "server/http/deadlines.h"
#include "server/http/handler.h"
#include "server/http/intrusive_list.h"
#include "server/http/request_parser.h"
#include "server/http/response_head.h"
#include "server/metrics/loop_metrics.h"
#include "server/metrics/turn_timer.h"
#include "server/net/address_counts.h"
#include "server/net/transport.h"

namespace durable_streams::server {

class ConnectionGroup;

// Owned by its transport. What it sends while it handles a read leaves in one write at the end of
// the turn, or before it when much has gathered; what an answer sends later, from a task of the
// loop, leaves at once. An answer is never destroyed from inside its calls of the sink: settle()
// does that. Threads: loop only.
class Connection final : public TransportEvents, public http::ResponseSink, public Timed {
 public:
  enum class Admission : std::uint8_t {
    kServed,
    kRefused,         // one too many: answered 503 at once
    kRefusedAddress,  // one too many of its address: the same
  };

  // `peer` is the client's address as text, for authorizers and logs.
  Connection(ConnectionGroup& group, Transport& transport, std::string_view peer,
             Admission admission = Admission::kServed, AddressCounts::Seat seat = {});
  ~Connection() override;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void on_read(std::string_view bytes) override;
  void on_turn_end() override;
  void on_read_end() override;
  void on_written() override;
  void on_broken() override;

  void start(const http::ResponseHead& head) override;
  void write(std::span<const Slice> pieces) override;
  void finish() override;
  bool full() const override { return stalled_ || broken_; }

  void on_deadline(Wait wait) override;

  // Sends what it has in the group's batch; what the client does not take at once is kept.
  void flush();

  // Does what had to wait for the answer's call to end: flushes, ends a finished request, begins
  // the next, closes.
  void settle();

  // The group drains: the connection ends with the last request that has come, or soon when none
  // comes.
  void drain();

  // Ends everything at once.
  void close();

  // The part of the group's batch that it has; kept by the group.
  static constexpr std::uint32_t kNoPart = 0xffffffff;
  std::uint32_t part() const { return part_; }
  void set_part(std::uint32_t part) { part_ = part; }

  ListLink<Connection> member_link;
  ListLink<Connection> settle_link;

 private:
  // Of the current request.
  enum class Request : std::uint8_t { kNone, kBody, kDone };
  enum class Response : std::uint8_t { kNone, kStarted, kFinished };

  static constexpr std::size_t kPeerBytesMax = 46;  // an IPv6 address as text

  void consume(std::string_view input);
  void begin_request(std::string_view input);
  void take_body();
  void probe();
  void refuse(int status, std::string_view detail, std::optional<RefusedBy> limit);
  void note_refused(std::string_view detail, std::optional<RefusedBy> limit);
  void note_live(LiveKind kind);
  void note_over(bool answered);
  void write_record(bool answered);
  void end_request();
  void consume_pending();
  void end_without_more();
  void resume_answer();
  void begin_close();
  void finish_close();
  void pace_reading();
  void watch();
  Wait current_wait() const;

  BodyFraming choose_framing(const http::ResponseHead& head);
  std::string_view connection_lines(char* to, std::size_t room);
  void put(std::string_view text);
  void count_sent(std::size_t size);
  void keep_unsent(std::size_t taken);
  void cut();

  // The request has its answer, and is not to be read any further.
  bool request_over() const {
    return response_ == Response::kFinished && (request_ == Request::kDone || !keep_alive_);
  }
  std::string_view peer() const { return {peer_.data(), peer_size_}; }

  ConnectionGroup& group_;
  Transport& transport_;
  RequestParser parser_;
  AnswerSlot answer_;
  AddressCounts::Seat seat_;
  std::unique_ptr<Backlog> backlog_;
  std::string pending_;              // read, but behind a request that is not answered yet
  std::uint64_t response_left_ = 0;  // of a sized response's body
  std::size_t discarded_ = 0;        // of a body that no longer matters
  std::size_t sent_this_turn_ = 0;
  std::size_t requests_this_turn_ = 0;
  std::uint64_t body_sent_ = 0;   // of the current response
  TurnTimer::TimePoint began_{};  // when the current request did
  std::uint32_t part_ = kNoPart;
  std::uint16_t status_ = 0;  // of its response; 0: none yet
  MethodLabel method_ = MethodLabel::kUnread;
  LiveKind live_ = LiveKind::kNone;
  std::array<char, kPeerBytesMax> peer_{};
  std::uint8_t peer_size_ = 0;

  Request request_ = Request::kNone;
  Response response_ = Response::kNone;
  BodyFraming framing_ = BodyFraming::kNone;
  bool head_only_ : 1 = false;  // the request is a HEAD
  bool http_1_1_ : 1 = true;
  bool keep_alive_ : 1 = true;
  bool has_body_ : 1 = false;          // the request does
  bool close_if_refused_ : 1 = false;  // too much of the body is still to come to read past it
  bool corked_ : 1 = false;
  bool stalled_ : 1 = false;  // full(), until settled
  bool broken_ : 1 = false;   // nothing can be sent any more
  bool read_ended_ : 1 = false;
  bool more_behind_ : 1 = false;  // more was read behind the current request
  bool probed_ : 1 = false;       // for the second time, after its end
  bool reading_paused_ : 1 = false;
  bool watch_anew_ : 1 = false;  // the current deadline belongs to what is over
  bool closing_ : 1 = false;     // answers nothing more
  bool lingering_ : 1 = false;   // sent its last, and waits for the client's end
  bool closed_ : 1 = false;
  bool refused_ : 1 = false;  // one connection too many
  bool noted_ : 1 = true;     // no request is left that metrics and log do not have
};

}  // namespace durable_streams::server

// A connection between a scripted client and a scripted handler: no socket, and time that stands
// still until told otherwise.
#pragma once

#include <durable_streams/clock.h>
#include <durable_streams/manual_loop.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/http/connection.h"
#include "server/http/connection_group.h"
#include "server/http/handler.h"
#include "server/net/transport.h"
#include "tests/support/catch.h"

namespace durable_streams::server {

// The client's side of a connection. It takes everything at once unless `window` says otherwise.
class FakeTransport final : public Transport {
 public:
  FakeTransport(ConnectionGroup& group, Connection::Admission admission)
      : connection_(std::make_unique<Connection>(group, *this, "192.0.2.1", admission)) {}

  std::optional<std::size_t> try_write(std::span<const std::string_view> pieces) override {
    REQUIRE(!closed);
    REQUIRE(!shut);
    REQUIRE(under_way_.empty());
    ++writes;
    if (failing) return std::nullopt;
    return take(pieces);
  }

  bool write(std::span<const std::string_view> pieces) override {
    REQUIRE(!closed);
    REQUIRE(under_way_.empty());
    under_way_.assign(pieces.begin(), pieces.end());
    return !failing;
  }

  std::size_t unwritten() const override {
    std::size_t bytes = 0;
    for (const std::string_view piece : under_way_) bytes += piece.size();
    return bytes;
  }

  void pause_reading() override {
    REQUIRE(reading);
    reading = false;
  }
  void resume_reading() override {
    REQUIRE(!reading);
    reading = true;
  }

  void shutdown() override {
    REQUIRE(under_way_.empty());
    shut = true;
  }

  void close() override {
    REQUIRE(!closed);
    closed = true;
  }

  // The client reads `bytes` more.
  void accept(std::size_t bytes) {
    window += bytes;
    while (!closed && !under_way_.empty() && window > 0) {
      const std::size_t taken = take(under_way_);
      drop_front(taken);
      if (under_way_.empty()) connection_->on_written();
    }
  }

  // A turn in which nobody else reads.
  void receive(std::string_view bytes) {
    read(bytes);
    end_turn();
  }

  void read(std::string_view bytes) {
    REQUIRE(reading);
    const std::string read(bytes);  // gone with this read, so that a view kept too long is noticed
    connection_->on_read(read);
  }

  void end_turn() { connection_->on_turn_end(); }
  void end() { connection_->on_read_end(); }
  void break_off() { connection_->on_broken(); }
  Connection& connection() { return *connection_; }

  // What was sent since the last time.
  std::string taken() { return std::exchange(sent, {}); }

  std::string sent;
  std::size_t window = std::string::npos / 2;
  int writes = 0;
  bool failing = false;
  bool reading = true;
  bool shut = false;
  bool closed = false;

 private:
  std::size_t take(std::span<const std::string_view> pieces) {
    std::size_t taken = 0;
    for (const std::string_view piece : pieces) {
      const std::size_t size = std::min(piece.size(), window);
      sent += piece.substr(0, size);
      window -= size;
      taken += size;
      if (size < piece.size()) break;
    }
    return taken;
  }

  void drop_front(std::size_t bytes) {
    while (!under_way_.empty() && bytes >= under_way_.front().size()) {
      bytes -= under_way_.front().size();
      under_way_.erase(under_way_.begin());
    }
    if (!under_way_.empty()) under_way_.front().remove_prefix(bytes);
  }

  std::vector<std::string_view> under_way_;
  std::unique_ptr<Connection> connection_;
};

// Answers by the target's path: `/wait` when the test says so, `/refuse` by the head alone,
// anything else at the end of the body with the request as it understood it.
class ScriptedHandler final : public Handler {
 public:
  // A chunk that would make more of a body is refused when it is announced.
  static constexpr std::uint64_t kBodyBytesMax = 1'000'000;

  class Held final : public Answer {
   public:
    Held(ScriptedHandler& handler, const http::RequestHead& head, http::ResponseSink& sink)
        : handler_(handler),
          sink_(sink),
          request_(std::string(head.method) + " " + std::string(head.target)) {
      handler_.held.push_back(this);
      waits_ = head.target.starts_with("/wait");
      handler_.peer = head.peer;
      if (head.target.starts_with("/refuse")) {
        wants_body_ = false;
        respond(head.target == "/refuse-503" ? 503 : 413, "refused");
      }
    }

    ~Held() override {
      REQUIRE(!in_sink_);  // never from inside a call of the sink
      std::erase(handler_.held, this);
      if (!finished_) ++handler_.abandoned;
    }

    bool wants_body() const override { return wants_body_; }

    void body(std::string_view piece, bool last) override {
      REQUIRE(wants_body_);
      body_ += piece;
      ++body_pieces;
      if (!last) return;
      wants_body_ = false;
      if (!waits_) respond(200, request_ + " <" + body_ + ">");
    }

    void announce(std::uint64_t bytes) override {
      REQUIRE(wants_body_);
      announced.push_back(bytes);
      if (body_.size() + bytes <= kBodyBytesMax) return;
      wants_body_ = false;
      respond(413, "announced");
    }

    void writable() override {
      ++writable_calls;
      if (on_writable) on_writable(*this);
    }

    void probe() override {
      REQUIRE_FALSE(wants_body_);
      ++probes;
      if (on_probe) on_probe(*this);
    }

    void respond(int status, std::string_view body) {
      start(status, body.size());
      write(body);
      finish();
    }

    void start(int status, std::optional<std::uint64_t> length,
               std::string_view fields = "A: b\r\n") {
      call([&] { sink_.start({.status = status, .fields = fields, .content_length = length}); });
    }

    void write(std::string_view body) {
      const std::vector<Slice> pieces{Slice::copy_of(body)};
      call([&] { sink_.write(pieces); });
    }

    // As write(), of memory whose end can be seen.
    std::weak_ptr<const std::string> write_owned(std::string body) {
      const auto owner = std::make_shared<const std::string>(std::move(body));
      const std::vector<Slice> pieces{Slice(owner, *owner)};
      call([&] { sink_.write(pieces); });
      return owner;
    }

    void finish() {
      finished_ = true;
      call([&] { sink_.finish(); });
    }

    bool full() const { return sink_.full(); }

    int body_pieces = 0;
    std::vector<std::uint64_t> announced;
    int writable_calls = 0;
    int probes = 0;
    std::function<void(Held&)> on_writable;
    std::function<void(Held&)> on_probe;

   private:
    template <class Call>
    void call(Call call) {
      in_sink_ = true;
      call();
      in_sink_ = false;
    }

    ScriptedHandler& handler_;
    http::ResponseSink& sink_;
    std::string request_;
    std::string body_;
    bool waits_ = false;
    bool wants_body_ = true;
    bool finished_ = false;
    bool in_sink_ = false;
  };

  // A slot holds little, so the answer itself is elsewhere.
  struct Owner final : Answer {
    explicit Owner(std::unique_ptr<Held> answer) : held(std::move(answer)) {}
    bool wants_body() const override { return held->wants_body(); }
    void body(std::string_view piece, bool last) override { held->body(piece, last); }
    void announce(std::uint64_t bytes) override { held->announce(bytes); }
    void writable() override { held->writable(); }
    void probe() override { held->probe(); }
    std::unique_ptr<Held> held;
  };

  void start(const http::RequestHead& head, http::ResponseSink& sink, AnswerSlot& slot) override {
    ++requests;
    slot.log(access_log.begin(head.peer, head));
    slot.emplace<Owner>(std::make_unique<Held>(*this, head, sink));
  }

  void refuse(http::ResponseSink& sink, int status, std::string_view detail) override {
    const std::vector<Slice> body{Slice::copy_of(detail)};
    sink.start({.status = status, .fields = {}, .content_length = detail.size()});
    sink.write(body);
    sink.finish();
  }

  std::vector<Held*> held;
  AccessLog access_log;
  std::string peer;
  int requests = 0;
  int abandoned = 0;
};

// What durations are measured by in tests; stands still until told otherwise.
inline std::chrono::steady_clock::time_point measured_now{};

struct ConnectionFixture {
  // Limits are set before the first client.
  FakeTransport& connect(Connection::Admission admission = Connection::Admission::kServed) {
    if (!group) {
      const Onlookers onlookers{
          .metrics = &metrics, .ids = nullptr, .now = [] { return measured_now; }};
      group.emplace(limits, loop, clock, handler, open, onlookers);
      group->log_refusals(handler.access_log);
    }
    ++open;
    clients.push_back(std::make_unique<FakeTransport>(*group, admission));
    loop.run_until_idle();
    return *clients.back();
  }

  void advance(std::chrono::milliseconds by) {
    loop.advance(by);
    loop.run_until_idle();
  }

  ScriptedHandler::Held& last_held() {
    REQUIRE(!handler.held.empty());
    return *handler.held.back();
  }

  Limits limits;
  std::atomic<std::size_t> open{0};
  ManualLoop loop{ManualLoop::Time::kVirtual};
  ManualClock clock{
      WallTime{std::chrono::milliseconds{784111777'000}}};  // Sun, 06 Nov 1994 08:49:37 GMT
  ScriptedHandler handler;
  LoopMetrics metrics;
  std::optional<ConnectionGroup> group;
  std::vector<std::unique_ptr<FakeTransport>> clients;
};

// The bodies and statuses of a string of responses, for what matters is which came, and in which
// order.
inline std::string summary(std::string_view responses) {
  std::string text;
  while (!responses.empty()) {
    const std::size_t head_end = responses.find("\r\n\r\n");
    if (head_end == std::string_view::npos || !responses.starts_with("HTTP/1.1 "))
      return text + "?";
    const std::string_view head = responses.substr(0, head_end + 2);
    text += std::string(head.substr(9, 3));
    responses.remove_prefix(head_end + 4);
    const std::size_t length_at = head.find("Content-Length: ");
    if (length_at != std::string_view::npos) {
      const std::size_t length = std::stoul(std::string(head.substr(length_at + 16)));
      text += " " + std::string(responses.substr(0, length));
      responses.remove_prefix(std::min(length, responses.size()));
    }
    if (head.find("Connection: close\r\n") != std::string_view::npos) text += " close";
    text += "|";
  }
  return text;
}

inline const std::string kGet = "GET /g HTTP/1.1\r\nHost: h\r\n\r\n";
inline const std::string kWait = "GET /wait HTTP/1.1\r\nHost: h\r\n\r\n";
inline const std::string kPost = "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc";
inline const std::string kChunked =
    "PUT /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
    "chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n";

inline std::string request(std::string_view line, std::string_view headers = {},
                           std::string_view body = {}) {
  return std::string(line) + " HTTP/1.1\r\nHost: h\r\n" + std::string(headers) + "\r\n" +
         std::string(body);
}

}  // namespace durable_streams::server

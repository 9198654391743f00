// Feeds bytes to a connection as a client would, in one read, byte by byte and cut at random.
// However they are cut, the same requests must come of them, for else two HTTP implementations
// could disagree about where one ends.
#include <durable_streams/clock.h>
#include <durable_streams/manual_loop.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/http/connection.h"
#include "server/http/connection_group.h"
#include "server/http/handler.h"
#include "server/net/transport.h"

namespace durable_streams::server {
namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

// Takes a little at a time, as a slow client does, or all.
class Client final : public Transport {
 public:
  Client(ConnectionGroup& group, std::size_t window)
      : window_(window), connection_(std::make_unique<Connection>(group, *this, "192.0.2.1")) {}

  std::optional<std::size_t> try_write(std::span<const std::string_view> pieces) override {
    require(!closed && !shut_ && under_way_ == 0);
    std::size_t bytes = 0;
    for (const std::string_view piece : pieces) bytes += piece.size();
    return std::min(bytes, window_);
  }
  bool write(std::span<const std::string_view> pieces) override {
    require(!closed && under_way_ == 0);
    for (const std::string_view piece : pieces) under_way_ += piece.size();
    return true;
  }
  std::size_t unwritten() const override { return under_way_; }
  void pause_reading() override { reading = false; }
  void resume_reading() override { reading = true; }
  void shutdown() override { shut_ = true; }
  void close() override {
    require(!closed);
    closed = true;
  }

  // Takes what is queued; false when nothing is.
  bool catch_up() {
    if (closed || under_way_ == 0) return false;
    under_way_ = 0;
    connection_->on_written();
    return true;
  }

  Connection& connection() { return *connection_; }

  bool closed = false;
  bool reading = true;

 private:
  std::size_t window_;
  std::size_t under_way_ = 0;
  bool shut_ = false;
  std::unique_ptr<Connection> connection_;
};

// Writes down each request. One whose target holds a `w` is answered by a later task, one with an
// `r` from its head alone unless it waits to be told to continue, and one with an `s` in two pieces
// of unknown length.
class Recorder final : public Handler {
 public:
  explicit Recorder(EventLoop& loop) : loop_(loop) {}

  class Recorded final : public Answer {
   public:
    Recorded(Recorder& recorder, const http::RequestHead& head, http::ResponseSink& sink)
        : recorder_(recorder), sink_(sink), target_(head.target) {
      text_ = std::string(head.method) + " " + target_;
      bool expects = false;
      for (const http::Header& header : head.headers) {
        text_ += "|" + std::string(header.name) + "=" + std::string(header.value);
        expects = expects || header.name.size() == 6;
      }
      if (does('r') && !expects) {
        wants_body_ = false;
        recorder_.requests.push_back(text_);
        respond();
      }
    }
    ~Recorded() override {
      require(!in_sink_);
      *alive_ = false;
    }

    bool wants_body() const override { return wants_body_; }
    void body(std::string_view piece, bool last) override {
      require(wants_body_);
      text_ += piece;
      if (!last) return;
      wants_body_ = false;
      recorder_.requests.push_back(text_);
      if (!does('w')) return respond();
      recorder_.loop_.post([this, alive = alive_] {
        if (*alive) respond();
      });
    }
    void announce(std::uint64_t bytes) override { require(wants_body_ && bytes > 0); }
    void writable() override { require(!sink_.full()); }
    void probe() override { require(!wants_body_); }

   private:
    bool does(char what) const { return target_.find(what) != std::string::npos; }

    void respond() {
      in_sink_ = true;
      const std::vector<Slice> pieces{Slice::unowned("piece"), Slice::unowned(" of text")};
      const std::optional<std::uint64_t> length =
          does('s') ? std::nullopt : std::optional<std::uint64_t>(13);
      sink_.start({.status = 200, .fields = "A: b\r\n", .content_length = length});
      sink_.write(pieces);
      if (does('s')) sink_.write(pieces);
      sink_.finish();
      in_sink_ = false;
    }

    Recorder& recorder_;
    http::ResponseSink& sink_;
    std::string target_;
    std::string text_;
    bool wants_body_ = true;
    bool in_sink_ = false;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  };

  struct Owner final : Answer {
    explicit Owner(std::unique_ptr<Recorded> answer) : recorded(std::move(answer)) {}
    bool wants_body() const override { return recorded->wants_body(); }
    void body(std::string_view piece, bool last) override { recorded->body(piece, last); }
    void announce(std::uint64_t bytes) override { recorded->announce(bytes); }
    void writable() override { recorded->writable(); }
    void probe() override { recorded->probe(); }
    std::unique_ptr<Recorded> recorded;
  };

  void start(const http::RequestHead& head, http::ResponseSink& sink, AnswerSlot& slot) override {
    slot.emplace<Owner>(std::make_unique<Recorded>(*this, head, sink));
  }

  void refuse(http::ResponseSink& sink, int status, std::string_view) override {
    // With which status is a matter of what is noticed first.
    requests.push_back("refused");
    sink.start({.status = status, .fields = {}, .content_length = 0});
    sink.finish();
  }

  std::vector<std::string> requests;

 private:
  EventLoop& loop_;
};

using Cuts = std::vector<std::size_t>;

// What the handler saw of `bytes`, read in pieces that end at `cuts`.
std::vector<std::string> requests_in(std::string_view bytes, const Cuts& cuts, std::size_t window) {
  Limits limits;
  limits.header_bytes_max = 1024;
  limits.target_bytes_max = 256;
  limits.output_bytes_max = 64;
  limits.pipelined_bytes_max = 64;
  std::atomic<std::size_t> open{1};
  ManualLoop loop(ManualLoop::Time::kVirtual);
  const ManualClock clock;
  Recorder recorder(loop);
  ConnectionGroup group(limits, loop, clock, recorder, open);
  Client client(group, window);
  const auto go_on = [&] {
    do {
      loop.run_until_idle();
    } while (client.catch_up());
  };
  std::size_t from = 0;
  for (const std::size_t to : cuts) {
    if (client.closed) break;
    require(client.reading);  // a client that takes its answers is always read on
    const std::string read(bytes.substr(from, to - from));
    // By TLS a turn may bring several.
    const std::string first = read.substr(0, read.size() / 2);
    const std::string second = read.substr(first.size());
    if (!first.empty()) client.connection().on_read(first);
    client.connection().on_read(second);
    client.connection().on_turn_end();
    from = to;
    go_on();
  }
  if (!client.closed) client.connection().on_read_end();
  go_on();
  require(client.closed);
  return recorder.requests;
}

Cuts random_cuts(std::size_t size, std::minstd_rand& random) {
  Cuts cuts;
  for (std::size_t at = 0; at < size;) {
    at = std::min(size, at + 1 + random() % 40);
    cuts.push_back(at);
  }
  return cuts;
}

}  // namespace
}  // namespace durable_streams::server

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace durable_streams::server;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  constexpr std::size_t kTakesAll = std::size_t{1} << 30;
  const std::vector<std::string> whole = requests_in(bytes, {size}, kTakesAll);
  Cuts everywhere;
  for (std::size_t at = 1; at <= size; ++at) everywhere.push_back(at);
  if (size <= 1024) require(requests_in(bytes, everywhere, kTakesAll) == whole);
  std::minstd_rand random(static_cast<unsigned>(std::hash<std::string_view>()(bytes)));
  require(requests_in(bytes, random_cuts(size, random), kTakesAll) == whole);
  require(requests_in(bytes, random_cuts(size, random), random() % 100) == whole);
  return 0;
}

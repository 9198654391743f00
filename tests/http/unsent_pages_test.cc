// Pages that clients ask for and do not take.
#include "tests/http/endpoint_fixture.h"
#include "tests/support/deferred_store.h"

namespace durable_streams::http {

namespace {

constexpr const char* kPath = "/v1/stream/a";
constexpr std::size_t kPageBytes = 200'000;
constexpr std::size_t kHeldBytesMax = 300'000;  // one page, and not two

// A client that takes nothing until it is told to, and what its host holds for it.
class SlowSink final : public ResponseSink {
 public:
  void start(const ResponseHead& head) override { content_length = head.content_length; }
  void write(std::span<const Slice> pieces) override {
    held.insert(held.end(), pieces.begin(), pieces.end());
  }
  void finish() override { finished = true; }
  bool full() const override { return held_bytes() >= 100'000; }

  std::size_t held_bytes() const {
    std::size_t bytes = 0;
    for (const Slice& slice : held) bytes += slice.size();
    return bytes;
  }

  void take() {
    for (const Slice& slice : held) body += slice.view();
    held.clear();
  }

  std::vector<Slice> held;
  std::string body;
  std::optional<std::uint64_t> content_length;
  bool finished = false;
};

struct SlowCall {
  SlowSink sink;
  Exchange exchange;
};

struct SlowFixture {
  SlowFixture() : engine(store), streams(engine, loop) {
    endpoint.emplace(streams,
                     EndpointOptions{.unsent_pages_bytes_max = kHeldBytesMax, .random_seed = 1});
    store.set_waits({.changes = false});
  }

  void make(std::string_view path, std::string_view content_type, std::string_view body) {
    make(path, CreateOptions{.content_type = content_type, .body = body});
  }

  void make(std::string_view path, const CreateOptions& options) {
    bool made = false;
    streams.create(path, options, [&](const Result<Created>& created) { made = created.ok(); });
    settle();
    REQUIRE(made);
  }

  std::unique_ptr<SlowCall> get(std::string_view target = kPath) {
    auto call = std::make_unique<SlowCall>();
    call->exchange = endpoint->start({.method = "GET", .target = target}, call->sink);
    if (call->exchange.wants_body()) call->exchange.body({}, true);
    settle();
    return call;
  }

  // Lets the store do what waits.
  void settle() {
    for (int i = 0; i < 4; ++i) {
      store.settle();
      loop.run_until_idle();
    }
  }

  // The client takes what there is, as often as it takes.
  void take_all(SlowCall& call) {
    for (int i = 0; i < 100 && !call.sink.finished; ++i) {
      call.sink.take();
      call.exchange.writable();
      settle();
    }
    call.sink.take();
  }

  ManualLoop loop{ManualLoop::Time::kVirtual};
  MemoryStore memory;
  DeferredStore store{memory};
  Engine engine;
  Streams streams;
  std::optional<Endpoint> endpoint;
};

// Bytes that are not the same anywhere.
std::string long_text(std::size_t size = kPageBytes) {
  std::string text;
  for (std::size_t i = 0; text.size() < size; ++i) text += std::to_string(i) + " ";
  text.resize(size);
  return text;
}

}  // namespace

TEST_CASE("a page that has no room is sent in pieces, as its client takes them", "[http][unsent]") {
  const bool reads_wait = GENERATE(false, true);
  SlowFixture fixture;
  fixture.make("a", "text/plain", long_text());
  fixture.store.set_waits({.changes = false, .reads = reads_wait});
  const auto first = fixture.get();
  CHECK(first->sink.finished);
  CHECK(first->sink.held_bytes() == kPageBytes);
  const auto second = fixture.get();
  CHECK_FALSE(second->sink.finished);
  CHECK(second->sink.content_length == kPageBytes);
  CHECK(second->sink.held_bytes() < kPageBytes);
  fixture.take_all(*second);
  CHECK(second->sink.finished);
  CHECK(second->sink.body == long_text());
}

TEST_CASE("a page gives its room back when its client has taken it", "[http][unsent]") {
  SlowFixture fixture;
  fixture.make("a", "text/plain", long_text());
  const auto first = fixture.get();
  first->sink.take();
  const auto second = fixture.get();
  CHECK(second->sink.finished);
  second->sink.take();
  const auto last = fixture.get();
  CHECK(last->sink.finished);
  // What its host still holds outlives the endpoint.
  for (const auto& call : {&first, &second, &last}) (*call)->exchange = Exchange();
  fixture.endpoint.reset();
  CHECK(last->sink.held_bytes() == kPageBytes);
}

TEST_CASE("an array in pieces is the array", "[http][unsent]") {
  SlowFixture fixture;
  // Of which one message is larger than a piece.
  const std::string array = "[\"" + long_text(150'000) + "\",\"" + long_text(49'000) + "\",1]";
  fixture.make("a", "application/json", array);
  const auto whole = fixture.get();
  const auto pieces = fixture.get();
  CHECK_FALSE(pieces->sink.finished);
  fixture.take_all(*pieces);
  whole->sink.take();
  CHECK(pieces->sink.body == whole->sink.body);
  CHECK(pieces->sink.content_length == pieces->sink.body.size());
}

TEST_CASE("what a fork shares comes in pieces, too", "[http][unsent]") {
  SlowFixture fixture;
  fixture.make("a", "text/plain", long_text());
  const ForkFrom source{.path = "a", .offset = {}, .sub_offset = {}};
  fixture.make("b", CreateOptions{.body = "own", .fork = source});
  const auto holder = fixture.get();
  const auto call = fixture.get("/v1/stream/b?offset=0_5");
  CHECK_FALSE(call->sink.finished);
  fixture.take_all(*call);
  CHECK(call->sink.body == long_text().substr(5) + "own");
}

TEST_CASE("a long-poll's page comes in pieces, too", "[http][unsent]") {
  SlowFixture fixture;
  fixture.make("a", "text/plain", long_text());
  const auto holder = fixture.get();
  const auto call = fixture.get(std::string(kPath) + "?offset=-1&live=long-poll");
  CHECK_FALSE(call->sink.finished);
  CHECK_FALSE(call->exchange.live());
  fixture.take_all(*call);
  CHECK(call->sink.body == long_text());
}

TEST_CASE("an answer whose stream ends in the middle ends too short", "[http][unsent]") {
  const bool reads_wait = GENERATE(false, true);
  SlowFixture fixture;
  fixture.make("a", "text/plain", long_text());
  fixture.store.set_waits({.changes = false, .reads = reads_wait});
  const auto holder = fixture.get();
  const auto call = fixture.get();
  fixture.streams.remove("a", [](const Status& removed) { CHECK(removed.ok()); });
  fixture.settle();
  fixture.take_all(*call);
  CHECK(call->sink.finished);
  CHECK(call->sink.body.size() < kPageBytes);
  CHECK(long_text().starts_with(call->sink.body));
}

TEST_CASE("a client may go while a piece is read for it", "[http][unsent]") {
  SlowFixture fixture;
  fixture.make("a", "text/plain", long_text());
  const auto holder = fixture.get();
  const auto call = fixture.get();
  fixture.store.set_waits({.changes = false, .reads = true});
  call->sink.take();
  call->exchange.writable();
  call->exchange.writable();  // asks for nothing twice
  call->exchange = Exchange();
  fixture.settle();
  CHECK(call->sink.held_bytes() == 0);
}

}  // namespace durable_streams::http

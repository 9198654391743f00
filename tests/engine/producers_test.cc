// How many producers a stream knows: new ones are refused past the limit, and only a TTL lets one
// be forgotten.
#include <string>

#include "tests/engine/engine_fixture.h"

namespace durable_streams {

namespace {

struct ProducersFixture : EngineFixture {
  explicit ProducersFixture(EngineOptions options) : EngineFixture(options) { create("a"); }

  Result<Appended> send(const std::string& id, std::uint64_t seq, std::uint64_t epoch = 0,
                        std::string_view path = "a") {
    return streams.append_now(path, "x", {.producer = {id, epoch, seq}});
  }
  ErrorCode error(const std::string& id, std::uint64_t seq) { return send(id, seq).error().code; }

  std::uint32_t producers(std::string_view path = "a") {
    StreamRecord record;
    REQUIRE(store.load_now(path, record)->value());
    return record.producers;
  }
};

}  // namespace

TEST_CASE("past the limit a new producer is refused, and every known one goes on",
          "[engine][producer][limit]") {
  ProducersFixture fixture({.producers_per_stream_max = 3});
  for (const char* id : {"p", "q", "r"}) CHECK(fixture.send(id, 0).ok());
  const Error refused = fixture.send("s", 0).error();
  CHECK(refused.code == ErrorCode::kTooMany);
  CHECK(refused.message.find("3 producers") != std::string::npos);
  CHECK(refused.message.find("producers_per_stream_max") != std::string::npos);
  CHECK(fixture.read("a") == "xxx");
  for (const char* id : {"p", "q", "r"}) {
    CHECK(fixture.send(id, 0).value().duplicate);
    CHECK_FALSE(fixture.send(id, 1).value().duplicate);
    CHECK_FALSE(fixture.send(id, 0, 7).value().duplicate);
  }
  CHECK(fixture.error("s", 1) == ErrorCode::kSequenceGap);
  fixture.append("a", "without a producer");
  CHECK(fixture.producers() == 3);
}

TEST_CASE("a producer counts as new when it first appends to a stream, and not again",
          "[engine][producer]") {
  EngineFixture fixture;
  fixture.create("a");
  fixture.create("b");
  const auto append = [&](const char* path, const char* id, std::uint64_t seq) {
    fixture.streams.append_now(path, "x", {.producer = {id, 0, seq}}).value();
  };
  append("a", "one", 0);
  append("a", "one", 1);
  append("a", "one", 1);
  append("a", "two", 0);
  append("b", "one", 0);
  fixture.streams.append_now("b", "x").value();
  CHECK(fixture.engine.stats().new_producers == 3);
}

TEST_CASE("without a TTL no producer is ever forgotten", "[engine][producer][limit]") {
  ProducersFixture fixture({.producers_per_stream_max = 1});
  CHECK(fixture.send("p", 0).ok());
  fixture.advance(24h * 365 * 100);
  CHECK(fixture.error("q", 0) == ErrorCode::kTooMany);
  CHECK(fixture.send("p", 0).value().duplicate);
}

TEST_CASE("the limit on producers holds for the next engine over the same store",
          "[engine][producer][limit]") {
  ProducersFixture fixture({.producers_per_stream_max = 2});
  CHECK(fixture.send("p", 0).ok());
  CHECK(fixture.send("q", 0).ok());
  Engine engine(fixture.store, fixture.with_clock({.producers_per_stream_max = 2}));
  Streams streams(engine, fixture.loop);
  const auto send = [&](std::string_view id, std::uint64_t seq) {
    return streams.append_now("a", "x", {.producer = {id, 0, seq}});
  };
  CHECK(send("r", 0).error().code == ErrorCode::kTooMany);
  CHECK(send("q", 0).value().duplicate);
  CHECK_FALSE(send("p", 1).value().duplicate);
}

TEST_CASE("a fork begins without producers, and has a limit of its own",
          "[engine][producer][limit][fork]") {
  ProducersFixture fixture({.producers_per_stream_max = 1});
  CHECK(fixture.send("p", 0).ok());
  fixture.create("b", {.fork = ForkFrom{.path = "a", .offset = {}, .sub_offset = {}}});
  CHECK(fixture.producers("b") == 0);
  CHECK_FALSE(fixture.send("q", 0, 0, "b").value().duplicate);
  CHECK(fixture.send("p", 0, 0, "b").error().code == ErrorCode::kTooMany);
  CHECK(fixture.error("q", 0) == ErrorCode::kTooMany);
}

TEST_CASE("a producer that was not used for its TTL is a new one", "[engine][producer][ttl]") {
  ProducersFixture fixture({.producer_ttl = 10s});
  CHECK(fixture.send("p", 0, 5).ok());
  fixture.advance(10s);
  CHECK(fixture.send("p", 0, 5).value().duplicate);
  CHECK_FALSE(fixture.send("p", 1, 5).value().duplicate);  // counts from now on
  fixture.advance(10s);
  CHECK(fixture.send("p", 0, 4).error().code == ErrorCode::kStaleEpoch);
  fixture.advance(1s);
  CHECK(fixture.error("p", 2) == ErrorCode::kSequenceGap);
  CHECK(fixture.send("p", 2).error().detail.expected_seq == 0);
  CHECK_FALSE(fixture.send("p", 0, 4).value().duplicate);
  CHECK(fixture.producers() == 1);
}

TEST_CASE("past the limit a new producer takes the place of one whose TTL is over",
          "[engine][producer][ttl]") {
  ProducersFixture fixture({.producers_per_stream_max = 2, .producer_ttl = 10s});
  CHECK(fixture.send("p", 0).ok());
  fixture.advance(5s);
  CHECK(fixture.send("q", 0).ok());
  CHECK(fixture.error("r", 0) == ErrorCode::kTooMany);
  fixture.advance(6s);
  CHECK(fixture.send("r", 0).ok());
  CHECK(fixture.producers() == 2);
  CHECK(fixture.send("q", 0).value().duplicate);
  CHECK(fixture.error("p", 0) == ErrorCode::kTooMany);
  fixture.advance(6s);
  CHECK(fixture.send("p", 0).ok());
  CHECK(fixture.send("r", 0).value().duplicate);
  CHECK(fixture.producers() == 2);
}

TEST_CASE("a producer that was used again is not forgotten", "[engine][producer][ttl]") {
  ProducersFixture fixture({.producers_per_stream_max = 2, .producer_ttl = 10s});
  CHECK(fixture.send("p", 0).ok());
  CHECK(fixture.send("q", 0).ok());
  fixture.advance(11s);
  CHECK(fixture.send("r", 0).ok());  // finds that both may go
  CHECK(fixture.send("q", 0).ok());  // is a new one in its old place
  CHECK(fixture.error("s", 0) == ErrorCode::kTooMany);
  CHECK(fixture.send("q", 0).value().duplicate);
}

TEST_CASE("among many producers room is found for as many as may go", "[engine][producer][ttl]") {
  constexpr std::size_t kMany = 300;
  ProducersFixture fixture({.producers_per_stream_max = kMany, .producer_ttl = 10s});
  const auto send_all = [&](const std::string& prefix) {
    for (std::size_t i = 0; i < kMany; ++i) CHECK(fixture.send(prefix + std::to_string(i), 0).ok());
  };
  send_all("p");
  CHECK(fixture.error("q", 0) == ErrorCode::kTooMany);
  fixture.advance(11s);
  send_all("q");
  CHECK(fixture.producers() == kMany);
  CHECK(fixture.error("r", 0) == ErrorCode::kTooMany);
}

TEST_CASE("a producer's id and a Stream-Seq have at most 256 bytes", "[engine][producer][limit]") {
  EngineFixture fixture;
  fixture.create("a");
  const std::string longest(256, 'p');
  const std::string too_long(257, 'p');
  CHECK(fixture.append_error("a", "x", {.producer = {too_long, 0, 0}}) ==
        ErrorCode::kInvalidArgument);
  CHECK(fixture.append_error("a", "x", {.stream_seq = too_long}) == ErrorCode::kInvalidArgument);
  fixture.append("a", "x", {.producer = {longest, 0, 0}, .stream_seq = longest});
}

}  // namespace durable_streams

// The rules of appending and closing (protocol sections 5.2 and 5.3), and the order in which they
// are checked.
#include "tests/engine/engine_fixture.h"

namespace durable_streams {

TEST_CASE("appended bytes are read back in order, and offsets grow by what was appended",
          "[engine][append]") {
  EngineFixture fixture;
  fixture.create("a");
  const Offset first = fixture.append("a", "one");
  const Offset second = fixture.append("a", "two");
  CHECK(first.position == 3);
  CHECK(second.position == 6);
  CHECK(first < second);
  CHECK(fixture.read("a") == "onetwo");
  CHECK(fixture.read("a", first) == "two");
}

TEST_CASE("appending to a stream that does not exist is not found", "[engine][append]") {
  EngineFixture fixture;
  CHECK(fixture.append_error("nowhere", "x") == ErrorCode::kNotFound);
  CHECK(fixture.append_error("nowhere", "") == ErrorCode::kNotFound);
}

TEST_CASE("an empty append is invalid unless it closes", "[engine][append]") {
  EngineFixture fixture;
  fixture.create("a");
  CHECK(fixture.append_error("a", "") == ErrorCode::kInvalidArgument);
  CHECK(fixture.streams.append_now("a", "", {.close = true}).value().closed);
}

TEST_CASE("append to a closed stream is a conflict that tells the final offset",
          "[engine][append][close]") {
  EngineFixture fixture;
  fixture.create("a");
  const Offset tail = fixture.append("a", "last", {.close = true});
  const Result<Appended> refused = fixture.streams.append_now("a", "more");
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::kClosed);
  CHECK(refused.error().detail.tail == tail);
  CHECK(fixture.read("a") == "last");
}

TEST_CASE("closing is idempotent without a body, and a conflict with one", "[engine][close]") {
  EngineFixture fixture;
  fixture.create("a");
  fixture.append("a", "x", {.close = true});
  const Appended again = fixture.streams.append_now("a", "", {.close = true}).value();
  CHECK(again.duplicate);
  CHECK(again.closed);
  CHECK(fixture.append_error("a", "y", {.close = true}) == ErrorCode::kClosed);
}

TEST_CASE("closed comes before content type, content type before JSON, JSON before producer",
          "[engine][append]") {
  EngineFixture fixture;
  fixture.create("closed", {.content_type = "application/json", .closed = true});
  CHECK(fixture.append_error("closed", "{", {.content_type = "text/plain"}) == ErrorCode::kClosed);

  fixture.create("json", {.content_type = "application/json"});
  const Producer gap{.id = "p", .epoch = 0, .seq = 9};
  CHECK(fixture.append_error("json", "{", {.content_type = "text/plain", .producer = gap}) ==
        ErrorCode::kContentTypeMismatch);
  CHECK(fixture.append_error("json", "{", {.content_type = "application/json", .producer = gap}) ==
        ErrorCode::kInvalidJson);
  CHECK(fixture.append_error("json", "{}", {.content_type = "application/json", .producer = gap}) ==
        ErrorCode::kSequenceGap);
}

TEST_CASE("the producer's word comes before Stream-Seq", "[engine][append][producer]") {
  EngineFixture fixture;
  fixture.create("a");
  fixture.append("a", "1", {.producer = {"p", 0, 0}, .stream_seq = "b"});
  CHECK(fixture.streams.append_now("a", "1", {.producer = {"p", 0, 0}, .stream_seq = "a"})
            .value()
            .duplicate);
  CHECK(fixture.append_error("a", "2", {.producer = {"p", 0, 1}, .stream_seq = "a"}) ==
        ErrorCode::kSequenceRegression);
}

TEST_CASE("Stream-Seq must increase byte by byte, whoever writes", "[engine][append][stream-seq]") {
  EngineFixture fixture;
  fixture.create("a");
  fixture.append("a", "1", {.stream_seq = "2"});
  CHECK(fixture.append_error("a", "2", {.stream_seq = "2"}) == ErrorCode::kSequenceRegression);
  CHECK(fixture.append_error("a", "2", {.stream_seq = "10"}) == ErrorCode::kSequenceRegression);
  fixture.append("a", "2");
  fixture.append("a", "3", {.stream_seq = "20"});
  fixture.append("a", "4", {.stream_seq = "20\xff"});
  CHECK(fixture.read("a") == "1234");
}

TEST_CASE("content types match by type and subtype, whatever their case and parameters",
          "[engine][append]") {
  EngineFixture fixture;
  fixture.create("a", {.content_type = "Text/Plain; charset=utf-8"});
  fixture.append("a", "x", {.content_type = "text/plain"});
  fixture.append("a", "y", {.content_type = "TEXT/PLAIN;charset=latin1"});
  CHECK(fixture.append_error("a", "z", {.content_type = "text/html"}) ==
        ErrorCode::kContentTypeMismatch);
  CHECK(fixture.streams.info_now("a").value().content_type == "Text/Plain; charset=utf-8");
}

TEST_CASE("a JSON append is flattened by one level and minified", "[engine][append][json]") {
  EngineFixture fixture;
  fixture.create("a", {.content_type = "application/json"});
  fixture.append("a", R"({ "a" : 1 })");
  fixture.append("a", R"([ [1, 2], "x y", 1.10 ])");
  CHECK(fixture.read("a") == "[{\"a\":1},\n[1,2],\n\"x y\",\n1.10]");
  CHECK(fixture.append_error("a", "[]") == ErrorCode::kInvalidJson);
  CHECK(fixture.append_error("a", "[1,]") == ErrorCode::kInvalidJson);
  CHECK(fixture.read("a") == "[{\"a\":1},\n[1,2],\n\"x y\",\n1.10]");
}

TEST_CASE("a producer's retries are duplicates, gaps and stale epochs are refused",
          "[engine][producer]") {
  EngineFixture fixture;
  fixture.create("a");
  const auto send = [&](std::uint64_t epoch, std::uint64_t seq) {
    return fixture.streams.append_now("a", "x", {.producer = {"p", epoch, seq}});
  };
  CHECK(send(0, 3).error().code == ErrorCode::kSequenceGap);
  CHECK(send(0, 3).error().detail.expected_seq == 0);
  CHECK(send(7, 1).error().code == ErrorCode::kSequenceGap);
  CHECK_FALSE(send(0, 0).value().duplicate);
  CHECK_FALSE(send(0, 1).value().duplicate);
  CHECK(send(0, 0).value().duplicate);
  CHECK(send(0, 0).value().producer->last_seq == 1);
  CHECK(send(0, 3).error().detail.expected_seq == 2);
  CHECK(send(0, 3).error().detail.received_seq == 3);
  CHECK(send(1, 1).error().code == ErrorCode::kEpochStart);
  CHECK_FALSE(send(1, 0).value().duplicate);
  CHECK(send(0, 2).error().code == ErrorCode::kStaleEpoch);
  CHECK(send(0, 2).error().detail.current_epoch == 1);
  CHECK(fixture.read("a") == "xxx");
}

TEST_CASE("epochs and sequences end where HTTP's do", "[engine][append][producer]") {
  EngineFixture fixture;
  fixture.create("a");
  const std::uint64_t max = kProducerNumberMax;
  fixture.append("a", "x", {.producer = {"p", max, 0}});
  CHECK(fixture.append_error("a", "x", {.producer = {"q", max + 1, 0}}) ==
        ErrorCode::kInvalidArgument);
  CHECK(fixture.append_error("a", "x", {.producer = {"p", max, max + 1}}) ==
        ErrorCode::kInvalidArgument);
  CHECK(fixture.read("a") == "x");
}

TEST_CASE("the tuple that closed a stream is recognised, another is a conflict",
          "[engine][producer][close]") {
  EngineFixture fixture;
  fixture.create("a");
  fixture.append("a", "x", {.producer = {"p", 0, 0}});
  fixture.append("a", "y", {.producer = {"p", 0, 1}, .close = true});
  const Appended retry =
      fixture.streams.append_now("a", "y", {.producer = {"p", 0, 1}, .close = true}).value();
  CHECK(retry.duplicate);
  CHECK(retry.closed);
  CHECK(fixture.append_error("a", "x", {.producer = {"p", 0, 0}}) == ErrorCode::kClosed);
  CHECK(fixture.append_error("a", "", {.producer = {"q", 0, 0}, .close = true}) ==
        ErrorCode::kClosed);
  CHECK(fixture.streams.append_now("a", "", {.close = true}).value().duplicate);
}

TEST_CASE("a refused append changes nothing at all", "[engine][append]") {
  EngineFixture fixture;
  fixture.create("a", {.content_type = "text/plain", .expiry = {.ttl = 10s, .at = {}}});
  fixture.append("a", "x", {.producer = {"p", 0, 0}, .stream_seq = "1"});
  fixture.advance(9s);
  CHECK(
      fixture.append_error("a", "y", {.producer = {"p", 0, 1}, .stream_seq = "1", .close = true}) ==
      ErrorCode::kSequenceRegression);
  CHECK(fixture.append_error("a", "y", {.content_type = "text/html", .stream_seq = "9"}) ==
        ErrorCode::kContentTypeMismatch);
  const StreamInfo info = fixture.streams.info_now("a").value();
  CHECK_FALSE(info.closed);
  CHECK(info.tail.position == 1);
  CHECK(info.deadline == fixture.clock.now() + 1s);
  CHECK_FALSE(fixture.streams.append_now("a", "y", {.producer = {"p", 0, 1}, .stream_seq = "2"})
                  .value()
                  .duplicate);
}

TEST_CASE("an append past its limit is too large and leaves the stream as it was",
          "[engine][append][limit]") {
  EngineFixture fixture(EngineOptions{.append_bytes_max = 4});
  fixture.create("a");
  CHECK(fixture.append_error("a", "12345") == ErrorCode::kTooLarge);
  fixture.append("a", "1234");
  CHECK(fixture.read("a") == "1234");
  CHECK(fixture.create_error("b", {.body = "12345"}) == ErrorCode::kTooLarge);
}

TEST_CASE("a full store refuses what brings bytes, and still takes closes and removals",
          "[engine][append][limit]") {
  ManualLoop loop(ManualLoop::Time::kVirtual);
  MemoryStore store({.memory_bytes_max = 8'192});
  Engine engine(store);
  Streams streams(engine, loop);
  streams.create_now("a", {.content_type = "text/plain"}).value();
  const std::string block(1'024, 'x');
  Offset tail;
  Result<Appended> answer = streams.append_now("a", block);
  for (int i = 0; i < 16 && answer.ok(); ++i) {
    tail = answer->next_offset;
    answer = streams.append_now("a", block);
  }
  REQUIRE_FALSE(answer.ok());
  CHECK(answer.error().code == ErrorCode::kNoSpace);
  CHECK(streams.info_now("a").value().tail == tail);
  CHECK(streams.append_now("a", "", {.close = true}).value().closed);
  CHECK(streams.remove_now("a").ok());
  CHECK(streams.create_now("b", {.body = block}).ok());
}

}  // namespace durable_streams

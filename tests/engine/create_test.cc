// The rules of creating streams (protocol section 5.1).
#include "tests/engine/engine_fixture.h"

namespace durable_streams {

TEST_CASE("creating a stream again with the same configuration finds it, and ignores the body",
          "[engine][create]") {
  EngineFixture fixture;
  CHECK_FALSE(fixture.streams.create_now("a", {.content_type = "text/plain", .body = "one"})
                  .value()
                  .existed);
  const Created again =
      fixture.streams.create_now("a", {.content_type = "TEXT/plain;x=y", .body = "two"}).value();
  CHECK(again.existed);
  CHECK(again.stream.tail.position == 3);
  CHECK(fixture.read("a") == "one");
}

TEST_CASE("a stream of another configuration is a conflict", "[engine][create]") {
  EngineFixture fixture;
  const Expiry hour{.ttl = 3600s, .at = {}};
  fixture.create("a", {.content_type = "text/plain", .expiry = hour});
  CHECK(fixture.create_error("a", {.content_type = "text/html", .expiry = hour}) ==
        ErrorCode::kConflict);
  CHECK(fixture.create_error("a", {.expiry = hour}) == ErrorCode::kConflict);
  CHECK(fixture.create_error("a", {.content_type = "text/plain"}) == ErrorCode::kConflict);
  CHECK(fixture.create_error("a", {.content_type = "text/plain", .expiry = hour, .closed = true}) ==
        ErrorCode::kConflict);
  CHECK(fixture.streams.create_now("a", {.content_type = "text/plain", .expiry = hour})
            .value()
            .existed);
  fixture.append("a", "", {.close = true});
  CHECK(fixture.create_error("a", {.content_type = "text/plain", .expiry = hour}) ==
        ErrorCode::kConflict);
  CHECK(fixture.streams
            .create_now("a", {.content_type = "text/plain", .expiry = hour, .closed = true})
            .value()
            .existed);
}

TEST_CASE("without a content type a stream is bytes", "[engine][create]") {
  EngineFixture fixture;
  CHECK(fixture.streams.create_now("a", {}).value().stream.content_type ==
        "application/octet-stream");
}

TEST_CASE("a stream may be created with its content, and closed at once", "[engine][create]") {
  EngineFixture fixture;
  fixture.create("a", {.content_type = "application/json", .body = "[1, 2]", .closed = true});
  CHECK(fixture.read("a") == "[1,\n2]");
  CHECK(fixture.streams.read_now("a", Offset::start()).value().closed);
  fixture.create("empty", {.content_type = "application/json", .body = "[]"});
  CHECK(fixture.read("empty") == "[]");
  CHECK(fixture.create_error("bad", {.content_type = "application/json", .body = "[1,"}) ==
        ErrorCode::kInvalidJson);
  CHECK_FALSE(fixture.exists("bad"));
}

TEST_CASE("paths that cannot name a stream are refused", "[engine][create]") {
  EngineFixture fixture;
  for (const char* path : {"", "/a", "a/", "a//b", ".", "a/../b", "__ds", "__ds/subscriptions/x"}) {
    INFO(path);
    CHECK(fixture.create_error(path, {}) == ErrorCode::kInvalidArgument);
  }
  CHECK(fixture.create_error(std::string_view("a\0b", 3), {}) == ErrorCode::kInvalidArgument);
  CHECK(fixture.create_error(std::string(481, 'a'), {}) == ErrorCode::kPathTooLong);
  CHECK_FALSE(fixture.streams.create_now(std::string(480, 'a')).value().existed);
  CHECK_FALSE(fixture.streams.create_now("a/__ds").value().existed);
}

TEST_CASE("a deleted stream is gone, and its path is free for another incarnation",
          "[engine][remove]") {
  EngineFixture fixture;
  fixture.create("a");
  fixture.append("a", "old", {.producer = {"p", 4, 0}, .stream_seq = "9"});
  const StreamId old_id = fixture.streams.info_now("a").value().id;
  CHECK(fixture.streams.remove_now("a").ok());
  CHECK_FALSE(fixture.exists("a"));
  CHECK(fixture.streams.remove_now("a").error().code == ErrorCode::kNotFound);
  fixture.create("a", {.content_type = "text/html"});
  CHECK(fixture.streams.info_now("a").value().id != old_id);
  CHECK(fixture.read("a").empty());
  fixture.append("a", "new", {.producer = {"p", 0, 0}, .stream_seq = "1"});
  CHECK(fixture.read("a") == "new");
}

TEST_CASE("streams beyond the loaded limit are kept by the store and come back",
          "[engine][loading]") {
  EngineFixture fixture(EngineOptions{.shards = 1, .loaded_streams_max = 8});
  for (int i = 0; i < 100; ++i) {
    const std::string path = "s/" + std::to_string(i);
    fixture.create(path, {.content_type = "text/plain", .expiry = {.ttl = 100s, .at = {}}});
    fixture.append(path, path, {.producer = {"p", 1, 0}, .stream_seq = "5"});
  }
  CHECK(fixture.engine.stats().loaded_streams <= 8);
  for (int i = 0; i < 100; ++i) {
    const std::string path = "s/" + std::to_string(i);
    CHECK(fixture.read(path) == path);
    CHECK(fixture.streams.append_now(path, path, {.producer = {"p", 1, 0}}).value().duplicate);
    CHECK(fixture.append_error(path, "x", {.stream_seq = "5"}) == ErrorCode::kSequenceRegression);
  }
}

TEST_CASE("a TTL that slid survives the stream's being dropped from memory",
          "[engine][loading][expiry]") {
  EngineFixture fixture(EngineOptions{.shards = 1, .loaded_streams_max = 2});
  fixture.create("a", {.content_type = "text/plain", .expiry = {.ttl = 10s, .at = {}}});
  fixture.advance(8s);
  fixture.append("a", "x");
  for (int i = 0; i < 20; ++i) fixture.create("other/" + std::to_string(i));
  fixture.advance(8s);
  CHECK(fixture.read("a") == "x");
  fixture.advance(11s);
  CHECK_FALSE(fixture.exists("a"));
}

}  // namespace durable_streams

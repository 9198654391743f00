// The rules of forks (protocol section 4.2): where they leave their source, what they inherit, and
// how sources outlive deletion for them.
#include "tests/engine/engine_fixture.h"

namespace durable_streams {

namespace {

ForkFrom from(std::string_view path, std::optional<Offset> offset = {},
              std::optional<std::uint64_t> sub_offset = {}) {
  return {.path = path, .offset = offset, .sub_offset = sub_offset};
}

Offset at(std::uint64_t position) { return {.read_sequence = 0, .position = position}; }

}  // namespace

TEST_CASE("a fork reads its source's bytes up to the fork offset, then its own", "[engine][fork]") {
  EngineFixture fixture;
  fixture.create("source");
  const Offset first = fixture.append("source", "abc");
  fixture.append("source", "def");
  fixture.create("fork", {.fork = from("source", first)});
  CHECK(fixture.read("fork") == "abc");
  CHECK(fixture.append("fork", "XYZ").position == 6);
  fixture.append("source", "ghi");
  CHECK(fixture.read("fork") == "abcXYZ");
  CHECK(fixture.read("fork", first) == "XYZ");
  CHECK(fixture.read("source") == "abcdefghi");
}

TEST_CASE("a fork without an offset leaves its source at the tail", "[engine][fork]") {
  EngineFixture fixture;
  fixture.create("source", {.content_type = "text/plain", .body = "abc"});
  fixture.create("fork", {.body = "d", .fork = from("source")});
  CHECK(fixture.read("fork") == "abcd");
  CHECK(fixture.streams.info_now("fork").value().content_type == "text/plain");
}

TEST_CASE("chains of forks read through all their sources", "[engine][fork]") {
  EngineFixture fixture;
  fixture.create("0", {.content_type = "application/json", .body = "[0]"});
  for (int i = 1; i <= 40; ++i) {
    const std::string source = std::to_string(i - 1);
    fixture.create(std::to_string(i), {.body = std::to_string(i), .fork = from(source)});
  }
  std::string expected = "[0";
  for (int i = 1; i <= 40; ++i) expected += ",\n" + std::to_string(i);
  CHECK(fixture.read("40") == expected + "]");
}

TEST_CASE("a fork needs a source, an offset within it, and its content type", "[engine][fork]") {
  EngineFixture fixture;
  fixture.create("source", {.content_type = "text/plain", .body = "abc"});
  CHECK(fixture.create_error("fork", {.fork = from("nowhere")}) == ErrorCode::kNotFound);
  CHECK(fixture.create_error("fork", {.fork = from("source", at(4))}) ==
        ErrorCode::kInvalidArgument);
  CHECK(fixture.create_error("fork", {.content_type = "text/html", .fork = from("source")}) ==
        ErrorCode::kContentTypeMismatch);
  CHECK_FALSE(fixture.exists("fork"));
}

TEST_CASE("a byte sub-offset ends within the first append after the anchor", "[engine][fork]") {
  EngineFixture fixture;
  fixture.create("source", {.content_type = "text/plain", .body = "abc"});
  fixture.append("source", "def");
  fixture.create("one", {.fork = from("source", at(3), 2)});
  CHECK(fixture.read("one") == "abcde");
  fixture.create("whole", {.fork = from("source", at(3), 3)});
  CHECK(fixture.read("whole") == "abcdef");
  fixture.create("start", {.fork = from("source", at(0), 1)});
  CHECK(fixture.read("start") == "a");
  CHECK(fixture.create_error("over", {.fork = from("source", at(0), 4)}) ==
        ErrorCode::kInvalidArgument);
  CHECK(fixture.create_error("over", {.fork = from("source", at(6), 1)}) ==
        ErrorCode::kInvalidArgument);
  CHECK(fixture.create_error("over", {.fork = from("source", {}, 1)}) ==
        ErrorCode::kInvalidArgument);
}

TEST_CASE("a message sub-offset counts messages up to the tail", "[engine][fork][json]") {
  EngineFixture fixture;
  fixture.create("source", {.content_type = "application/json", .body = R"([1,{"a":2}])"});
  fixture.append("source", R"(["three",4])");
  fixture.create("two", {.fork = from("source", at(0), 2)});
  CHECK(fixture.read("two") == "[1,\n{\"a\":2}]");
  fixture.create("three", {.fork = from("source", at(0), 3)});
  CHECK(fixture.read("three") == "[1,\n{\"a\":2},\n\"three\"]");
  fixture.create("all", {.fork = from("source", at(3), 3)});
  CHECK(fixture.read("all") == "[1,\n{\"a\":2},\n\"three\",\n4]");
  CHECK(fixture.create_error("over", {.fork = from("source", at(0), 5)}) ==
        ErrorCode::kInvalidArgument);
  CHECK(fixture.create_error("inside", {.fork = from("source", at(1))}) ==
        ErrorCode::kInvalidArgument);
}

TEST_CASE("a long way to a sub-offset lets others be served, unless the fork is wanted at once",
          "[engine][fork][json]") {
  EngineFixture fixture;
  fixture.create("source", {.content_type = "application/json"});
  std::string body = "[0";
  while (body.size() < (std::size_t{4} << 20)) body += ",1234567";
  const std::uint64_t messages = (body.size() - 2) / 8 + 1;
  fixture.append("source", body + "]");
  const std::uint64_t end = fixture.streams.info_now("source").value().tail.position;

  const CreateOptions fork{.fork = from("source", at(0), messages - 1)};
  std::optional<Offset> created;
  fixture.streams.create("fork", fork,
                         [&](Result<Created> answer) { created = answer.value().stream.tail; });
  for (int turn = 0; turn < 3; ++turn) {
    fixture.loop.run_once();
    CHECK_FALSE(created);
    CHECK_FALSE(fixture.exists("fork"));
  }
  fixture.loop.run_until_idle();
  CHECK(created == at(end - 9));

  CHECK(fixture.streams.create_now("at once", fork).value().stream.tail == at(end - 9));
  std::optional<ErrorCode> over;
  fixture.streams.create("over", {.fork = from("source", at(0), messages + 1)},
                         [&](const Result<Created>& answer) { over = answer.error().code; });
  fixture.streams.remove_now("fork").value();
  fixture.loop.run_until_idle();
  CHECK(over == ErrorCode::kInvalidArgument);
}

TEST_CASE("a fork shares no producer, no Stream-Seq and no closure with its source",
          "[engine][fork]") {
  EngineFixture fixture;
  fixture.create("source");
  fixture.append("source", "a", {.producer = {"p", 3, 0}, .stream_seq = "9", .close = true});
  fixture.create("fork", {.fork = from("source")});
  CHECK_FALSE(fixture.streams.append_now("fork", "b", {.producer = {"p", 0, 0}, .stream_seq = "1"})
                  .value()
                  .duplicate);
  CHECK(fixture.read("fork") == "ab");
}

TEST_CASE("creating a fork again matches what was said, and what was left out", "[engine][fork]") {
  EngineFixture fixture;
  fixture.create("source", {.content_type = "text/plain", .body = "abcdef"});
  const Expiry hour{.ttl = 3600s, .at = {}};
  fixture.create("fork", {.expiry = hour, .fork = from("source", at(0), 2)});
  const auto again = [&](CreateOptions options) {
    return fixture.streams.create_now("fork", options);
  };
  CHECK(again({.fork = from("source")}).value().existed);
  CHECK(again({.content_type = "text/plain", .expiry = hour, .fork = from("source", at(0), 2)})
            .value()
            .existed);
  CHECK(again({.fork = from("source", at(0))}).error().code == ErrorCode::kConflict);
  CHECK(again({.fork = from("source", at(1), 2)}).error().code == ErrorCode::kConflict);
  CHECK(again({.expiry = {.ttl = 60s, .at = {}}, .fork = from("source")}).error().code ==
        ErrorCode::kConflict);
  CHECK(again({.content_type = "text/html", .fork = from("source")}).error().code ==
        ErrorCode::kConflict);
  CHECK(again({.fork = from("elsewhere")}).error().code == ErrorCode::kConflict);
  CHECK(again({.content_type = "text/plain", .expiry = hour}).error().code == ErrorCode::kConflict);
  fixture.streams.remove_now("source").value();
  CHECK(again({.fork = from("source")}).value().existed);
}

TEST_CASE("a fork's lifetime is its own, or else that of its source", "[engine][fork][expiry]") {
  EngineFixture fixture;
  const Expiry ttl{.ttl = 10s, .at = {}};
  const Expiry moment{.ttl = {}, .at = fixture.clock.now() + 1000s};
  const auto forked = [&](const Expiry& source, const Expiry& asked) {
    static int number = 0;
    const std::string path = "s" + std::to_string(++number);
    fixture.create(path, {.expiry = source});
    return fixture.streams.create_now(path + "/fork", {.expiry = asked, .fork = from(path)})
        .value()
        .stream.expiry;
  };
  CHECK(forked({}, {}) == Expiry{});
  CHECK(forked({}, ttl) == ttl);
  CHECK(forked({}, moment) == moment);
  CHECK(forked(ttl, {}) == ttl);
  CHECK(forked(ttl, {.ttl = 5s, .at = {}}) == Expiry{.ttl = 5s, .at = {}});
  CHECK(forked(ttl, moment) == moment);
  CHECK(forked(moment, {}) == moment);
  CHECK(forked(moment, ttl) == ttl);
  const Expiry later{.ttl = {}, .at = fixture.clock.now() + 2000s};
  CHECK(forked(moment, later) == later);
}

TEST_CASE("a deleted source is gone, blocks its path, and serves its forks until the last one goes",
          "[engine][fork][remove]") {
  EngineFixture fixture;
  fixture.create("source", {.content_type = "text/plain", .body = "abc"});
  fixture.create("one", {.fork = from("source")});
  fixture.create("two", {.fork = from("one")});
  CHECK(fixture.streams.remove_now("source").ok());
  CHECK(fixture.streams.info_now("source").error().code == ErrorCode::kGone);
  CHECK(fixture.streams.read_now("source", Offset::start()).error().code == ErrorCode::kGone);
  CHECK(fixture.append_error("source", "x") == ErrorCode::kGone);
  CHECK(fixture.streams.remove_now("source").error().code == ErrorCode::kGone);
  CHECK(fixture.create_error("source", {.content_type = "text/plain"}) == ErrorCode::kConflict);
  CHECK(fixture.create_error("three", {.fork = from("source")}) == ErrorCode::kConflict);
  CHECK(fixture.streams.remove_now("one").ok());
  CHECK(fixture.read("two") == "abc");
  CHECK(fixture.streams.info_now("source").error().code == ErrorCode::kGone);
  CHECK(fixture.streams.remove_now("two").ok());
  CHECK(fixture.store.stats().streams == 0);
  CHECK_FALSE(fixture.streams.create_now("source").value().existed);
}

TEST_CASE("a source that was not deleted stays when its forks go", "[engine][fork][remove]") {
  EngineFixture fixture;
  fixture.create("source", {.content_type = "text/plain", .body = "abc"});
  fixture.create("fork", {.fork = from("source")});
  fixture.streams.remove_now("fork").value();
  CHECK(fixture.read("source") == "abc");
  fixture.streams.remove_now("source").value();
  CHECK_FALSE(fixture.exists("source"));
}

TEST_CASE("a fork and its source stay loaded while the fork is made, however little room there is",
          "[engine][fork][loading]") {
  EngineFixture fixture(EngineOptions{.shards = 1, .loaded_streams_max = 1});
  fixture.create("source", {.content_type = "text/plain", .body = "abc"});
  for (int i = 0; i < 50; ++i) {
    const std::string path = "fork/" + std::to_string(i);
    fixture.create(path, {.body = std::to_string(i), .fork = from("source")});
    CHECK(fixture.read(path) == "abc" + std::to_string(i));
  }
  fixture.streams.remove_now("source").value();
  for (int i = 0; i < 50; ++i) fixture.streams.remove_now("fork/" + std::to_string(i)).value();
  CHECK(fixture.store.stats().streams == 0);
}

}  // namespace durable_streams

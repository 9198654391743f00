// What operations cost in memory and in allocations, counted where they are made: by the program's
// operator new.
#include <durable_streams/file_store.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/streams_impl.h"
#include "tests/engine/engine_fixture.h"
#include "tests/support/heap_count.h"
#include "tests/support/temporary_directory.h"

namespace durable_streams {

namespace {

// How many allocations the calls of `action` make.
template <class Action>
std::int64_t allocations_of(int calls, Action action) {
  const std::int64_t before = allocations;
  for (int i = 0; i < calls; ++i) action();
  return allocations - before;
}

}  // namespace

TEST_CASE("an append allocates nothing but chunks, whoever sends it",
          "[engine][append][footprint]") {
  EngineFixture fixture;
  fixture.create("text");
  fixture.create("json", {.content_type = "application/json"});
  const std::string text(100, 'x');
  const std::string json = '"' + text + '"';
  std::uint64_t seq = 0;
  const auto append = [&](std::string_view path, std::string_view type, std::string_view body) {
    const AppendRequest request{
        .path = path,
        .body = body,
        .owned_body = {},
        .options = {.content_type = type, .producer = {"producer", 0, seq++}}};
    CHECK(fixture.streams.impl().append(request, [](const Result<Appended>&) {})->ok());
  };
  for (int i = 0; i < 5'000; ++i) append("text", "text/plain", text);
  seq = 0;
  for (int i = 0; i < 5'000; ++i) append("json", "application/json", json);
  // By now a chunk holds more than two thousand of them.
  const auto plain = [&](std::string_view path, std::string_view type, std::string_view body) {
    const AppendRequest request{
        .path = path, .body = body, .owned_body = {}, .options = {.content_type = type}};
    fixture.streams.impl().append(request, [](const Result<Appended>&) {})->value();
  };
  CHECK(allocations_of(2'000, [&] { plain("text", "text/plain", text); }) <= 4);
  CHECK(allocations_of(2'000, [&] { plain("json", "application/json", json); }) <= 4);
}

TEST_CASE("an append that waits for its commit takes its memory from the one before",
          "[engine][append][footprint]") {
  const TemporaryDirectory directory;
  Result<std::unique_ptr<FileStore>> store = FileStore::open({.directory = directory.path(),
                                                              .durability = Durability::kOff,
                                                              .reserve_bytes = 0,
                                                              .segment_bytes = 1 << 20,
                                                              .catalog_bytes_max = 64 << 20});
  REQUIRE(store.ok());
  Engine engine(**store);
  ManualLoop loop;
  Streams streams(engine, loop);
  constexpr int kTogether = 100;
  int waiting = 0;
  const auto turn_until_answered = [&] {
    while (waiting > 0) loop.run_once();
  };
  ++waiting;
  streams.create("s", {.content_type = "text/plain"}, [&](const auto& created) {
    CHECK(created.ok());
    --waiting;
  });
  turn_until_answered();
  const std::string text(100, 'x');
  const auto append_some = [&] {
    for (int i = 0; i < kTogether; ++i) {
      ++waiting;
      const AppendRequest request{
          .path = "s", .body = text, .owned_body = {}, .options = {.content_type = "text/plain"}};
      const AtOnce<Appended> answer =
          streams.impl().append(request, [&](const Result<Appended>& appended) {
            CHECK(appended.ok());
            --waiting;
          });
      CHECK_FALSE(answer.has_value());
    }
    turn_until_answered();
  };
  for (int i = 0; i < 30; ++i) append_some();
  // What is left belongs to commits, of which one carries many appends, and to chunks.
  CHECK(allocations_of(20, append_some) < 20 * kTogether / 2);
}

TEST_CASE("a read into an answer that is used again allocates nothing",
          "[engine][read][footprint]") {
  EngineFixture fixture;
  fixture.create("text", {.content_type = "text/plain", .body = std::string(1024, 'x')});
  fixture.create("json", {.content_type = "application/json", .body = R"([1,2,3])"});
  ReadAnswer answer;
  const auto read = [&](std::string_view path, std::uint64_t from) {
    const ReadRequest request{.path = path, .from = {.read_sequence = 0, .position = from}};
    fixture.streams.impl().read(request, answer, [](const Result<ReadAnswer>&) {})->value();
  };
  read("text", 0);
  CHECK(allocations_of(100, [&] { read("text", 0); }) == 0);
  CHECK(allocations_of(100, [&] { read("json", 3); }) == 0);
}

TEST_CASE("refused appends of ever new producers leave nothing behind",
          "[engine][append][producer][footprint]") {
  EngineFixture fixture;
  fixture.create("a");
  const auto refuse = [&](int producer) {
    const std::string id = "a producer with a long name " + std::to_string(producer);
    CHECK(fixture.append_error("a", "x", {.producer = {id, 0, 7}}) == ErrorCode::kSequenceGap);
  };
  refuse(0);
  const std::int64_t before = allocated_bytes;
  for (int i = 1; i < 10'000; ++i) refuse(i);
  CHECK(allocated_bytes - before < 16 * 1024);
}

}  // namespace durable_streams

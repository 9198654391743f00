// What is the memory store's own, beyond the contract: its budget, its ids, and when completions
// run.
#include <durable_streams/memory_store.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "store/bytes/chunk_list.h"
#include "tests/support/catch.h"

namespace durable_streams {

namespace {

StreamRecord record_of(MemoryStore& store, std::string_view path, std::size_t bytes = 0) {
  StreamRecord record;
  record.id = store.next_stream_id();
  record.path = path;
  record.version = 1;
  record.tail.position = bytes;
  return record;
}

Result<Submitted> create(MemoryStore& store, std::string_view path, std::string_view bytes = {}) {
  const StreamRecord record = record_of(store, path, bytes.size());
  return store.submit(CreateChange{.record = record, .bytes = bytes}, 0);
}

StreamRecord at(MemoryStore& store, std::string_view path) {
  StreamRecord record;
  if (!store.load_now(path, record)->value()) FAIL("no stream at " << path);
  return record;
}

AppendChange append_to(MemoryStore& store, std::string_view path, std::string_view bytes) {
  const StreamRecord record = at(store, path);
  AppendChange change;
  change.id = record.id;
  change.version = record.version;
  change.bytes = bytes;
  change.tail.position = record.tail.position + bytes.size();
  return change;
}

ErrorCode code_of(const Result<Submitted>& result) { return result.error().code; }

constexpr std::uint64_t kSmall = 100'000;

}  // namespace

TEST_CASE("the memory store never waits", "[store][memory]") {
  MemoryStore store;
  CHECK(store.kind() == "memory");
  CHECK(store.commits_at_once());
  CHECK(create(store, "a").value() == Submitted::kCommitted);
}

TEST_CASE("stream ids start where they are told to, else at random", "[store][memory]") {
  MemoryStore told({.first_stream_id = 17});
  CHECK(told.next_stream_id() == 17);
  CHECK(told.next_stream_id() == 18);
  MemoryStore one;
  MemoryStore other;
  CHECK(one.next_stream_id() != other.next_stream_id());
}

TEST_CASE("creates beyond the memory limit are refused, and leave no trace", "[store][memory]") {
  MemoryStore store({.memory_bytes_max = kSmall});
  CHECK(code_of(create(store, "large", std::string(kSmall, 'x'))) == ErrorCode::kNoSpace);
  StreamRecord record;
  CHECK_FALSE(store.load_now("large", record)->value());
  CHECK(store.stats().memory_bytes == 0);
  int created = 0;
  while (create(store, "stream " + std::to_string(created)).ok()) ++created;
  CHECK(created > 300);
  CHECK(store.stats().memory_bytes <= kSmall);
  CHECK(store.stats().streams == static_cast<std::uint64_t>(created));
}

TEST_CASE("appends beyond the memory limit are refused, and leave no trace", "[store][memory]") {
  MemoryStore store({.memory_bytes_max = kSmall});
  REQUIRE(create(store, "a").ok());
  const std::string body(1000, 'x');
  AppendChange change = append_to(store, "a", body);
  while (store.submit(change, 0).ok()) change = append_to(store, "a", body);
  const StreamRecord full = at(store, "a");
  const std::uint64_t taken = store.stats().memory_bytes;
  change.producer_id = "producer";
  change.stream_seq = "1";
  change.close = true;
  CHECK(code_of(store.submit(change, 0)) == ErrorCode::kNoSpace);
  CHECK(at(store, "a").version == full.version);
  CHECK(at(store, "a").tail == full.tail);
  CHECK_FALSE(at(store, "a").closed);
  CHECK(at(store, "a").stream_seq.empty());
  ProducerState state;
  CHECK_FALSE(store.load_producer_now(full.id, "producer", state)->value());
  CHECK(store.stats().memory_bytes == taken);
}

TEST_CASE("a full store still closes, expires and removes", "[store][memory]") {
  MemoryStore store({.memory_bytes_max = kSmall});
  int created = 0;
  while (create(store, std::to_string(created)).ok()) ++created;
  AppendChange close = append_to(store, "0", "");
  close.close = true;
  close.producer_id = "a producer that was not known before";
  CHECK(store.submit(close, 0).ok());
  CHECK(store.submit(DeadlineChange{.id = at(store, "1").id, .deadline = WallTime{}}, 0).ok());
  const RemoveChange soft{.id = at(store, "2").id, .version = 1, .mode = RemoveChange::Mode::kSoft};
  CHECK(store.submit(soft, 0).ok());
  const std::uint64_t before = store.stats().memory_bytes;
  for (const std::string_view path : {"3", "4", "5", "6"}) {
    CHECK(store.submit(RemoveChange{.id = at(store, path).id, .version = 1}, 0).ok());
  }
  CHECK(store.stats().memory_bytes < before);
  CHECK(create(store, "again").ok());
}

TEST_CASE("all memory is given back when all streams are gone", "[store][memory]") {
  MemoryStore store;
  REQUIRE(create(store, "a", "first").ok());
  for (int i = 0; i < 200; ++i) {
    const std::string body(static_cast<std::size_t>(i) * 400, 'x');
    const std::string producer = "producer " + std::to_string(i % 7);
    const std::string seq(static_cast<std::size_t>(1 + i * 13 % 60), 's');
    AppendChange change = append_to(store, "a", body);
    if (i % 3 == 0) change.owned = Slice::copy_of(body);
    change.producer_id = producer;
    change.stream_seq = seq;
    change.close = i == 199;
    REQUIRE(store.submit(change, 0).ok());
  }
  CHECK(store.stats().memory_bytes > 7'960'000);
  const StreamRecord record = at(store, "a");
  REQUIRE(store.submit(RemoveChange{.id = record.id, .version = record.version}, 0).ok());
  CHECK(store.stats().memory_bytes == 0);
  CHECK(store.stats().stored_bytes == 0);
}

TEST_CASE("sequences of changing length are charged once", "[store][memory]") {
  MemoryStore store;
  REQUIRE(create(store, "a").ok());
  const auto append = [&](std::string_view seq) {
    AppendChange change = append_to(store, "a", "");
    change.stream_seq = seq;
    REQUIRE(store.submit(change, 0).ok());
  };
  append(std::string(1000, 'a'));
  const std::uint64_t taken = store.stats().memory_bytes;
  for (int i = 0; i < 10; ++i) {
    append("b");
    append(std::string(1000, 'c'));
  }
  CHECK(store.stats().memory_bytes == taken);
}

TEST_CASE("an append larger than the store's limit for one is refused", "[store][memory]") {
  MemoryStore store;
  REQUIRE(create(store, "a").ok());
  // Never looked at: the size alone decides.
  const std::string_view huge("x", ChunkList::kAppendBytesMax + 1);
  CHECK(code_of(store.submit(append_to(store, "a", huge), 0)) == ErrorCode::kTooLarge);
  CHECK(code_of(create(store, "b", huge)) == ErrorCode::kTooLarge);
  CHECK(at(store, "a").version == 1);
}

TEST_CASE("a path longer than the store can keep is refused", "[store][memory]") {
  MemoryStore store;
  const std::string longest(65'535, 'p');
  REQUIRE(create(store, longest, "x").ok());
  CHECK(at(store, longest).path == longest);
  CHECK(code_of(create(store, longest + "p")) == ErrorCode::kPathTooLong);
}

TEST_CASE("a tail that does not follow from the bytes is refused", "[store][memory]") {
  MemoryStore store;
  REQUIRE(create(store, "a").ok());
  AppendChange change = append_to(store, "a", "12345");
  change.tail.position = 4;
  CHECK(code_of(store.submit(change, 0)) == ErrorCode::kInvalidArgument);
  const StreamRecord record = record_of(store, "b", 3);
  CHECK(code_of(store.submit(CreateChange{.record = record, .bytes = "12"}, 0)) ==
        ErrorCode::kInvalidArgument);
}

TEST_CASE("an id is used once", "[store][memory]") {
  MemoryStore store;
  REQUIRE(create(store, "a").ok());
  StreamRecord record = record_of(store, "b");
  record.id = at(store, "a").id;
  CHECK(code_of(store.submit(CreateChange{.record = record, .bytes = {}}, 0)) ==
        ErrorCode::kConflict);
  CHECK_FALSE(store.load_now("b", record)->value());
}

TEST_CASE("reads outside of a stream fail", "[store][memory]") {
  MemoryStore store;
  REQUIRE(create(store, "a", "hello").ok());
  const StreamId id = at(store, "a").id;
  StoredBytes page;
  CHECK_FALSE(store.read_now({.id = id, .from = 0, .to = 6, .bytes_max = 100}, page)->ok());
  CHECK_FALSE(store.read_now({.id = id, .from = 3, .to = 2, .bytes_max = 100}, page)->ok());
  CHECK_FALSE(store.read_now({.id = id + 9, .from = 0, .to = 0, .bytes_max = 1}, page)->ok());
  CHECK_FALSE(store.append_end_now(id, 5)->ok());
  CHECK_FALSE(store.append_end_now(id + 9, 0)->ok());
}

TEST_CASE("answers that were asked for by completion come with the next flush", "[store][memory]") {
  MemoryStore store;
  REQUIRE(create(store, "a").ok());
  int answers = 0;
  const auto load = [&] {
    store.load("a", [&](Result<std::optional<StreamRecord>> record) {
      CHECK(record.value().has_value());
      // One that is asked for here waits for the next round.
      if (++answers == 1) store.append_end(1, 1, [&](Result<std::uint64_t>) { ++answers; });
    });
  };
  load();
  CHECK(answers == 0);
  store.flush();
  CHECK(answers == 1);
  store.flush();
  CHECK(answers == 2);
  store.flush();
  CHECK(answers == 2);
}

TEST_CASE("the bytes of a removed stream count until the last reader lets go of them",
          "[store][memory]") {
  MemoryStore store;
  StreamRecord record{.id = store.next_stream_id(),
                      .path = "a",
                      .content_type = "text/plain",
                      .version = 1,
                      .tail = {.read_sequence = 0, .position = 100'000}};
  const std::string body(100'000, 'x');
  REQUIRE(store.submit(CreateChange{.record = record, .bytes = body}, 0).ok());
  const Slice owned = Slice::copy_of(body);
  REQUIRE(store
              .submit(AppendChange{.id = record.id,
                                   .version = 1,
                                   .bytes = owned.view(),
                                   .owned = owned,
                                   .tail = {.read_sequence = 0, .position = 200'000}},
                      0)
              .ok());
  StoredBytes read;
  REQUIRE(store.read_now({.id = record.id, .from = 0, .to = 200'000, .bytes_max = 200'000}, read)
              ->ok());
  REQUIRE(store.submit(RemoveChange{.id = record.id, .version = 2}, 0).ok());
  CHECK(store.stats().memory_bytes > 200'000);
  read.slices.erase(read.slices.begin());
  CHECK(store.stats().memory_bytes > 100'000);
  CHECK(store.stats().memory_bytes < 200'000);
  read.clear();
  CHECK(store.stats().memory_bytes == 0);
}

TEST_CASE("a reader's share outlives the store", "[store][memory]") {
  StoredBytes read;
  {
    MemoryStore store;
    StreamRecord record{.id = store.next_stream_id(),
                        .path = "a",
                        .content_type = "text/plain",
                        .version = 1,
                        .tail = {.read_sequence = 0, .position = 5}};
    REQUIRE(store.submit(CreateChange{.record = record, .bytes = "hello"}, 0).ok());
    REQUIRE(store.read_now({.id = record.id, .from = 0, .to = 5, .bytes_max = 5}, read)->ok());
  }
  CHECK(read.slices.at(0).view() == "hello");
}

}  // namespace durable_streams

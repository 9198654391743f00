// What streams cost in memory and in allocations, counted where they are made: by the program's
// operator new.
#include <durable_streams/memory_store.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "tests/support/catch.h"
#include "tests/support/heap_count.h"

namespace durable_streams {

namespace {

constexpr std::size_t kStreams = 100'000;

std::string path_of(std::size_t i) { return "room/" + std::to_string(1'000'000 + i); }
const std::size_t kPathBytes = path_of(0).size();

void create(MemoryStore& store, std::size_t i, std::string_view bytes,
            const std::function<void(StreamRecord&)>& change = {}) {
  StreamRecord record;
  record.id = store.next_stream_id();
  record.path = path_of(i);
  record.content_type = "application/octet-stream";
  record.version = 1;
  record.tail.position = bytes.size();
  if (change) change(record);
  ignore(store.submit(CreateChange{.record = record, .bytes = bytes}, 0), "it is counted below");
}

// Bytes that one stream takes, beside its path.
std::int64_t cost_of_stream(MemoryStore& store, std::string_view bytes,
                            const std::function<void(StreamRecord&)>& change = {}) {
  const std::int64_t before = allocated_block_bytes;
  for (std::size_t i = 0; i < kStreams; ++i) create(store, i, bytes, change);
  CHECK(store.stats().streams == kStreams);
  const std::int64_t each = (allocated_block_bytes - before) / static_cast<std::int64_t>(kStreams);
  return each - static_cast<std::int64_t>(kPathBytes);
}

void expire_late(StreamRecord& record) {
  record.expiry.ttl = std::chrono::hours(1);
  record.deadline = WallTime(std::chrono::seconds(record.id % kStreams));
}

}  // namespace

TEST_CASE("an idle stream costs about 200 bytes beside its path", "[store][memory]") {
  MemoryStore store;
  const std::int64_t cost = cost_of_stream(store, "");
  INFO(cost << " bytes");
  CHECK(cost < 200);
}

TEST_CASE("a deadline costs a stream no more than 20 bytes", "[store][memory]") {
  MemoryStore store;
  const std::int64_t cost = cost_of_stream(store, "", expire_late);
  INFO(cost << " bytes");
  CHECK(cost < 220);
}

TEST_CASE("a small stream costs less than 290 bytes beside its path and bytes", "[store][memory]") {
  MemoryStore store;
  const std::string bytes(100, 'x');
  const std::int64_t cost = cost_of_stream(store, bytes, expire_late) - 100;
  INFO(cost << " bytes");
  CHECK(cost < 290);
}

TEST_CASE("the store's own account is close to what it takes", "[store][memory]") {
  for (const std::size_t size : {0U, 10U, 1000U, 100'000U}) {
    const std::int64_t before = allocated_block_bytes;
    MemoryStore store;
    for (std::size_t i = 0; i < 1000; ++i) create(store, i, std::string(size, 'x'));
    const auto taken = static_cast<double>(allocated_block_bytes - before);
    const auto account = static_cast<double>(store.stats().memory_bytes);
    INFO(size << " bytes a stream: " << taken << " taken, account " << account);
    CHECK(account > taken * 0.9);
    CHECK(account < taken * 1.3);
  }
}

TEST_CASE("removed streams give back what they took", "[store][memory]") {
  MemoryStore store;
  const std::int64_t before = allocated_block_bytes;
  const StreamId first = store.next_stream_id() + 1;
  for (std::size_t i = 0; i < kStreams; ++i) create(store, i, "some bytes", expire_late);
  const std::int64_t taken = allocated_block_bytes - before;
  for (StreamId id = first; id < first + kStreams; ++id) {
    REQUIRE(store.submit(RemoveChange{.id = id, .version = 1}, 0).ok());
  }
  CHECK(allocated_block_bytes - before < taken / 50);
  CHECK(store.stats().memory_bytes == 0);
  CHECK(store.stats().streams == 0);
}

TEST_CASE("a small append allocates nothing in the steady state", "[store][memory]") {
  MemoryStore store;
  create(store, 0, "");
  StreamRecord record;
  REQUIRE(store.load_now(path_of(0), record)->value());
  const std::string body(100, 'x');
  AppendChange change;
  change.id = record.id;
  change.version = 1;
  change.bytes = body;
  change.producer_id = "producer";
  const auto append = [&] {
    change.tail.position += body.size();
    ++change.producer.last_seq;
    if (!store.submit(change, 0).ok()) FAIL("refused");
    ++change.version;
  };
  for (int i = 0; i < 10'000; ++i) append();
  const std::int64_t before = allocations;
  for (int i = 0; i < 10'000; ++i) append();
  CHECK(allocations - before <= 8);
}

TEST_CASE("reads into a reused page allocate nothing", "[store][memory]") {
  MemoryStore store;
  create(store, 0, std::string(10'000, 'x'));
  StreamRecord record;
  REQUIRE(store.load_now(path_of(0), record)->value());
  StoredBytes page;
  const ReadRange range{.id = record.id, .from = 100, .to = 9000, .bytes_max = 9000};
  REQUIRE(store.read_now(range, page)->ok());
  const std::int64_t before = allocations;
  for (int i = 0; i < 100; ++i) static_cast<void>(store.read_now(range, page));
  CHECK(allocations == before);
}

}  // namespace durable_streams

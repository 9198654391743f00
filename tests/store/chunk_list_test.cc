// Bytes in chunks: how they grow, what they cost, and where appends end in them.
#include "store/bytes/chunk_list.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/seed.h"

namespace durable_streams {

namespace {

std::vector<Slice> slices_of(const ChunkList& list, std::uint64_t from, std::uint64_t to) {
  std::vector<Slice> slices;
  list.slice(from, to, slices);
  return slices;
}

std::string text_of(const ChunkList& list, std::uint64_t from, std::uint64_t to) {
  std::string text;
  for (const Slice& slice : slices_of(list, from, to)) text += slice.view();
  return text;
}

std::shared_ptr<MemoryBudget> budget() { return std::make_shared<MemoryBudget>(0); }

// What the list takes for `bytes`, which are then appended.
std::uint64_t append(ChunkList& list, std::string_view bytes, Framing framing = Framing::kBytes) {
  const std::uint64_t memory_bytes = list.memory_for_append(bytes, {}, framing);
  list.append(bytes, {}, framing, budget());
  return memory_bytes;
}

}  // namespace

TEST_CASE("the first chunk is as large as its bytes", "[store][chunk_list]") {
  ChunkList list(0);
  CHECK(append(list, "0123456789") < 128);
  CHECK(text_of(list, 0, 10) == "0123456789");
}

TEST_CASE("chunks double, so that a large read is few slices", "[store][chunk_list]") {
  ChunkList list(0);
  const std::string body(100, 'x');
  int chunks = 0;
  for (int i = 0; i < 10'486; ++i) {
    if (append(list, body) > 0) ++chunks;
  }
  CHECK(chunks <= 16);
  CHECK(slices_of(list, 0, 1'048'600).size() <= 16);
  CHECK(slices_of(list, 500'000, 1'000'000).size() <= 4);
}

TEST_CASE("what is held is at most a little more than twice what was appended",
          "[store][chunk_list]") {
  ChunkList list(0);
  const std::string body(50, 'x');
  std::uint64_t held = 0;
  std::uint64_t appended = 0;
  for (int i = 0; i < 5000; ++i) {
    held += append(list, body);
    appended += body.size();
    REQUIRE(held <= 3 * appended + 200);
  }
}

TEST_CASE("an append of many chunks' size goes into one", "[store][chunk_list]") {
  ChunkList list(0);
  const std::string body(3'000'000, 'x');
  append(list, body);
  CHECK(slices_of(list, 0, body.size()).size() == 1);
  append(list, "y");
  CHECK(append(list, "z") == 0);
}

TEST_CASE("large owned bytes are kept, not copied", "[store][chunk_list]") {
  ChunkList list(0);
  append(list, "before");
  const Slice owned = Slice::copy_of(std::string(ChunkList::kAdoptBytesMin, 'x'));
  list.append(owned.view(), owned, Framing::kBytes, budget());
  append(list, "after");
  const std::vector<Slice> slices = slices_of(list, 6, 6 + owned.size());
  REQUIRE(slices.size() == 1);
  CHECK(slices[0].data() == owned.data());
  CHECK(text_of(list, 6 + owned.size(), list.end()) == "after");
}

TEST_CASE("small owned bytes are copied, so that they keep no memory of others alive",
          "[store][chunk_list]") {
  ChunkList list(0);
  const Slice owned = Slice::copy_of(std::string(ChunkList::kAdoptBytesMin - 1, 'x'));
  list.append(owned.view(), owned, Framing::kBytes, budget());
  CHECK(slices_of(list, 0, owned.size())[0].data() != owned.data());
}

TEST_CASE("a list that begins elsewhere has its positions from there", "[store][chunk_list]") {
  ChunkList list(1'000'000'000'000);
  CHECK(list.end() == 1'000'000'000'000);
  append(list, "abc");
  append(list, "def");
  CHECK(text_of(list, 1'000'000'000'001, 1'000'000'000'005) == "bcde");
  CHECK(list.append_end_after(1'000'000'000'002) == 1'000'000'000'003);
  CHECK(list.last_append_end(1'000'000'000'000, 1'000'000'000'005) == 1'000'000'000'003);
}

TEST_CASE("append ends are those that were appended, whatever the sizes", "[store][chunk_list]") {
  const std::uint64_t seed = random_seed();
  INFO("DURABLE_STREAMS_SEED=" << seed);
  Random random(seed);
  ChunkList list(7);
  std::vector<std::uint64_t> ends;
  std::string expected(7, '-');
  for (int i = 0; i < 3000; ++i) {
    const std::size_t size = random.one_in(50) ? random.below(100'000) : random.below(20);
    const std::string body(size, static_cast<char>('a' + random.below(26)));
    const Slice owned = random.one_in(2) ? Slice::copy_of(body) : Slice();
    list.append(body, owned, Framing::kBytes, budget());
    expected += body;
    if (size > 0) ends.push_back(expected.size());
  }
  REQUIRE(list.end() == expected.size());
  for (int i = 0; i < 20'000; ++i) {
    const std::uint64_t from = 7 + random.below(expected.size() - 7);
    const std::uint64_t to = from + random.below(std::min<std::uint64_t>(
                                        expected.size() - from, random.one_in(2) ? 30 : 200'000));
    const auto after = std::upper_bound(ends.begin(), ends.end(), from);
    REQUIRE(list.append_end_after(from) == *after);
    const auto last = std::upper_bound(ends.begin(), ends.end(), to);
    const bool none = last == ends.begin() || *(last - 1) <= from;
    REQUIRE(list.last_append_end(from, to) ==
            (none ? std::nullopt : std::optional<std::uint64_t>(*(last - 1))));
    if (i % 200 == 0) REQUIRE(text_of(list, from, to) == expected.substr(from, to - from));
  }
}

TEST_CASE("messages need no room for ends", "[store][chunk_list]") {
  ChunkList bytes(0);
  ChunkList messages(0);
  std::uint64_t bytes_held = 0;
  std::uint64_t messages_held = 0;
  for (int i = 0; i < 100'000; ++i) {
    bytes_held += append(bytes, "1,\n", Framing::kBytes);
    messages_held += append(messages, "1,\n", Framing::kJson);
  }
  CHECK(bytes_held > messages_held);
  CHECK(text_of(messages, 0, 6) == "1,\n1,\n");
}

}  // namespace durable_streams

// Cached blocks: whose bytes they are, when they are held, and how many at most.
#include "store/file/block_cache.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "store/file/pack.h"
#include "tests/store_file/memory_files.h"
#include "tests/store_file/pack_samples.h"
#include "tests/support/catch.h"
#include "tests/support/seed.h"

namespace durable_streams {
namespace {

constexpr std::uint64_t kBlock = pack_format::kBlockDataBytes;
constexpr std::uint64_t kMiB = 1 << 20;

pack_format::BlockPlace place(std::uint64_t block) {
  return {.pack = 1, .stream = 5, .first = block * 100, .data_bytes = 100};
}

void hold(BlockCache& cache, const pack_format::BlockPlace& where, std::string_view content) {
  cache.offer(where, content);
  cache.offer(where, content);
}

// Three blocks of a stream, the last one short.
struct CachedPack {
  explicit CachedPack(std::uint64_t cache_bytes) {
    const auto writer = new_pack(files, 1);
    const std::vector<std::uint64_t> ends{kBlock + 10, 2 * kBlock + 100};
    bytes = std::string(kBlock, 'a') + std::string(kBlock, 'b') + std::string(100, 'c');
    extent = write_extent(*writer, 5, Framing::kBytes, 0, bytes, ends);
    const SettledStream stream = sample_stream(5, bytes.size(), 9);
    writer->index_stream({.stream = stream, .extents = {extent}, .producers = {}}).value();
    writer->finish().value();
    cache = std::make_shared<BlockCache>(cache_bytes);
    pack = Pack::open(files, pack_place(1), cache).value();
  }

  Result<std::string> read(std::uint64_t from, std::uint64_t to) {
    return read_pack(*pack, 5, extent, from, to);
  }

  void read_twice() {
    for (int i = 0; i < 2; ++i) REQUIRE(read(0, bytes.size()).value() == bytes);
  }

  MemoryFiles files;
  std::string bytes;
  Extent extent;
  std::shared_ptr<BlockCache> cache;
  std::unique_ptr<Pack> pack;
};

TEST_CASE("a block is held from the second time that it is offered", "[block_cache]") {
  BlockCache cache(kMiB);
  cache.offer(place(1), "hello");
  CHECK(cache.find(place(1)).bytes == nullptr);
  cache.offer(place(1), "hello");
  CHECK(cache.find(place(1)).view() == "hello");
  CHECK(cache.stats().hits == 1);
  CHECK(cache.stats().misses == 2);
}

TEST_CASE("a block of another pack, stream, place or length is not taken for the one asked for",
          "[block_cache]") {
  BlockCache cache(kMiB);
  const pack_format::BlockPlace held{.pack = 1, .stream = 2, .first = 3, .data_bytes = 4};
  hold(cache, held, "text");
  for (int field = 0; field < 4; ++field) {
    pack_format::BlockPlace other = held;
    other.pack += field == 0;
    other.stream += field == 1;
    other.first += field == 2;
    other.data_bytes += field == 3;
    CHECK(cache.find(other).bytes == nullptr);
  }
  CHECK(cache.find(held).view() == "text");
}

TEST_CASE("the least recently used blocks make way, and no more than the limit is held",
          "[block_cache]") {
  BlockCache cache(16 * kMiB);  // in shards of 1 MiB
  const std::string content(kBlock, 'x');
  for (std::uint64_t i = 0; i < 1000; ++i) {
    hold(cache, place(i), content);
    REQUIRE(cache.find(place(0)).bytes != nullptr);  // used all the time
    REQUIRE(cache.stats().bytes <= 16 * kMiB);
  }
  CHECK(cache.stats().bytes > 15 * kMiB);
  CHECK(cache.find(place(999)).bytes != nullptr);
  CHECK(cache.find(place(1)).bytes == nullptr);
}

TEST_CASE("a block that is larger than its share of the limit is not held", "[block_cache]") {
  BlockCache cache(16 * kMiB);
  hold(cache, place(1), std::string(kMiB, 'x'));
  CHECK(cache.find(place(1)).bytes == nullptr);
  CHECK(cache.stats().bytes == 0);
}

TEST_CASE("a limit of a MiB has room for full blocks", "[block_cache]") {
  BlockCache cache(kMiB);
  for (std::uint64_t i = 0; i < 8; ++i) hold(cache, place(i), std::string(kBlock, 'x'));
  for (std::uint64_t i = 0; i < 8; ++i) CHECK(cache.find(place(i)).bytes != nullptr);
}

TEST_CASE("a block that is offered again though it is held counts as used", "[block_cache]") {
  BlockCache cache(kMiB);
  const std::string content(kBlock, 'x');
  hold(cache, place(0), content);
  for (std::uint64_t i = 1; i < 100; ++i) {
    hold(cache, place(i), content);
    cache.offer(place(0), content);
  }
  CHECK(cache.find(place(0)).bytes != nullptr);
}

TEST_CASE("who reads much once drives nothing out", "[block_cache]") {
  BlockCache cache(16 * kMiB);
  const std::string content(kBlock, 'x');
  for (std::uint64_t i = 0; i < 100; ++i) hold(cache, place(i), content);
  for (std::uint64_t i = 1000; i < 11'000; ++i) cache.offer(place(i), content);
  for (std::uint64_t i = 0; i < 100; ++i) REQUIRE(cache.find(place(i)).bytes != nullptr);
}

TEST_CASE("what was found stays readable when it is driven out", "[block_cache]") {
  BlockCache cache(16 * kMiB);
  hold(cache, place(0), "first");
  const BlockCache::Content found = cache.find(place(0));
  for (std::uint64_t i = 1; i < 2000; ++i) hold(cache, place(i), std::string(kBlock, 'x'));
  CHECK(cache.find(place(0)).bytes == nullptr);
  CHECK(found.view() == "first");
}

TEST_CASE("random blocks that are found are those that were offered", "[block_cache][random]") {
  const std::uint64_t seed = random_seed();
  INFO("DURABLE_STREAMS_SEED=" << seed);
  Random random(seed);
  BlockCache cache(kMiB);
  std::uint64_t found_ones = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::uint64_t block = random.below(200);
    const std::string content(100 + block * 20, static_cast<char>('a' + block % 26));
    const BlockCache::Content found = cache.find(place(block));
    if (found.bytes == nullptr) {
      cache.offer(place(block), content);
    } else {
      ++found_ones;
      REQUIRE(found.view() == content);
    }
    REQUIRE(cache.stats().bytes <= kMiB);
  }
  CHECK(cache.stats().hits == found_ones);
  CHECK(found_ones > 1000);
}

TEST_CASE("many threads find and offer at once", "[block_cache]") {
  BlockCache cache(kMiB);
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (std::uint64_t i = 0; i < 5000; ++i) {
        const std::uint64_t block = (i * 7 + static_cast<std::uint64_t>(t)) % 100;
        const std::string content(1000 + block * 50, static_cast<char>(block));
        const BlockCache::Content found = cache.find(place(block));
        if (found.bytes == nullptr) {
          cache.offer(place(block), content);
        } else if (found.view() != content) {
          ++wrong;
        }
      }
    });
  }
  for (std::thread& each : threads) each.join();
  CHECK(wrong == 0);
}

TEST_CASE("blocks that were read twice are read without the file", "[block_cache][pack]") {
  CachedPack one(16 * kMiB);
  one.read_twice();
  one.files.reads = 0;
  one.files.cached = false;
  std::vector<Slice> slices;
  REQUIRE(one.pack->read(Pack::Wait::kNo, 5, one.extent, 10, 2 * kBlock + 50, slices)->ok());
  std::string bytes;
  for (const Slice& slice : slices) bytes += slice.view();
  CHECK(bytes == one.bytes.substr(10, 2 * kBlock + 40));
  CHECK(one.pack->last_append_end(Pack::Wait::kNo, 5, one.extent, 0, 2 * kBlock)->value() ==
        kBlock + 10);
  CHECK(one.pack->append_end_after(Pack::Wait::kNo, 5, one.extent, kBlock + 10)->value() ==
        2 * kBlock + 100);
  CHECK(one.files.reads == 0);
}

TEST_CASE("of blocks some of which are held only the others are read", "[block_cache][pack]") {
  CachedPack one(16 * kMiB);
  for (int i = 0; i < 2; ++i) REQUIRE(one.read(kBlock, kBlock + 10).ok());  // the second block
  for (const std::uint64_t from : {std::uint64_t{10}, kBlock + 10}) {
    const std::uint64_t to = from + kBlock;
    const BlockCache::Stats before = one.cache->stats();
    CHECK(one.read(from, to).value() == one.bytes.substr(from, kBlock));
    CHECK(one.cache->stats().hits == before.hits + 1);
    CHECK(one.cache->stats().misses == before.misses + 1);
  }
  CHECK(one.read(0, one.bytes.size()).value() == one.bytes);
}

TEST_CASE("slices of cached blocks outlive pack and cache", "[block_cache][pack]") {
  CachedPack one(16 * kMiB);
  one.read_twice();
  std::vector<Slice> slices;
  REQUIRE(one.pack->read(Pack::Wait::kYes, 5, one.extent, 0, 3, slices)->ok());
  one.pack.reset();
  one.cache.reset();
  CHECK(slices[0].view() == "aaa");
}

TEST_CASE("a damaged block is never cached, and is told each time", "[block_cache][pack]") {
  CachedPack one(16 * kMiB);
  one.files.bytes(pack_path(1))[one.extent.offset + kBlock + 100] ^= 1;
  for (int i = 0; i < 4; ++i) {
    CHECK(one.read(0, one.bytes.size()).error().code == ErrorCode::kCorruption);
    CHECK(one.read(0, 10).value() == "aaaaaaaaaa");
  }
}

TEST_CASE("damage of the file is found by who verifies it, though the block is cached",
          "[block_cache][pack]") {
  CachedPack one(16 * kMiB);
  one.read_twice();
  one.files.bytes(pack_path(1))[one.extent.offset + kBlock + 100] ^= 1;
  CHECK(one.read(0, one.bytes.size()).value() == one.bytes);
  CHECK(one.pack->verify(5, one.extent).error().code == ErrorCode::kCorruption);
}

}  // namespace
}  // namespace durable_streams

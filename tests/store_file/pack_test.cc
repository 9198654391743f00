// Packs: that what was written comes back, and where reads end.
#include <algorithm>
#include <string>
#include <vector>

#include "store/file/pack.h"
#include "store/file/pack_format.h"
#include "tests/store_file/memory_files.h"
#include "tests/store_file/pack_samples.h"
#include "tests/support/catch.h"
#include "tests/support/seed.h"

namespace durable_streams {
namespace {

constexpr std::uint64_t kBlock = pack_format::kBlockDataBytes;
constexpr auto kWait = Pack::Wait::kYes;
constexpr std::uint64_t kNone = UINT64_MAX;

TEST_CASE("a pack gives back bytes, records, producers and removals", "[pack]") {
  MemoryFiles files;
  const auto writer = new_pack(files, 42);
  const Extent bytes = write_extent(*writer, 7, Framing::kBytes, 1000, "hello world",
                                    std::vector<std::uint64_t>{1006, 1011});
  const Extent json = write_extent(*writer, 9, Framing::kJson, 0, "{\"a\":1},\n", {});
  writer->index_replaced(3).value();
  writer->index_replaced(2).value();
  const SettledStream seven = sample_stream(7, 1011, 50);
  writer
      ->index_stream({.stream = seven,
                      .extents = {bytes},
                      .producers = {{"p", ProducerState{3, 4}}, {"q", std::nullopt}}})
      .value();
  writer->index_removed(8, 44).value();
  const SettledStream nine = sample_stream(9, 9, 51, Framing::kJson);
  writer->index_stream({.stream = nine, .extents = {json}, .producers = {}}).value();
  const PackInfo info = writer->finish().value();
  CHECK(info.stream_bytes == 20);
  CHECK(info.live_bytes == 20);
  CHECK(info.file_bytes == files.bytes(pack_path(42)).size());

  const auto pack = open_pack(files, 42);
  CHECK(pack->info() == info);
  CHECK(pack->lowest_lsn() == 44);
  CHECK(pack->highest_lsn() == 51);
  CHECK(read_pack(*pack, 7, bytes, 1000, 1011).value() == "hello world");
  CHECK(read_pack(*pack, 7, bytes, 1004, 1007).value() == "o w");
  CHECK(read_pack(*pack, 9, json, 0, 9).value() == "{\"a\":1},\n");

  const std::vector<PackIndexEntry> index = read_index(*pack).value();
  REQUIRE(index.size() == 5);
  CHECK(index[0].pack == 3);
  CHECK(index[1].pack == 2);
  CHECK(index[2].id == 7);
  CHECK(index[2].stream.stream.record.path == "s/7");
  CHECK(index[2].stream.extents == std::vector<Extent>{bytes});
  REQUIRE(index[2].stream.producers.size() == 2);
  CHECK(index[2].stream.producers[0].id == "p");
  CHECK(index[2].stream.producers[0].state == ProducerState{3, 4});
  CHECK(index[2].stream.producers[1].id == "q");
  CHECK_FALSE(index[2].stream.producers[1].state);  // it was forgotten
  CHECK(index[3].kind == PackIndexEntry::Kind::kRemoved);
  CHECK(index[3].id == 8);
  CHECK(index[3].lsn == 44);
  CHECK(index[4].stream.stream.record.framing == Framing::kJson);
}

// The example of docs/disk-format.md.
constexpr std::string_view kGolden =
    "4453545041434b0a2a000000000000008877665544332211010000009ee893d6"
    "229222e10200000068656c6c6f20776f726c640605"
    "ecdc74972f000000"
    "0529"
    "01ac02000703612f620a746578742f706c61696e03f307"
    "02e8070b2000"
    "030170010280d095ffbc3101"
    "0408ad02"
    "2a000000000000003500000000000000370000000000000003000000000000000b00000000000000"
    "2b010000000000002d010000000000006a0c919f50454e44";

std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  }
  return bytes;
}

TEST_CASE("a pack of format 1 stays readable, and is what is written", "[pack][golden]") {
  MemoryFiles files;
  files.put(pack_path(42), from_hex(kGolden));
  const auto pack = open_pack(files, 42);
  const std::vector<PackIndexEntry> index = read_index(*pack).value();
  REQUIRE(index.size() == 3);
  CHECK(index[0].pack == 41);
  const PackEntry& stream = index[1].stream;
  CHECK(stream.stream.record.path == "a/b");
  CHECK(stream.stream.lsn == 300);
  REQUIRE(stream.extents.size() == 1);
  CHECK(read_pack(*pack, 7, stream.extents[0], 1000, 1011).value() == "hello world");
  CHECK(pack->append_end_after(kWait, 7, stream.extents[0], 1000)->value() == 1006);
  REQUIRE(stream.producers.size() == 1);
  CHECK(stream.producers[0].state ==
        ProducerState{1, 2, WallTime(std::chrono::milliseconds(1'700'000'000'000))});
  CHECK(stream.producers[0].lsn == 299);
  CHECK(index[2].id == 8);
  CHECK(index[2].lsn == 301);

  MemoryFiles again;
  const auto writer = new_pack(again, 42);
  const std::vector<std::uint64_t> ends{1006, 1011};
  CHECK(write_extent(*writer, 7, Framing::kBytes, 1000, "hello world", ends) == stream.extents[0]);
  writer->index_replaced(41).value();
  writer->index_stream(stream).value();
  writer->index_removed(8, 301).value();
  writer->finish().value();
  CHECK(again.bytes(pack_path(42)) == from_hex(kGolden));
}

TEST_CASE("a pack without streams can be read", "[pack]") {
  MemoryFiles files;
  const PackInfo info = new_pack(files, 1)->finish().value();
  CHECK(info.file_bytes == pack_format::kHeaderBytes + pack_format::kFooterBytes);
  CHECK(read_index(*open_pack(files, 1)).value().empty());
}

TEST_CASE("an extent may end before, at and behind the end of a block", "[pack]") {
  for (const std::uint64_t size : {std::uint64_t{1}, kBlock - 1, kBlock, kBlock + 1, 2 * kBlock - 1,
                                   2 * kBlock, 2 * kBlock + 1, 40 * kBlock + 3}) {
    CAPTURE(size);
    OneExtent one(kBlock / 2, text_of(size), {kBlock / 2 + size});
    const Extent& extent = one.extent;
    CHECK(extent.to - extent.from == size);
    CHECK((extent.directory == 0) == (size <= kBlock));
    CHECK(read_pack(*one.pack, 5, extent, extent.from, extent.to).value() == one.bytes);
    CHECK(read_pack(*one.pack, 5, extent, extent.to - 1, extent.to).value() ==
          one.bytes.substr(size - 1));
    if (size > kBlock) {
      const std::uint64_t edge = extent.from + kBlock;
      CHECK(read_pack(*one.pack, 5, extent, edge - 1, edge + 1).value() ==
            one.bytes.substr(kBlock - 1, 2));
    }
    CHECK(one.pack->verify(5, extent).ok());
    CHECK(one.pack->append_end_after(kWait, 5, extent, extent.from)->value() == extent.to);
    CHECK(one.pack->last_append_end(kWait, 5, extent, extent.from, extent.to)->value() ==
          extent.to);
  }
}

TEST_CASE("an append that spans blocks ends where it ends", "[pack]") {
  const std::uint64_t size = 3 * kBlock + 100;
  OneExtent one(0, text_of(size), {10, 2 * kBlock + 50, size});
  Pack& pack = *one.pack;
  CHECK(pack.append_end_after(kWait, 5, one.extent, 9)->value() == 10);
  CHECK(pack.append_end_after(kWait, 5, one.extent, 10)->value() == 2 * kBlock + 50);
  CHECK(pack.append_end_after(kWait, 5, one.extent, kBlock + 1)->value() == 2 * kBlock + 50);
  CHECK(pack.append_end_after(kWait, 5, one.extent, 2 * kBlock + 50)->value() == size);
  CHECK(pack.last_append_end(kWait, 5, one.extent, 0, 2 * kBlock)->value() == 10);
  CHECK(pack.last_append_end(kWait, 5, one.extent, 10, 2 * kBlock)->value() == kNone);
  CHECK(pack.last_append_end(kWait, 5, one.extent, 10, 2 * kBlock + 50)->value() ==
        2 * kBlock + 50);
}

TEST_CASE("an append that goes on in the next extent has no end in this one", "[pack]") {
  OneExtent one(0, text_of(kBlock + 10), {kBlock});
  CHECK(one.pack->append_end_after(kWait, 5, one.extent, kBlock - 1)->value() == kBlock);
  CHECK(one.pack->append_end_after(kWait, 5, one.extent, kBlock)->value() == kNone);
  CHECK(one.pack->last_append_end(kWait, 5, one.extent, kBlock, kBlock + 10)->value() == kNone);
}

TEST_CASE("append ends may be told after the bytes among which they are", "[pack]") {
  MemoryFiles files;
  const auto writer = new_pack(files, 1);
  const std::string bytes = text_of(3 * kBlock);
  writer->begin_extent(5, Framing::kBytes, 0).value();
  writer->add_bytes(std::string_view(bytes).substr(0, 10)).value();
  writer->add_append_end(10);
  writer->add_bytes(std::string_view(bytes).substr(10)).value();
  writer->add_append_end(kBlock - 1);
  writer->add_append_end(3 * kBlock);
  const Extent extent = writer->end_extent().value();
  writer->finish().value();
  const auto pack = open_pack(files, 1);
  CHECK(pack->append_end_after(kWait, 5, extent, 0)->value() == 10);
  CHECK(pack->append_end_after(kWait, 5, extent, 10)->value() == kBlock - 1);
  CHECK(pack->append_end_after(kWait, 5, extent, kBlock)->value() == 3 * kBlock);
  CHECK(read_pack(*pack, 5, extent, 0, extent.to).value() == bytes);
}

// Appends of a byte up to several blocks, and what is known of them.
struct RandomAppends {
  explicit RandomAppends(Random& random) : from(random.below(1000)) {
    const std::uint64_t count = 1 + random.below(60);
    const std::uint64_t large = random.one_in(2) ? 3 * kBlock : 300;
    for (std::uint64_t i = 0; i < count; ++i) {
      bytes += text_of(1 + random.below(random.one_in(10) ? large : 200), i);
      ends.push_back(from + bytes.size());
    }
  }

  std::uint64_t last_end(std::uint64_t after, std::uint64_t to) const {
    const auto next = std::upper_bound(ends.begin(), ends.end(), to);
    return next == ends.begin() || *(next - 1) <= after ? kNone : *(next - 1);
  }

  std::uint64_t end_after(std::uint64_t position) const {
    const auto next = std::upper_bound(ends.begin(), ends.end(), position);
    return next == ends.end() ? kNone : *next;
  }

  std::uint64_t from;
  std::string bytes;
  std::vector<std::uint64_t> ends;
};

TEST_CASE("random appends are read back as they were, with their ends", "[pack][random]") {
  const std::uint64_t seed = random_seed();
  INFO("DURABLE_STREAMS_SEED=" << seed);
  Random random(seed);
  for (int round = 0; round < 30; ++round) {
    const RandomAppends appends(random);
    OneExtent one(appends.from, appends.bytes, appends.ends);
    for (int i = 0; i < 60; ++i) {
      const std::uint64_t begin = random.below(appends.bytes.size());
      const std::uint64_t end = begin + 1 + random.below(appends.bytes.size() - begin);
      const std::uint64_t from = appends.from + begin;
      const std::uint64_t to = appends.from + end;
      const auto wait = random.one_in(2) ? Pack::Wait::kNo : kWait;
      REQUIRE(read_pack(*one.pack, 5, one.extent, from, to).value() ==
              appends.bytes.substr(begin, end - begin));
      REQUIRE(one.pack->last_append_end(wait, 5, one.extent, from, to)->value() ==
              appends.last_end(from, to));
      REQUIRE(one.pack->append_end_after(wait, 5, one.extent, from)->value() ==
              appends.end_after(from));
    }
  }
}

TEST_CASE("a small extent is read with one call, a page over many blocks with two", "[pack]") {
  OneExtent small(0, text_of(2000), {1000, 2000});
  small.files.reads = 0;
  CHECK(read_pack(*small.pack, 5, small.extent, 500, 1500).ok());
  CHECK(small.files.reads == 1);

  OneExtent large(0, text_of(3 << 20), {3 << 20});
  large.files.reads = 0;
  CHECK(read_pack(*large.pack, 5, large.extent, 100, 100 + (1 << 20)).ok());
  CHECK(large.files.reads == 2);
}

TEST_CASE("one-byte appends fill a block with as many ends as bytes", "[pack]") {
  for (const std::uint64_t size : {std::uint64_t{100}, kBlock, kBlock + 7}) {
    std::vector<std::uint64_t> ends;
    for (std::uint64_t end = 1; end <= size; ++end) ends.push_back(end);
    OneExtent one(0, text_of(size), ends);
    CHECK(read_pack(*one.pack, 5, one.extent, 0, size).value() == one.bytes);
    CHECK(one.pack->last_append_end(kWait, 5, one.extent, 0, size - 3)->value() == size - 3);
  }
}

TEST_CASE("a read that may not wait answers nothing when the bytes are not cached", "[pack]") {
  OneExtent one(0, text_of(kBlock * 2), {kBlock * 2});
  std::vector<Slice> slices{Slice::unowned("before")};
  one.files.cached = false;
  CHECK_FALSE(one.pack->read(Pack::Wait::kNo, 5, one.extent, 0, 10, slices).has_value());
  CHECK_FALSE(one.pack->last_append_end(Pack::Wait::kNo, 5, one.extent, 0, 10).has_value());
  CHECK_FALSE(one.pack->append_end_after(Pack::Wait::kNo, 5, one.extent, 0).has_value());
  CHECK(slices.size() == 1);
  one.files.cached = true;
  CHECK(one.pack->read(Pack::Wait::kNo, 5, one.extent, 0, 10, slices)->ok());
  CHECK(slices.size() == 2);
}

TEST_CASE("slices outlive the pack they were read from", "[pack]") {
  OneExtent one(0, "hello", {5});
  std::vector<Slice> slices;
  one.pack->read(kWait, 5, one.extent, 1, 4, slices)->value();
  one.pack.reset();
  CHECK(slices[0].view() == "ell");
}

TEST_CASE("an index may have many pages, and a stream more producers than a page holds", "[pack]") {
  MemoryFiles files;
  const auto writer = new_pack(files, 1);
  for (StreamId id = 1; id <= 3000; ++id) {
    PackEntry entry{.stream = sample_stream(id, 0, id), .extents = {}, .producers = {}};
    if (id == 1000) {
      for (std::uint64_t i = 0; i < 5000; ++i)
        entry.producers.push_back({"producer-" + std::to_string(i), ProducerState{1, i}});
    }
    writer->index_stream(entry).value();
  }
  writer->finish().value();
  const auto pack = open_pack(files, 1);
  const std::vector<PackIndexEntry> index = read_index(*pack).value();
  REQUIRE(index.size() == 3000);
  CHECK(index[2999].id == 3000);
  REQUIRE(index[999].stream.producers.size() == 5000);
  CHECK(index[999].stream.producers[4999].id == "producer-4999");
  CHECK(index[999].stream.producers[4999].state == ProducerState{1, 4999});

  std::size_t streams = 0;
  Pack::IndexVisitor visitor;
  visitor.stream = [&](PackEntry&) {
    return ++streams == 10 ? Status(Error{ErrorCode::kCanceled, "enough", {}}) : Status();
  };
  CHECK(pack->walk_index(visitor).error().code == ErrorCode::kCanceled);
  CHECK(streams == 10);
}

TEST_CASE("an index entry that no page can hold is refused", "[pack]") {
  MemoryFiles files;
  const auto writer = new_pack(files, 1);
  SettledStream stream = sample_stream(1, 0, 1);
  stream.record.content_type = std::string(2 << 20, 'x');
  CHECK(writer->index_stream({.stream = stream, .extents = {}, .producers = {}}).error().code ==
        ErrorCode::kTooLarge);
  CHECK(writer->finish().error().code == ErrorCode::kTooLarge);
}

TEST_CASE("a pack that found no room leaves no file", "[pack]") {
  MemoryFiles files;
  const std::string bytes = text_of(5 << 20);
  for (const std::uint64_t room :
       {std::uint64_t{0}, std::uint64_t{1} << 20, (std::uint64_t{5} << 20) + 100}) {
    files.room = room;
    auto writer = new_pack(files, 1);
    CHECK(files.contains(pack_path(1) + ".tmp"));
    writer->begin_extent(5, Framing::kBytes, 0).value();
    for (std::size_t i = 0; i < bytes.size(); i += 100'000) {
      if (!writer->add_bytes(std::string_view(bytes).substr(i, 100'000)).ok()) break;
    }
    ignore(writer->end_extent(), "finish() tells");
    CHECK(writer->finish().error().code == ErrorCode::kNoSpace);
    writer.reset();
    CHECK_FALSE(files.contains(pack_path(1) + ".tmp"));
    CHECK_FALSE(files.contains(pack_path(1)));
  }
  files.room = UINT64_MAX;
  files.put(pack_path(1) + ".tmp", "left by a crash");
  CHECK(is_unfinished_pack(pack_file_name(1) + ".tmp"));
  CHECK_FALSE(is_unfinished_pack(pack_file_name(1)));
  new_pack(files, 1)->finish().value();
  CHECK_FALSE(files.contains(pack_path(1) + ".tmp"));
}

}  // namespace
}  // namespace durable_streams

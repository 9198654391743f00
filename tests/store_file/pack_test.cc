// Packs: that what was written comes back, where reads end, and that no damage is taken for a
// stream's bytes.
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

std::string text_of(std::size_t size, std::uint64_t seed = 7) {
  Random random(seed);
  std::string text(size, '\0');
  for (char& byte : text) byte = static_cast<char>('a' + random.below(26));
  return text;
}

// One pack with one extent.
struct OneExtent {
  OneExtent(std::uint64_t from, std::string content, const std::vector<std::uint64_t>& ends)
      : bytes(std::move(content)) {
    const auto writer = new_pack(files, 1);
    extent = write_extent(*writer, 5, Framing::kBytes, from, bytes, ends);
    const SettledStream stream = sample_stream(5, from + bytes.size(), 9);
    writer->index_stream({.stream = stream, .extents = {extent}, .producers = {}}).value();
    writer->finish().value();
    pack = open_pack(files, 1);
  }

  MemoryFiles files;
  std::string bytes;
  Extent extent;
  std::unique_ptr<Pack> pack;
};

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

TEST_CASE("a block of another stream, place or pack is not taken for the one asked for", "[pack]") {
  MemoryFiles files;
  std::vector<Extent> extents;
  for (const PackId id : {PackId{1}, PackId{2}}) {
    const auto writer = new_pack(files, id);
    extents.push_back(write_extent(*writer, 5, Framing::kBytes, 0, "abc", {}));
    extents.push_back(write_extent(*writer, 6, Framing::kBytes, 0, "def", {}));
    writer->finish().value();
  }
  const auto pack = open_pack(files, 1);
  const auto code_of = [&](StreamId id, const Extent& extent) {
    return read_pack(*pack, id, extent, extent.from, extent.to).error().code;
  };
  CHECK(code_of(6, extents[0]) == ErrorCode::kCorruption);
  Extent elsewhere = extents[0];
  elsewhere.from += 3;
  elsewhere.to += 3;
  CHECK(code_of(5, elsewhere) == ErrorCode::kCorruption);
  elsewhere = extents[0];
  elsewhere.to -= 1;
  CHECK(code_of(5, elsewhere) == ErrorCode::kCorruption);

  std::string& first = files.bytes(pack_path(1));
  const std::string& second = files.bytes(pack_path(2));
  first.replace(extents[0].offset, 11, second, extents[0].offset, 11);
  const Result<std::string> swapped = read_pack(*pack, 5, extents[0], 0, 3);
  REQUIRE_FALSE(swapped.ok());
  CHECK(swapped.error().message == "pack 1: stream 5, bytes 0 to 3: a block fails its checksum");
}

TEST_CASE("an impossible extent is refused before anything is read or allocated for it", "[pack]") {
  OneExtent one(0, text_of(kBlock * 2), {});
  const auto refused = [&](Extent extent) {
    one.files.reads = 0;
    const Result<std::string> read =
        read_pack(*one.pack, 5, extent, extent.from, std::max(extent.from + 1, extent.to));
    return !read.ok() && read.error().code == ErrorCode::kCorruption && one.files.reads == 0;
  };
  const Extent good = one.extent;
  Extent bad = good;
  bad.to = UINT64_MAX;
  CHECK(refused(bad));
  bad = good;
  bad.to = bad.from;
  CHECK(refused(bad));
  bad = good;
  bad.offset = UINT64_MAX - 100;
  CHECK(refused(bad));
  bad = good;
  bad.directory = UINT64_MAX - 4;
  CHECK(refused(bad));
  bad = good;
  bad.directory = 0;
  CHECK(refused(bad));
  bad = good;
  bad.pack = 2;
  CHECK(refused(bad));
  CHECK_FALSE(read_pack(*one.pack, 5, good, 0, good.to + 1).ok());
}

TEST_CASE("a pack of another store, another name or a newer format is refused", "[pack]") {
  OneExtent one(0, "hello", {5});
  PackWriter::Place place = pack_place(1);
  place.store_id = 99;
  CHECK(Pack::open(one.files, place).error().code == ErrorCode::kCorruption);
  one.files.put(pack_path(2), one.files.bytes(pack_path(1)));
  CHECK(Pack::open(one.files, pack_place(2)).error().code == ErrorCode::kCorruption);
  CHECK(Pack::open(one.files, pack_place(3)).error().code == ErrorCode::kNotFound);
  const std::string newer =
      pack_format::encode_header({.version = 2, .pack = 1, .store_id = kStoreId});
  one.files.bytes(pack_path(1)).replace(0, newer.size(), newer);
  CHECK(Pack::open(one.files, pack_place(1)).error().code == ErrorCode::kUnavailable);
}

// A pack with a little of everything, and what each of its parts must read as.
struct Sample {
  explicit Sample(std::size_t large_bytes) : large(text_of(large_bytes)) {
    const auto writer = new_pack(files, 1);
    extents.push_back(write_extent(*writer, 5, Framing::kBytes, 3, "hello world",
                                   std::vector<std::uint64_t>{8, 14}));
    extents.push_back(write_extent(*writer, 6, Framing::kJson, 0, "1,\n22,\n", {}));
    if (!large.empty()) {
      std::vector<std::uint64_t> ends;
      for (std::uint64_t end = 900; end < large.size(); end += 900) ends.push_back(end);
      extents.push_back(write_extent(*writer, 7, Framing::kBytes, 0, large, ends));
    }
    writer->index_replaced(9).value();
    for (const Extent& extent : extents) {
      const StreamId id = 5 + static_cast<StreamId>(&extent - extents.data());
      writer
          ->index_stream({.stream = sample_stream(id, extent.to, 30 + id),
                          .extents = {extent},
                          .producers = {{"p", ProducerState{1, 2}}}})
          .value();
    }
    writer->index_removed(50, 31).value();
    writer->finish().value();
    index = describe(*open_pack(files, 1));
  }

  static std::string describe(Pack& pack) {
    const Result<std::vector<PackIndexEntry>> entries = read_index(pack);
    if (!entries) return "error " + std::string(to_string(entries.error().code));
    std::string text;
    for (const PackIndexEntry& entry : *entries) {
      text += std::to_string(static_cast<int>(entry.kind)) + " " + std::to_string(entry.id) + " " +
              std::to_string(entry.lsn) + " " + std::to_string(entry.pack) + " " +
              entry.stream.stream.record.path;
      for (const Extent& extent : entry.stream.extents) {
        text += " " + std::to_string(extent.from) + "-" + std::to_string(extent.to) + "@" +
                std::to_string(extent.offset) + "/" + std::to_string(extent.directory);
      }
      for (const ProducerEntry& producer : entry.stream.producers) text += " " + producer.id;
      text += "\n";
    }
    return text;
  }

  // Whether all that the pack tells is right or an error that says that it is damaged.
  bool tells_no_lie() {
    const Result<std::unique_ptr<Pack>> pack = Pack::open(files, pack_place(1));
    if (!pack) return pack.error().code == ErrorCode::kCorruption;
    const std::vector<std::string> expected{"hello world", "1,\n22,\n", large};
    for (std::size_t i = 0; i < extents.size(); ++i) {
      const Result<std::string> read =
          read_pack(**pack, 5 + i, extents[i], extents[i].from, extents[i].to);
      if (read.ok() ? *read != expected[i] : read.error().code != ErrorCode::kCorruption)
        return false;
    }
    for (const auto& end : {(*pack)->append_end_after(kWait, 5, extents[0], 3),
                            (*pack)->last_append_end(kWait, 5, extents[0], 3, 10)}) {
      if (end->ok() ? end->value() != 8 : end->error().code != ErrorCode::kCorruption) return false;
    }
    const std::string told = describe(**pack);
    return told == index || told == "error corruption";
  }

  // Whether the damage is seen by somebody who reads all.
  bool verifies() {
    const Result<std::unique_ptr<Pack>> pack = Pack::open(files, pack_place(1));
    if (!pack || describe(**pack) != index) return false;
    for (std::size_t i = 0; i < extents.size(); ++i) {
      if (!(*pack)->verify(5 + i, extents[i]).ok()) return false;
    }
    return true;
  }

  void flip(std::size_t bit) {
    char& byte = files.bytes(pack_path(1))[bit / 8];
    byte = static_cast<char>(static_cast<unsigned char>(byte) ^ (1U << bit % 8));
  }

  MemoryFiles files;
  std::string large;
  std::vector<Extent> extents;
  std::string index;
};

TEST_CASE("every flipped bit of a small pack is found", "[pack]") {
  Sample sample(0);
  REQUIRE(sample.tells_no_lie());
  REQUIRE(sample.verifies());
  const std::size_t bits = sample.files.bytes(pack_path(1)).size() * 8;
  for (std::size_t bit = 0; bit < bits; ++bit) {
    sample.flip(bit);
    INFO("bit " << bit);
    REQUIRE(sample.tells_no_lie());
    REQUIRE_FALSE(sample.verifies());
    sample.flip(bit);
  }
}

TEST_CASE("flipped bits of blocks and of their directory are found", "[pack][random]") {
  const std::uint64_t seed = random_seed();
  INFO("DURABLE_STREAMS_SEED=" << seed);
  Random random(seed);
  Sample sample(2 * kBlock + 500);
  REQUIRE(sample.verifies());
  const Extent& large = sample.extents[2];
  const std::size_t directory_begin = large.directory * 8;
  for (std::size_t i = 0; i < 400; ++i) {
    const std::size_t bit =
        i < 128 ? directory_begin + i
                : large.offset * 8 + random.below((large.directory - large.offset) * 8);
    sample.flip(bit);
    INFO("bit " << bit);
    REQUIRE(sample.tells_no_lie());
    REQUIRE_FALSE(sample.verifies());
    sample.flip(bit);
  }
}

TEST_CASE("a pack that was cut short is not opened", "[pack]") {
  Sample sample(0);
  std::string& bytes = sample.files.bytes(pack_path(1));
  const std::string whole = bytes;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    bytes = whole.substr(0, size);
    INFO("cut to " << size);
    REQUIRE(Pack::open(sample.files, pack_place(1)).error().code == ErrorCode::kCorruption);
  }
  bytes = whole + "x";
  CHECK(Pack::open(sample.files, pack_place(1)).error().code == ErrorCode::kCorruption);
}

TEST_CASE("a file that shrinks under an open pack is damage, not an end", "[pack]") {
  OneExtent one(0, text_of(2 * kBlock), {});
  one.files.bytes(pack_path(1)).resize(100);
  CHECK(read_pack(*one.pack, 5, one.extent, 0, kBlock).error().code == ErrorCode::kCorruption);
  std::vector<Slice> slices;
  CHECK_FALSE(one.pack->read(Pack::Wait::kNo, 5, one.extent, 0, kBlock, slices).has_value());
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

// Packs: that no damage, and nothing that belongs elsewhere, is taken for a stream's bytes.
#include <cstddef>
#include <cstdint>
#include <memory>
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

}  // namespace
}  // namespace durable_streams

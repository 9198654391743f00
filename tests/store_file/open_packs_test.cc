// Open packs: that the bound on descriptors holds, whoever reads.
#include <chrono>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "store/file/open_packs.h"
#include "tests/store_file/memory_files.h"
#include "tests/store_file/pack_samples.h"
#include "tests/support/catch.h"
#include "tests/support/seed.h"

namespace durable_streams {
namespace {

constexpr auto kWait = Pack::Wait::kYes;
constexpr auto kNoWait = Pack::Wait::kNo;

// A few packs, of which each holds its own number as the bytes of stream 1.
struct Packs {
  explicit Packs(PackId count) {
    for (PackId id = 1; id <= count; ++id) {
      const auto writer = new_pack(files, id);
      extents.push_back(write_extent(*writer, 1, Framing::kJson, 0, std::to_string(id), {}));
      writer->finish().value();
    }
  }

  OpenPacks open(std::size_t open_max,
                 std::chrono::milliseconds wait_max = std::chrono::seconds(100)) {
    return OpenPacks(
        files,
        {.directory = "packs", .store_id = kStoreId, .open_max = open_max, .wait_max = wait_max});
  }

  MemoryFiles files;
  std::vector<Extent> extents;
};

TEST_CASE("a pack is opened once, and found from then on without waiting", "[open_packs]") {
  Packs disk(2);
  OpenPacks packs = disk.open(2);
  CHECK_FALSE(packs.get(kNoWait, 1).has_value());
  const std::shared_ptr<Pack> one = packs.get(kWait, 1)->value();
  CHECK(packs.get(kNoWait, 1)->value() == one);
  CHECK(packs.get(kWait, 1)->value() == one);
  CHECK(packs.open() == 1);
  CHECK(disk.files.open_files == 1);
}

TEST_CASE("the pack that nobody has used for longest is closed for another", "[open_packs]") {
  Packs disk(4);
  OpenPacks packs = disk.open(3);
  for (const PackId id : {1, 2, 3, 1}) packs.get(kWait, id)->value();
  const std::shared_ptr<Pack> two = packs.get(kWait, 2)->value();
  packs.get(kWait, 1)->value();
  packs.get(kWait, 4)->value();  // 3 goes
  CHECK_FALSE(packs.get(kNoWait, 3).has_value());
  packs.get(kWait, 1)->value();
  packs.get(kWait, 4)->value();
  packs.get(kWait, 3)->value();  // 1 goes: 2 is used
  CHECK(packs.get(kNoWait, 2).has_value());
  CHECK_FALSE(packs.get(kNoWait, 1).has_value());
  CHECK(packs.open() == 3);
  CHECK(disk.files.open_files_seen_max == 3);
}

TEST_CASE("when all packs are in use for too long another is refused by the limit's name",
          "[open_packs]") {
  Packs disk(3);
  OpenPacks packs = disk.open(2, std::chrono::milliseconds(0));
  std::shared_ptr<Pack> one = packs.get(kWait, 1)->value();
  const std::shared_ptr<Pack> two = packs.get(kWait, 2)->value();
  const Result<std::shared_ptr<Pack>> refused = *packs.get(kWait, 3);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::kTooMany);
  CHECK(refused.error().message.find("max_file_handles") != std::string::npos);
  CHECK(read_pack(*one, 1, disk.extents[0], 0, 1).value() == "1");
  one.reset();
  CHECK(packs.get(kWait, 3)->ok());
  CHECK(disk.files.open_files_seen_max == 2);
}

TEST_CASE("who waits for a pack goes on as soon as one comes out of use", "[open_packs]") {
  Packs disk(2);
  OpenPacks packs = disk.open(1);
  std::shared_ptr<Pack> one = packs.get(kWait, 1)->value();
  std::thread other([&] { CHECK(packs.get(kWait, 2)->ok()); });
  one.reset();
  other.join();
  CHECK(disk.files.open_files_seen_max == 1);
}

TEST_CASE("a forgotten pack stays open for its reader, and counts until he has done",
          "[open_packs]") {
  Packs disk(2);
  OpenPacks packs = disk.open(1, std::chrono::milliseconds(0));
  std::shared_ptr<Pack> one = packs.get(kWait, 1)->value();
  packs.forget(1);
  packs.forget(2);
  disk.files.remove(pack_path(1)).value();
  CHECK_FALSE(packs.get(kNoWait, 1).has_value());
  CHECK(read_pack(*one, 1, disk.extents[0], 0, 1).value() == "1");
  CHECK(packs.open() == 1);
  CHECK(packs.get(kWait, 2)->error().code == ErrorCode::kTooMany);
  one.reset();
  CHECK(packs.open() == 0);
  CHECK(packs.get(kWait, 1)->error().code == ErrorCode::kNotFound);
  CHECK(packs.get(kWait, 2)->ok());
}

TEST_CASE("a pack that cannot be opened takes no place", "[open_packs]") {
  Packs disk(1);
  OpenPacks packs = disk.open(1, std::chrono::milliseconds(0));
  for (int i = 0; i < 3; ++i) CHECK(packs.get(kWait, 77)->error().code == ErrorCode::kNotFound);
  CHECK(packs.open() == 0);
  CHECK(packs.get(kWait, 1)->ok());
}

TEST_CASE("packs in use outlive the table", "[open_packs]") {
  Packs disk(1);
  std::shared_ptr<Pack> one;
  {
    OpenPacks packs = disk.open(1);
    one = packs.get(kWait, 1)->value();
  }
  CHECK(read_pack(*one, 1, disk.extents[0], 0, 1).value() == "1");
  one.reset();
  CHECK(disk.files.open_files == 0);
}

TEST_CASE("no more packs are open than allowed, under many threads that read and forget",
          "[open_packs][threads]") {
  const std::uint64_t seed = random_seed();
  INFO("DURABLE_STREAMS_SEED=" << seed);
  constexpr PackId kPacks = 12;
  for (const std::size_t open_max : {std::size_t{1}, std::size_t{3}, std::size_t{8}}) {
    Packs disk(kPacks);
    OpenPacks packs = disk.open(open_max);
    std::atomic<int> wrong = 0;
    std::vector<std::thread> threads;
    for (std::uint64_t thread = 0; thread < 6; ++thread) {
      threads.emplace_back([&, thread] {
        Random random(seed + thread);
        for (int i = 0; i < 300; ++i) {
          const PackId id = 1 + random.below(kPacks);
          if (random.one_in(20)) packs.forget(id);
          auto pack = packs.get(random.one_in(4) ? kNoWait : kWait, id);
          if (!pack) continue;
          const Result<std::string> bytes =
              pack->ok()
                  ? read_pack(*pack->value(), 1, disk.extents[id - 1], 0, disk.extents[id - 1].to)
                  : Result<std::string>(pack->error());
          if (!bytes.ok() || *bytes != std::to_string(id)) ++wrong;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(wrong == 0);
    CHECK(disk.files.open_files_seen_max <= open_max);
    CHECK(packs.open() <= open_max);
    CHECK(disk.files.open_files == packs.open());
  }
}

}  // namespace
}  // namespace durable_streams

// What the simulated disk promises to those who are tested on it, and what it does to those who
// rely on more.
#include "tests/support/simulated_disk.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/seed.h"

namespace durable_streams {
namespace {

constexpr int kRounds = 500;

Status write(File& file, std::uint64_t offset, std::string_view bytes) {
  const std::array<std::string_view, 1> parts{bytes};
  return file.write(offset, parts);
}

// A file that is sure to survive, with these bytes.
std::unique_ptr<File> durable_file(SimulatedDisk& disk, const std::string& name,
                                   std::string_view bytes) {
  auto file = disk.open(name, OpenMode::kCreate).value();
  write(*file, 0, bytes).value();
  file->sync().value();
  disk.sync_directory(".").value();
  return file;
}

std::optional<Result<std::size_t>> read_cached(File& file) {
  std::array<char, 4> bytes{};
  return file.read_cached(0, bytes.data(), bytes.size());
}

// Runs `scene` on a new disk in each round, and gathers what it returns.
template <class Scene>
auto outcomes(Scene scene) {
  const std::uint64_t seed = random_seed();
  INFO("DURABLE_STREAMS_SEED=" << seed);
  Random random(seed);
  std::set<decltype(scene(std::declval<SimulatedDisk&>(), random))> seen;
  for (int round = 0; round < kRounds; ++round) {
    SimulatedDisk disk(random.below(UINT64_MAX));
    seen.insert(scene(disk, random));
  }
  return seen;
}

using Contents = std::set<std::optional<std::string>>;

// A model of what is certain: for each file the bytes at its last sync, each with whether it has
// been written since.
struct CertainFile {
  std::string bytes;
  std::vector<bool> touched;

  void touch(std::size_t offset, std::size_t size) {
    if (touched.size() < offset + size) touched.resize(offset + size, true);
    for (std::size_t i = offset; i < offset + size; ++i) touched[i] = true;
  }
};

}  // namespace

TEST_CASE("what was synced survives every crash", "[support][disk]") {
  const std::uint64_t seed = random_seed();
  INFO("DURABLE_STREAMS_SEED=" << seed);
  Random random(seed);
  SimulatedDisk disk(seed);
  std::map<std::string, CertainFile> certain;
  for (const char* name : {"a", "b", "c"}) {
    durable_file(disk, name, "");
    certain[name];
  }
  for (int round = 0; round < kRounds; ++round) {
    INFO("round " << round);
    std::map<std::string, std::unique_ptr<File>> files;
    for (const auto& [name, file] : certain) {
      files[name] = disk.open(name, OpenMode::kReadWrite).value();
    }
    for (std::uint64_t step = random.below(12); step > 0; --step) {
      const std::string name(1, static_cast<char>('a' + random.below(3)));
      if (random.one_in(4)) {
        files[name]->sync().value();
        certain[name] = {.bytes = *disk.content(name), .touched = {}};
        continue;
      }
      const std::uint64_t offset = random.below(3000);
      const std::string bytes(1 + random.below(2000), static_cast<char>('0' + random.below(10)));
      write(*files[name], offset, bytes).value();
      certain[name].touch(offset, bytes.size());
    }
    disk.crash(random);
    for (auto& [name, file] : certain) {
      const std::string found = disk.content(name).value();
      REQUIRE(found.size() >= file.bytes.size());
      for (std::size_t i = 0; i < file.bytes.size(); ++i) {
        const bool touched = i < file.touched.size() && file.touched[i];
        if (!touched && found[i] != file.bytes[i]) FAIL(name << " differs at " << i);
      }
      file = {.bytes = found, .touched = {}};
    }
  }
}

TEST_CASE("an unsynced write is kept, lost or torn, at sectors and within them",
          "[support][disk]") {
  const std::string old_bytes(2048, 'o');
  const std::string new_bytes(2048, 'n');
  bool torn_at_sector = false;
  bool torn_within = false;
  bool in_order = true;
  const auto seen = outcomes([&](SimulatedDisk& disk, Random& random) {
    const auto file = durable_file(disk, "a", old_bytes);
    write(*file, 0, new_bytes).value();
    disk.crash(random);
    const std::string found = disk.content("a").value();
    REQUIRE(found.find_first_not_of("on") == std::string::npos);
    for (std::size_t i = 1; i < found.size(); ++i) {
      if (found[i] == found[i - 1]) continue;
      (i % 512 == 0 ? torn_at_sector : torn_within) = true;
      if (found[i] == 'n') in_order = false;
    }
    return disk.content("a");
  });
  CHECK(seen.contains(old_bytes));
  CHECK(seen.contains(new_bytes));
  CHECK(torn_at_sector);
  CHECK(torn_within);
  CHECK(!in_order);
}

TEST_CASE("of two unsynced writes either may be kept without the other", "[support][disk]") {
  const auto seen = outcomes([](SimulatedDisk& disk, Random& random) {
    const auto file = durable_file(disk, "a", "0000");
    write(*file, 0, "1").value();
    write(*file, 3, "2").value();
    disk.crash(random);
    return disk.content("a");
  });
  CHECK(seen == Contents{"0000", "1000", "0002", "1002"});
}

TEST_CASE("an unsynced file may have grown without its bytes", "[support][disk]") {
  const auto seen = outcomes([](SimulatedDisk& disk, Random& random) {
    const auto file = durable_file(disk, "a", "");
    write(*file, 0, "x").value();
    disk.crash(random);
    return disk.content("a");
  });
  CHECK(seen == Contents{"", "x", std::string(1, '\0')});
}

TEST_CASE("an unsynced truncation may be undone", "[support][disk]") {
  const auto seen = outcomes([](SimulatedDisk& disk, Random& random) {
    const auto file = durable_file(disk, "a", "0123");
    file->truncate(2).value();
    disk.crash(random);
    return disk.content("a");
  });
  CHECK(seen == Contents{"01", "0123"});
}

TEST_CASE("a new file may be lost until its directory is synced, whatever is synced in it",
          "[support][disk]") {
  const auto seen = outcomes([](SimulatedDisk& disk, Random& random) {
    const auto file = disk.open("a", OpenMode::kCreate).value();
    write(*file, 0, "x").value();
    file->sync().value();
    disk.crash(random);
    return disk.content("a");
  });
  CHECK(seen == Contents{std::nullopt, "x"});
}

TEST_CASE("a directory's sync does not cover what its files hold", "[support][disk]") {
  const auto seen = outcomes([](SimulatedDisk& disk, Random& random) {
    const auto file = disk.open("a", OpenMode::kCreate).value();
    write(*file, 0, "x").value();
    disk.sync_directory(".").value();
    disk.crash(random);
    return disk.content("a");
  });
  CHECK(seen == Contents{"", "x", std::string(1, '\0')});
}

TEST_CASE("a rename that no directory sync covered may be undone, but is never torn",
          "[support][disk]") {
  const auto seen = outcomes([](SimulatedDisk& disk, Random& random) {
    durable_file(disk, "new", "n");
    durable_file(disk, "current", "c");
    disk.rename("new", "current").value();
    disk.crash(random);
    return std::pair(disk.content("new"), disk.content("current"));
  });
  using Both = std::pair<std::optional<std::string>, std::optional<std::string>>;
  CHECK(seen == std::set<Both>{{"n", "c"}, {std::nullopt, "n"}});
}

TEST_CASE("a rename across directories is certain once both are synced", "[support][disk]") {
  const auto scene = [](bool both) {
    return [both](SimulatedDisk& disk, Random& random) {
      disk.create_directories("to").value();
      durable_file(disk, "a", "x");
      disk.rename("a", "to/a").value();
      disk.sync_directory("to").value();
      if (both) disk.sync_directory(".").value();
      disk.crash(random);
      REQUIRE(disk.content("a").has_value() != disk.content("to/a").has_value());
      return disk.content("to/a");
    };
  };
  CHECK(outcomes(scene(false)) == Contents{std::nullopt, "x"});
  CHECK(outcomes(scene(true)) == Contents{"x"});
}

TEST_CASE("a removal that no directory sync covered may be undone", "[support][disk]") {
  const auto scene = [](bool synced) {
    return [synced](SimulatedDisk& disk, Random& random) {
      durable_file(disk, "a", "x");
      disk.remove("a").value();
      if (synced) disk.sync_directory(".").value();
      disk.crash(random);
      return disk.content("a");
    };
  };
  CHECK(outcomes(scene(false)) == Contents{std::nullopt, "x"});
  CHECK(outcomes(scene(true)) == Contents{std::nullopt});
}

TEST_CASE("no directory entry survives without those it was built on", "[support][disk]") {
  outcomes([](SimulatedDisk& disk, Random& random) {
    durable_file(disk, "a", "old");
    disk.rename("a", "b").value();
    const auto file = disk.open("a", OpenMode::kCreate).value();
    disk.rename("a", "c").value();
    disk.crash(random);
    const bool undone = disk.content("a") == "old";
    CHECK(undone != (disk.content("b") == "old"));
    if (undone) CHECK(!disk.content("c"));
    return 0;
  });
}

TEST_CASE("a directory goes by its new name with all that is in it, or keeps its old one",
          "[support][disk]") {
  const auto scene = [](bool synced) {
    return [synced](SimulatedDisk& disk, Random& random) {
      disk.create_directories("old/in").value();
      durable_file(disk, "a", "x");
      disk.rename("a", "old/in/a").value();
      disk.sync_directory("old/in").value();
      disk.sync_directory(".").value();
      disk.rename("old", "new").value();
      REQUIRE(disk.content("new/in/a") == "x");
      REQUIRE(!disk.list("old").ok());
      if (synced) disk.sync_directory(".").value();
      disk.crash(random);
      REQUIRE(disk.content("old/in/a").has_value() != disk.content("new/in/a").has_value());
      return disk.content("new/in/a");
    };
  };
  CHECK(outcomes(scene(false)) == Contents{std::nullopt, "x"});
  CHECK(outcomes(scene(true)) == Contents{"x"});
}

TEST_CASE("a renamed directory makes nothing durable that is in it", "[support][disk]") {
  const auto seen = outcomes([](SimulatedDisk& disk, Random& random) {
    disk.create_directories("old").value();
    const auto file = disk.open("old/a", OpenMode::kCreate).value();
    write(*file, 0, "x").value();
    file->sync().value();
    disk.rename("old", "new").value();
    disk.sync_directory(".").value();
    disk.crash(random);
    return disk.content("new/a");
  });
  CHECK(seen == Contents{std::nullopt, "x"});
}

TEST_CASE("a directory takes the place of an empty one alone", "[support][disk]") {
  SimulatedDisk disk;
  disk.create_directories("a").value();
  disk.create_directories("b").value();
  durable_file(disk, "b/file", "x");
  CHECK(disk.rename("a", "b").error().code == ErrorCode::kConflict);
  CHECK(disk.remove_directory("b").error().code == ErrorCode::kConflict);
  CHECK(disk.rename("b", "a").ok());
  CHECK(disk.content("a/file") == "x");
  CHECK(disk.remove_directory("b").error().code == ErrorCode::kNotFound);
}

TEST_CASE("a directory is gone once its removal is synced, and it had to be empty",
          "[support][disk]") {
  const auto scene = [](bool synced) {
    return [synced](SimulatedDisk& disk, Random& random) {
      disk.create_directories("d").value();
      durable_file(disk, "a", "x");
      disk.rename("a", "d/a").value();
      disk.sync_directory("d").value();
      disk.sync_directory(".").value();
      disk.remove("d/a").value();
      disk.remove_directory("d").value();
      if (synced) disk.sync_directory(".").value();
      disk.crash(random);
      if (!disk.list("d").ok()) CHECK(disk.used_bytes() == 0);
      return disk.list("d").ok();
    };
  };
  CHECK(outcomes(scene(false)) == std::set<bool>{false, true});
  CHECK(outcomes(scene(true)) == std::set<bool>{false});
}

TEST_CASE("a link is a second name of the same bytes, on a disk that has links",
          "[support][disk]") {
  SimulatedDisk disk;
  const auto file = durable_file(disk, "a", "x");
  REQUIRE(disk.link("a", "b").ok());
  CHECK(disk.link("a", "b").error().code == ErrorCode::kIo);
  CHECK(disk.used_bytes() == SimulatedDisk::kBlockBytes);
  write(*file, 1, "y").value();
  disk.remove("a").value();
  CHECK(disk.content("b") == "xy");
  disk.set_links(false);
  CHECK(disk.link("b", "c").error().code == ErrorCode::kInvalidArgument);
}

TEST_CASE("files and locks of before a crash are void", "[support][disk]") {
  SimulatedDisk disk;
  Random random(1);
  auto file = durable_file(disk, "a", "x");
  auto lock = disk.lock(".", "LOCK").value();
  disk.crash(random);
  CHECK(write(*file, 0, "y").error().code == ErrorCode::kCanceled);
  CHECK(file->sync().error().code == ErrorCode::kCanceled);
  CHECK(file->size().error().code == ErrorCode::kCanceled);
  CHECK(read_cached(*file)->error().code == ErrorCode::kCanceled);
  auto next = disk.lock(".", "LOCK");
  CHECK(next.ok());
  lock.reset();
  CHECK(disk.lock(".", "LOCK").error().code == ErrorCode::kUnavailable);
  CHECK(disk.open_files() == 0);
}

TEST_CASE("a killed process leaves all that it wrote, until power is lost too", "[support][disk]") {
  const auto seen = outcomes([](SimulatedDisk& disk, Random& random) {
    const auto file = durable_file(disk, "a", "0");
    write(*file, 0, "1").value();
    disk.kill();
    CHECK(file->sync().error().code == ErrorCode::kCanceled);
    CHECK(disk.content("a") == "1");
    disk.crash(random);
    return disk.content("a");
  });
  CHECK(seen == Contents{"0", "1"});
}

TEST_CASE("after a failed sync no later one makes its bytes durable", "[support][disk]") {
  const auto seen = outcomes([](SimulatedDisk& disk, Random& random) {
    const auto file = durable_file(disk, "a", "00");
    write(*file, 0, "1").value();
    disk.fail_call(DiskCall::kSync, 1, ErrorCode::kIo);
    CHECK(file->sync().error().code == ErrorCode::kIo);
    write(*file, 1, "2").value();
    CHECK(file->sync().ok());
    disk.crash(random);
    return disk.content("a");
  });
  CHECK(seen == Contents{"02", "12"});
}

TEST_CASE("the chosen call fails, and no other", "[support][disk]") {
  SimulatedDisk disk;
  const auto file = durable_file(disk, "a", "x");
  disk.fail_call(DiskCall::kRead, 2, ErrorCode::kIo);
  disk.fail_call(DiskCall::kWrite, 1, ErrorCode::kNoSpace);
  disk.fail_call(DiskCall::kRename, 1, ErrorCode::kIo);
  disk.fail_call(DiskCall::kList, 1, ErrorCode::kTooMany);
  char byte = 0;
  CHECK(file->read(0, &byte, 1).ok());
  CHECK(file->read(0, &byte, 1).error().message == "read a: Input/output error");
  CHECK(file->read(0, &byte, 1).ok());
  CHECK(write(*file, 0, "y").error().message == "write a: No space left on device");
  CHECK(write(*file, 0, "y").ok());
  CHECK(disk.rename("a", "b").error().code == ErrorCode::kIo);
  CHECK(disk.rename("a", "b").ok());
  CHECK(disk.list(".").error().code == ErrorCode::kTooMany);
  CHECK(disk.list(".").ok());
}

TEST_CASE("calls fail at random as often as told", "[support][disk]") {
  SimulatedDisk disk(7);
  const auto file = durable_file(disk, "a", "x");
  disk.fail_randomly(DiskCall::kWrite, 10, ErrorCode::kIo);
  int failures = 0;
  for (int i = 0; i < 1000; ++i) failures += write(*file, 0, "y").ok() ? 0 : 1;
  CHECK(failures > 50);
  CHECK(failures < 200);
  disk.fail_randomly(DiskCall::kWrite, 1, ErrorCode::kIo);
  CHECK(!write(*file, 0, "y").ok());
  disk.clear_faults();
  CHECK(write(*file, 0, "y").ok());
}

TEST_CASE("a full disk takes what fits, and more when room was made", "[support][disk]") {
  SimulatedDisk disk;
  disk.set_capacity(3 * SimulatedDisk::kBlockBytes);
  const auto first = durable_file(disk, "a", "x");
  const auto second = disk.open("b", OpenMode::kCreate).value();
  const std::string bytes(3 * SimulatedDisk::kBlockBytes, 'y');
  CHECK(write(*second, 0, bytes).error().code == ErrorCode::kNoSpace);
  CHECK(second->size().value() == 2 * SimulatedDisk::kBlockBytes);
  CHECK(disk.used_bytes() == 3 * SimulatedDisk::kBlockBytes);
  CHECK(write(*second, 0, "over what is there").ok());
  CHECK(second->truncate(bytes.size()).error().code == ErrorCode::kNoSpace);
  CHECK(disk.remove("a").ok());
  CHECK(write(*second, 0, bytes).ok());
}

TEST_CASE("a machine that dies inside a call stays dead until it is started again",
          "[support][disk]") {
  const auto seen = outcomes([](SimulatedDisk& disk, Random& random) {
    const auto file = durable_file(disk, "a", "0");
    disk.die_at_change(2);
    CHECK(write(*file, 0, "1").ok());
    CHECK(!disk.dead());
    CHECK(file->sync().error().code == ErrorCode::kCanceled);
    CHECK(disk.dead());
    CHECK(disk.open("a", OpenMode::kRead).error().code == ErrorCode::kCanceled);
    CHECK(disk.list(".").error().code == ErrorCode::kCanceled);
    CHECK(disk.outside_change().error().code == ErrorCode::kCanceled);
    disk.crash(random);
    CHECK(disk.open("a", OpenMode::kRead).ok());
    return disk.content("a");
  });
  CHECK(seen == Contents{"0", "1"});
}

TEST_CASE("a call that the machine dies in happens or does not", "[support][disk]") {
  const auto seen = outcomes([](SimulatedDisk& disk, Random& /*random*/) {
    durable_file(disk, "a", "x");
    disk.die_at_change(1);
    CHECK(disk.rename("a", "b").error().code == ErrorCode::kCanceled);
    disk.kill();
    return disk.content("b");
  });
  CHECK(seen == Contents{std::nullopt, "x"});
}

TEST_CASE("changes outside the disk count among its own", "[support][disk]") {
  SimulatedDisk disk;
  const auto file = durable_file(disk, "a", "x");
  const std::uint64_t before = disk.changes();
  CHECK(disk.outside_change().ok());
  CHECK(write(*file, 0, "y").ok());
  CHECK(disk.changes() == before + 2);
  disk.die_at_change(1);
  CHECK(disk.outside_change().error().code == ErrorCode::kCanceled);
  CHECK(disk.dead());
}

TEST_CASE("a flipped bit is there for readers, and after a crash", "[support][disk]") {
  SimulatedDisk disk;
  Random random(1);
  durable_file(disk, "a", "abc");
  disk.flip_bit("a", 1, 0);
  CHECK(disk.content("a") == "acc");
  disk.crash(random);
  CHECK(disk.content("a") == "acc");
  disk.flip_bit("a", 100, 0);
  disk.flip_bit("none", 0, 0);
}

TEST_CASE("cached reads have to wait as often as told", "[support][disk]") {
  SimulatedDisk disk;
  const auto file = durable_file(disk, "a", "x");
  CHECK(read_cached(*file)->value() == 1);
  disk.set_reads_wait(1);
  CHECK(!read_cached(*file));
  disk.set_reads_wait(2);
  int waits = 0;
  for (int i = 0; i < 100; ++i) waits += read_cached(*file) ? 0 : 1;
  CHECK(waits > 10);
  CHECK(waits < 90);
}

TEST_CASE("no more files are open than allowed", "[support][disk]") {
  SimulatedDisk disk;
  disk.set_open_files_max(1);
  auto file = durable_file(disk, "a", "x");
  CHECK(disk.open("a", OpenMode::kRead).error().code == ErrorCode::kTooMany);
  CHECK(disk.open("b", OpenMode::kCreate).error().code == ErrorCode::kTooMany);
  CHECK(!disk.content("b"));
  file.reset();
  CHECK(disk.open("a", OpenMode::kRead).ok());
  CHECK(disk.open_files() == 0);
}

TEST_CASE("the same seed gives the same crash", "[support][disk]") {
  const std::uint64_t seed = random_seed();
  INFO("DURABLE_STREAMS_SEED=" << seed);
  const auto run = [&] {
    SimulatedDisk disk(seed);
    Random random(seed);
    const auto file = durable_file(disk, "a", "");
    disk.fail_randomly(DiskCall::kWrite, 3, ErrorCode::kIo);
    for (std::uint64_t i = 0; i < 20; ++i) {
      ignore(write(*file, i * 700, std::string(1500, static_cast<char>('a' + i))),
             "some are to fail");
    }
    disk.crash(random);
    return disk.content("a");
  };
  CHECK(run() == run());
}

TEST_CASE("many threads use the simulated disk at once", "[support][disk]") {
  SimulatedDisk disk;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&disk, name = std::to_string(i)] {
      const auto file = durable_file(disk, name, name);
      for (int round = 0; round < 200; ++round) {
        write(*file, 0, name).value();
        file->sync().value();
        static_cast<void>(read_cached(*file)->value());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(disk.list(".").value().size() == 4);
  CHECK(disk.open_files() == 0);
}

}  // namespace durable_streams

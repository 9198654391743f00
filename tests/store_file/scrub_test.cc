// The pass over all that is settled, which finds damage before a reader does.
#include <durable_streams/file_store.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "tests/store_file/filled_store.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

namespace durable_streams {

namespace {

namespace fs = std::filesystem;

void flip_bit(const fs::path& path, std::uint64_t offset) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(offset));
  const int byte = file.get();
  file.seekp(static_cast<std::streamoff>(offset));
  file.put(static_cast<char>(byte ^ 1));
  REQUIRE(file.good());
}

// Where `text` stands in a file.
std::vector<std::uint64_t> places_of(const fs::path& path, const std::string& text) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  std::vector<std::uint64_t> places;
  for (std::size_t at = bytes.find(text); at != std::string::npos; at = bytes.find(text, at + 1))
    places.push_back(at);
  return places;
}

// A finished pack with this text; empty: there is none yet.
fs::path pack_with(const std::string& directory, const std::string& text) {
  for (const fs::directory_entry& each : fs::directory_iterator(directory)) {
    if (each.path().extension() == ".pack" && !places_of(each.path(), text).empty())
      return each.path();
  }
  return {};
}

fs::path catalog_file(const std::string& directory) {
  for (const fs::directory_entry& each : fs::recursive_directory_iterator(directory)) {
    if (each.path().filename() == "data.mdb") return each.path();
  }
  return {};
}

// Settled streams `0` to `2`, with so many bytes each, in one pack.
fs::path settled_store(const std::string& directory, std::size_t bytes) {
  {
    FilledStore store({.directory = directory, .scrub_bytes_per_second = 0});
    for (const std::string path : {"0", "1", "2"}) {
      StreamRecord record = store.create(path);
      store.append(record, std::string(bytes, path.front()));
    }
  }
  return fs::directory_iterator(directory + "/packs")->path();
}

// Waits until the store has gone over its packs so many times.
FileStoreStats after_scrubs(FileStore& store, std::uint64_t count) {
  while (store.file_stats().scrubs < count) std::this_thread::yield();
  return store.file_stats();
}

TEST_CASE("Scrubbing reads all that is settled, again and again, and finds nothing wrong",
          "[scrub]") {
  const TemporaryDirectory directory;
  settled_store(directory.path() + "/data", 3'000'000);
  FilledStore store({.directory = directory.path() + "/data",
                     .scrub_bytes_per_second = std::uint64_t{1} << 40,
                     .scrub_rest = std::chrono::milliseconds(1)});
  const FileStoreStats stats = after_scrubs(store.store(), 2);
  CHECK(stats.scrubbed_bytes >= 2 * 9'000'000);
  CHECK(stats.damage.empty());
}

TEST_CASE("Scrubbing tells once of each damage: pack, stream and range", "[scrub]") {
  const TemporaryDirectory directory;
  const fs::path pack = settled_store(directory.path() + "/data", 3'000'000);
  flip_bit(pack, 1'000'000);
  flip_bit(pack, 8'000'000);
  FilledStore store({.directory = directory.path() + "/data",
                     .scrub_bytes_per_second = std::uint64_t{1} << 40,
                     .scrub_rest = std::chrono::milliseconds(1)});
  const FileStoreStats stats = after_scrubs(store.store(), 3);
  REQUIRE(stats.damage.size() == 2);
  for (const std::string& damage : stats.damage) {
    INFO(damage);
    CHECK(damage.find("pack") != std::string::npos);
    CHECK(damage.find("stream " + std::to_string(store.load("0").value().id)) !=
          (damage == stats.damage[0] ? std::string::npos : 0));
  }
  CHECK(store.read(store.load("1").value().id, 3'000'000).value() == std::string(3'000'000, '1'));
  CHECK_FALSE(store.read(store.load("0").value().id, 3'000'000).ok());
}

TEST_CASE("Scrubbing reads header and footer of a pack that is open as well", "[scrub]") {
  const TemporaryDirectory directory;
  const fs::path pack = settled_store(directory.path() + "/data", 1'000);
  FilledStore store({.directory = directory.path() + "/data",
                     .scrub_bytes_per_second = std::uint64_t{1} << 40,
                     .scrub_rest = std::chrono::milliseconds(1)});
  CHECK(after_scrubs(store.store(), 1).damage.empty());
  flip_bit(pack, fs::file_size(pack) - 30);
  FileStoreStats stats = after_scrubs(store.store(), store.store().file_stats().scrubs + 2);
  REQUIRE(stats.damage.size() == 1);
  CHECK(stats.damage.front().find("footer") != std::string::npos);
  flip_bit(pack, 8);
  stats = after_scrubs(store.store(), stats.scrubs + 2);
  REQUIRE(stats.damage.size() == 2);
  CHECK(stats.damage.back().find("header") != std::string::npos);
}

TEST_CASE("A read that meets damage is remembered as scrubbing would", "[scrub]") {
  const TemporaryDirectory directory;
  const fs::path pack = settled_store(directory.path() + "/data", 100'000);
  flip_bit(pack, 50'000);
  FilledStore store({.directory = directory.path() + "/data", .scrub_bytes_per_second = 0});
  const StreamId id = store.load("0").value().id;
  CHECK_FALSE(store.read(id, 100'000).ok());
  CHECK_FALSE(store.read(id, 100'000).ok());
  CHECK(store.store().file_stats().damage.size() == 1);
}

TEST_CASE("A pack that is missing is remembered as damage from the start on", "[scrub]") {
  const TemporaryDirectory directory;
  const std::string data = directory.path() + "/data";
  const fs::path pack = settled_store(data, 100);
  fs::remove(pack);
  FilledStore store({.directory = data, .scrub_bytes_per_second = 0});
  REQUIRE(store.store().file_stats().damage.size() == 1);
  CHECK(store.store().file_stats().damage[0].find("pack 1 is missing") != std::string::npos);
  CHECK(store.load("0"));
}

TEST_CASE("A record that cannot be loaded is remembered as damage", "[scrub]") {
  const TemporaryDirectory directory;
  const std::string data = directory.path() + "/data";
  settled_store(data, 100);
  const fs::path catalog = catalog_file(data);
  for (const std::uint64_t place : places_of(catalog, "text/plain")) flip_bit(catalog, place);
  FilledStore store({.directory = data, .scrub_bytes_per_second = 0});
  CHECK(store.store().file_stats().damage.empty());
  CHECK(store.try_load("0").error().code == ErrorCode::kCorruption);
  CHECK(store.try_load("0").error().code == ErrorCode::kCorruption);
  REQUIRE(store.store().file_stats().damage.size() == 1);
  CHECK(store.store().file_stats().damage[0].find("catalog") != std::string::npos);
}

TEST_CASE("Where an append ends that cannot be found out is remembered as damage", "[scrub]") {
  const TemporaryDirectory directory;
  const fs::path pack = settled_store(directory.path() + "/data", 3'000'000);
  for (std::uint64_t place = 0; place < 9'000'000; place += 30'000) flip_bit(pack, place);
  FilledStore store({.directory = directory.path() + "/data", .scrub_bytes_per_second = 0});
  const StreamId id = store.load("0").value().id;
  CHECK_FALSE(store.append_end(id, 1'000'000).ok());
  CHECK(store.store().file_stats().damage.size() == 1);
}

TEST_CASE("What is owed to the sources of forks and cannot be found out is remembered as damage",
          "[scrub]") {
  const TemporaryDirectory directory;
  const std::string data = directory.path() + "/data";
  {
    FilledStore store({.directory = data, .scrub_bytes_per_second = 0});
    const StreamRecord source = store.create("source");
    const StreamRecord fork = store.fork("fork", source);
    store.remove(fork);
  }
  const fs::path catalog = catalog_file(data);
  for (const std::uint64_t place : places_of(catalog, "text/plain")) flip_bit(catalog, place);
  FilledStore store({.directory = data, .scrub_bytes_per_second = 0});
  CHECK(store.store().owed_releases().error().code == ErrorCode::kCorruption);
  CHECK(store.store().file_stats().damage.size() == 1);
}

TEST_CASE("A merge that meets damage is remembered as scrubbing would", "[scrub]") {
  const TemporaryDirectory directory;
  FilledStore store({.directory = directory.path() + "/data",
                     .settle_interval = std::chrono::milliseconds(1),
                     .scrub_bytes_per_second = 0});
  StreamRecord record = store.create("s");
  store.wait();
  const auto append_until = [&](auto enough) {
    while (!enough(store.store().file_stats())) store.append(record, std::string(100, 'a'));
  };
  // The first one may have nothing but the stream's creation.
  fs::path pack;
  append_until([&](const FileStoreStats&) {
    pack = pack_with(directory.path() + "/data/packs", std::string(50, 'a'));
    return !pack.empty();
  });
  flip_bit(pack, places_of(pack, std::string(50, 'a')).at(0));
  append_until(
      [](const FileStoreStats& stats) { return !stats.damage.empty() || stats.packs > 100; });
  REQUIRE(store.store().file_stats().damage.size() == 1);
  CHECK(store.store().file_stats().damage.front().find("stream " + std::to_string(record.id)) !=
        std::string::npos);
}

TEST_CASE("Scrubbing keeps to its rate, and ends at once when the store is closed", "[scrub]") {
  const TemporaryDirectory directory;
  settled_store(directory.path() + "/data", 3'000'000);
  const auto begin = std::chrono::steady_clock::now();
  {
    FilledStore store({.directory = directory.path() + "/data", .scrub_bytes_per_second = 1000});
    while (store.store().file_stats().scrubbed_bytes == 0) std::this_thread::yield();
    // The first piece alone stands for half an hour or more.
    CHECK(store.store().file_stats().scrubbed_bytes <= 3'000'000);
    CHECK(store.store().file_stats().scrubs == 0);
    CHECK(store.backup(directory.path() + "/copy").ok());  // which does not wait for it
  }
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::minutes(5));
}

}  // namespace

}  // namespace durable_streams

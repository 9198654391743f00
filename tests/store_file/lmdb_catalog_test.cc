// What only the catalog on disk has: files, limits, versions and damage.
#include "store/file/lmdb_catalog.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "store/file/catalog_codec.h"
#include "tests/store_file/catalog_samples.h"
#include "tests/support/temporary_directory.h"

namespace {

int resizing_fails_with = 0;  // an errno

}  // namespace

extern "C" __attribute__((visibility("default"))) int ftruncate(int file, off_t bytes) noexcept {
  if (resizing_fails_with == 0) return static_cast<int>(::syscall(SYS_ftruncate, file, bytes));
  errno = resizing_fails_with;
  return -1;
}

namespace durable_streams {
namespace {

constexpr std::uint64_t kMapBytes = std::uint64_t{256} << 20;

class Place {
 public:
  Result<std::unique_ptr<Catalog>> open(std::uint64_t map_bytes = kMapBytes,
                                        bool read_only = false) const {
    return open_lmdb_catalog(
        {.directory = directory_.path(), .map_bytes = map_bytes, .read_only = read_only});
  }

  const std::string& path() const { return directory_.path(); }
  std::string data_file() const { return path() + "/data.mdb"; }

  std::string read_data() const {
    std::ifstream in(data_file(), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  // Replaces what `was` reads, wherever pages hold it, newer or older; returns how often.
  int overwrite(std::string_view was, std::string_view by) const {
    std::string data = read_data();
    int count = 0;
    for (auto at = data.find(was); at != std::string::npos; at = data.find(was, at + 1)) {
      data.replace(at, was.size(), by);
      ++count;
    }
    std::fstream out(data_file(), std::ios::binary | std::ios::in | std::ios::out);
    out.write(data.data(), static_cast<std::streamsize>(data.size()));
    return count;
  }

 private:
  TemporaryDirectory directory_;
};

void put_streams(Catalog& catalog, StreamId first, StreamId count) {
  const std::unique_ptr<Catalog::Update> update = must(catalog.begin());
  for (StreamId id = first; id < first + count; ++id) {
    must(update->put(sample_stream(id, "s" + std::to_string(id))));
  }
  must(update->commit());
}

Status read_streams(Catalog& catalog) {
  for (StreamId id = 1; id <= 3000; ++id) {
    const Result<std::optional<SettledStream>> found = catalog.find(id);
    if (!found) return found.error();
  }
  const Result<std::vector<SettledStream>> all = catalog.streams_after(0, 3000);
  return all ? Status{} : Status(all.error());
}

constexpr std::size_t kPageBytes = 4096;

// Whether the key at `at` stands in an entry of LMDB: behind the size of its value in four bytes,
// two of flags, and two of its own size.
bool is_entry_of(const std::string& bytes, std::size_t at, std::size_t key_bytes) {
  return at > 8 && bytes[at - 2] == static_cast<char>(key_bytes) && bytes[at - 1] == 0 &&
         bytes[at - 4] == 0 && bytes[at - 3] == 0 && bytes[at - 8] != 0;
}

template <class T>
void check_damage(const Result<T>& result, const Place& place, std::string_view names) {
  REQUIRE_FALSE(result.ok());
  INFO(result.error().message);
  CHECK(result.error().code == ErrorCode::kCorruption);
  CHECK(result.error().message.find(place.path()) != std::string::npos);
  CHECK(result.error().message.find(names) != std::string::npos);
}

}  // namespace

TEST_CASE("the catalog's file is its owner's alone", "[store_file][catalog]") {
  const Place place;
  must(place.open());
  struct ::stat file {};
  REQUIRE(::stat(place.data_file().c_str(), &file) == 0);
  CHECK((file.st_mode & 0777) == 0600);
}

TEST_CASE("a directory that is not there is not found", "[store_file][catalog]") {
  const TemporaryDirectory directory;
  const auto opened = open_lmdb_catalog({.directory = directory.path() + "/none"});
  REQUIRE_FALSE(opened.ok());
  CHECK(opened.error().code == ErrorCode::kNotFound);
  CHECK(opened.error().message.find(directory.path() + "/none") != std::string::npos);
}

TEST_CASE("a catalog opened to be read takes no updates", "[store_file][catalog]") {
  const Place place;
  REQUIRE_FALSE(place.open(kMapBytes, true).ok());
  put_streams(*must(place.open()), 1, 10);
  const std::unique_ptr<Catalog> catalog = must(place.open(kMapBytes, true));
  CHECK(must(catalog->find_path("s7")) == StreamId{7});
  const auto refused = catalog->begin();
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::kUnavailable);
}

TEST_CASE("a catalog of a newer version is refused", "[store_file][catalog]") {
  const Place place;
  must(place.open());
  std::string now;
  std::string newer;
  encode_format(kCatalogFormat, now);
  encode_format(kCatalogFormat + 1, newer);
  seal_value(CatalogTable::kMeta, kFormatKey, now);
  seal_value(CatalogTable::kMeta, kFormatKey, newer);
  REQUIRE(place.overwrite(now, newer) > 0);
  const auto refused = place.open();
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::kInvalidArgument);
  CHECK(refused.error().message.find("newer version") != std::string::npos);
}

TEST_CASE("a full map refuses the update and keeps what was there", "[store_file][catalog]") {
  const Place place;
  const std::unique_ptr<Catalog> catalog = must(place.open(std::uint64_t{1} << 20));
  put_streams(*catalog, 1, 10);
  {
    const std::unique_ptr<Catalog::Update> update = must(catalog->begin());
    Status status;
    for (StreamId id = 100; status && id < 100'000; ++id) {
      status = update->put(sample_stream(id, "s" + std::to_string(id)));
    }
    REQUIRE_FALSE(status.ok());
    CHECK(status.error().code == ErrorCode::kNoSpace);
    CHECK(status.error().message.find(place.path()) != std::string::npos);
    const Status committed = update->commit();
    REQUIRE_FALSE(committed.ok());
    CHECK(committed.error().code == ErrorCode::kNoSpace);
  }
  CHECK_FALSE(must(catalog->find(100)));
  put_streams(*catalog, 11, 1);
  CHECK(must(catalog->streams_after(0, 100)).size() == 11);
}

TEST_CASE("a damaged value is found and named", "[store_file][catalog]") {
  const Place place;
  const std::uint64_t seed = random_seed();
  INFO("DURABLE_STREAMS_SEED=" << seed);
  Random random(seed);
  const auto flip = [&](CatalogTable table, std::string_view key, std::string value) {
    seal_value(table, key, value);
    std::string damaged = value;
    const std::uint64_t bit = random.below(value.size() * 8);
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    REQUIRE(place.overwrite(value, damaged) > 0);
  };
  SettledStream stream = sample_stream(7, "some/path");
  stream.record.deadline = at_ms(1234);
  {
    const std::unique_ptr<Catalog> catalog = must(place.open());
    const std::unique_ptr<Catalog::Update> update = must(catalog->begin());
    must(update->put(stream));
    must(update->put_extent(7, {100, 300, 2, 64, 0}));
    must(update->put_producer(7, "p", {1, 2}));
    must(update->put_pack({5, 1, 2, 3}));
    must(update->put_meta({.store_id = 77}));
    must(update->commit());
  }
  std::string value;
  encode_stream(stream, value);
  flip(CatalogTable::kStreams, id_key(7).view(), value);
  encode_extent({100, 300, 2, 64, 0}, value);
  flip(CatalogTable::kExtents, extent_key(7, 100).view(), value);
  encode_producer({1, 2}, value);
  flip(CatalogTable::kProducers, producer_key(7, "p").view(), value);
  encode_pack({5, 1, 2, 0}, value);
  flip(CatalogTable::kPacks, id_key(5).view(), value);
  encode_meta({.store_id = 77}, value);
  flip(CatalogTable::kMeta, kMetaKey, value);
  encode_path_entry(7, value);
  flip(CatalogTable::kPaths, "some/path", value);
  flip(CatalogTable::kDeadlines, deadline_key({at_ms(1234), 7}).view(), "");

  const std::unique_ptr<Catalog> catalog = must(place.open());
  check_damage(catalog->find(7), place, "streams: the entry of stream 7 is");
  check_damage(catalog->streams_after(0, 9), place, "streams: the entry of stream 7 is");
  check_damage(catalog->extents(7, 150, 200), place, "extents: the entry of stream 7 from 100 is");
  check_damage(catalog->find_producer(7, "p"), place,
               "producers: the entry of stream 7 producer 'p'");
  check_damage(catalog->packs(), place, "packs: the entry of pack 5 is");
  check_damage(catalog->meta(), place, "meta: the entry of 'catalog' is");
  check_damage(catalog->find_path("some/path"), place, "paths: the entry of 'some/path' is");
  check_damage(catalog->due({}, kNever, 9), place, "deadlines: the entry of stream 7 at 1234 ms");
  const std::unique_ptr<Catalog::Update> update = must(catalog->begin());
  check_damage(update->put(stream), place, "stream 7");
}

TEST_CASE("a file that lost its end is damaged, not deadly", "[store_file][catalog][random]") {
  const std::uint64_t seed = random_seed();
  INFO("DURABLE_STREAMS_SEED=" << seed);
  Random random(seed);
  for (int i = 0; i < 8; ++i) {
    const Place place;
    put_streams(*must(place.open()), 1, 3000);
    put_streams(*must(place.open()), 3001, 100);
    const std::uint64_t whole = std::filesystem::file_size(place.data_file());
    std::filesystem::resize_file(place.data_file(), whole / 4 + random.below(whole * 3 / 4));
    const Result<std::unique_ptr<Catalog>> catalog = place.open();
    if (!catalog.ok()) {
      CHECK(catalog.error().code == ErrorCode::kCorruption);
      continue;
    }
    for (StreamId id = 1; id <= 3100; ++id) {
      const Result<std::optional<SettledStream>> found = (*catalog)->find(id);
      if (found.ok()) continue;
      CHECK(found.error().code == ErrorCode::kCorruption);
    }
  }
}

TEST_CASE("a file that ends within a page is damaged, not deadly", "[store_file][catalog]") {
  // In its header, in the list of its entries, and in the entries, which come from behind.
  const std::uint64_t within = GENERATE(8, 10, 11, 12, 13, 15, 20, 2000, 3700, 4000, 4055);
  const Place whole;
  put_streams(*must(whole.open()), 1, 200);
  put_streams(*must(whole.open()), 201, 1);  // whose pages lie in another order
  const std::string bytes = whole.read_data();
  for (std::uint64_t page = 2; page < bytes.size() / kPageBytes; ++page) {
    CAPTURE(page);
    const Place place;
    std::ofstream(place.data_file()) << bytes.substr(0, page * kPageBytes + within);
    const Result<std::unique_ptr<Catalog>> catalog = place.open();
    const Status read = catalog ? read_streams(**catalog) : Status(catalog.error());
    CHECK((read.ok() || read.error().code == ErrorCode::kCorruption));
  }
}

TEST_CASE("a catalog that is only read is left as it is, also one that ends early",
          "[store_file][catalog]") {
  const Place place;
  put_streams(*must(place.open()), 1, 200);
  const std::string whole = place.read_data();
  const std::size_t used = whole.find_last_not_of('\0') + 1;
  std::filesystem::resize_file(place.data_file(), (used / kPageBytes + 1) * kPageBytes);
  const std::string before = place.read_data();
  CHECK(read_streams(*must(place.open(kMapBytes, true))).ok());
  CHECK(place.read_data() == before);
}

TEST_CASE("a disk that refuses to make a catalog's file longer is not taken for a damaged catalog",
          "[store_file][catalog]") {
  struct Case {
    int failure;
    ErrorCode code;
  };
  const Case each =
      GENERATE(Case{EIO, ErrorCode::kIo}, Case{EROFS, ErrorCode::kIo},
               Case{ENOSPC, ErrorCode::kNoSpace}, Case{EFBIG, ErrorCode::kCorruption});
  const Place place;
  put_streams(*must(place.open()), 1, 200);
  std::filesystem::resize_file(place.data_file(), 3 * kPageBytes + GENERATE(0, 8));
  resizing_fails_with = each.failure;
  const Result<std::unique_ptr<Catalog>> catalog = place.open();
  resizing_fails_with = 0;
  REQUIRE_FALSE(catalog.ok());
  CHECK(catalog.error().code == each.code);
  CHECK(catalog.error().message.find(std::strerror(each.failure)) != std::string::npos);
}

TEST_CASE("an entry whose size is damaged is found, wherever it would end",
          "[store_file][catalog]") {
  const std::uint32_t size =
      GENERATE(0xffffffff, 0x7fffffff, kCatalogValueBytesMax + 1, kCatalogValueBytesMax, 4096);
  const Place place;
  put_streams(*must(place.open()), 1, 10);
  std::string bytes = place.read_data();
  const std::string key(id_key(7).view());
  int entries = 0;
  for (auto at = bytes.find(key); at != std::string::npos; at = bytes.find(key, at + 1)) {
    if (!is_entry_of(bytes, at, key.size())) continue;
    for (std::size_t i = 0; i < 4; ++i)
      bytes[at - 8 + i] = static_cast<char>(size >> (8 * i) & 0xff);
    ++entries;
  }
  REQUIRE(entries > 0);
  std::ofstream(place.data_file()) << bytes;
  const std::unique_ptr<Catalog> catalog = must(place.open());
  check_damage(catalog->find(7), place, "stream 7");
  check_damage(catalog->streams_after(0, 100), place, "stream 7");
  CHECK(must(catalog->find(6)));
  const std::unique_ptr<Catalog::Update> update = must(catalog->begin());
  check_damage(update->put(sample_stream(7, "s7")), place, "stream 7");
}

TEST_CASE("the last words of a process that LMDB ends name the catalog and the way on",
          "[store_file][catalog]") {
  const Place place;
  put_streams(*must(place.open()), 1, 3000);
  std::string bytes = place.read_data();
  for (std::size_t page = 2 * kPageBytes; page < bytes.size(); page += kPageBytes) {
    constexpr char kBranch = 1;
    if (bytes[page + 10] == kBranch) bytes.replace(page + 12, 2, std::string("\x12\0", 2));
  }
  std::ofstream(place.data_file()) << bytes;
  const std::string said = place.path() + "/said";
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::signal(SIGABRT, SIG_DFL);
    const int file = ::open(said.c_str(), O_WRONLY | O_CREAT, 0600);
    ::dup2(file, STDERR_FILENO);
    if (const auto catalog = place.open()) ignore(read_streams(**catalog), "it ends here");
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK((WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT));
  std::ifstream in(said);
  const std::string words{std::istreambuf_iterator<char>(in), {}};
  INFO(words);
  CHECK(words.find("catalog " + place.path()) != std::string::npos);
  CHECK(words.find("fsck --repair") != std::string::npos);
}

TEST_CASE("what is no catalog's file is refused", "[store_file][catalog]") {
  const Place place;
  std::ofstream(place.data_file()) << std::string(100'000, 'x');
  const auto refused = place.open();
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::kCorruption);
}

TEST_CASE("more threads may read than transactions lie ready", "[store_file][catalog]") {
  const Place place;
  const std::unique_ptr<Catalog> catalog = must(place.open());
  put_streams(*catalog, 1, 100);
  std::vector<std::thread> threads;
  std::vector<int> found(64, 0);
  for (int& count : found) {
    threads.emplace_back([&catalog, &count] {
      for (StreamId id = 1; id <= 100; ++id) {
        const Result<std::optional<SettledStream>> stream = catalog->find(id);
        if (stream.ok() && *stream && (*stream)->record.id == id) ++count;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const int count : found) CHECK(count == 100);
}

}  // namespace durable_streams

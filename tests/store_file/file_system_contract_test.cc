// The contract of FileSystem, which the real disk and the simulated one keep alike.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/file/file_system.h"
#include "store/file/posix_file_system.h"
#include "tests/support/catch.h"
#include "tests/support/simulated_disk.h"
#include "tests/support/temporary_directory.h"

namespace durable_streams {
namespace {

// A file system and a directory on it that is there and empty.
struct RealDisk {
  TemporaryDirectory directory;
  PosixFileSystem files;
  std::string root = directory.path();
};

struct DiskInMemory {
  DiskInMemory() { files.create_directories(root).value(); }

  SimulatedDisk files;
  std::string root = "data";
};

Status write(File& file, std::uint64_t offset, std::string_view bytes) {
  const std::array<std::string_view, 1> parts{bytes};
  return file.write(offset, parts);
}

std::string read(File& file, std::uint64_t offset, std::size_t size) {
  std::string bytes(size, '?');
  bytes.resize(file.read(offset, bytes.data(), size).value());
  return bytes;
}

std::vector<std::string> sorted(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  return names;
}

template <class T>
ErrorCode code_of(const Result<T>& result) {
  return result.error().code;
}

}  // namespace

TEMPLATE_TEST_CASE("a gathered write stands back to back from its offset", "[store_file][disk]",
                   RealDisk, DiskInMemory) {
  TestType disk;
  const auto file = disk.files.open(disk.root + "/a", OpenMode::kCreate).value();
  const std::array<std::string_view, 4> parts{"one", "", "two", "three"};
  CHECK(file->write(4, parts).ok());
  CHECK(file->size().value() == 15);
  CHECK(read(*file, 0, 100) == std::string("\0\0\0\0onetwothree", 15));
  CHECK(write(*file, 7, "TWO").ok());
  CHECK(read(*file, 4, 6) == "oneTWO");
  CHECK(file->write(100, {}).ok());
  CHECK(file->size().value() == 15);
}

TEMPLATE_TEST_CASE("a write may have more parts than the system takes in one call",
                   "[store_file][disk]", RealDisk, DiskInMemory) {
  TestType disk;
  const auto file = disk.files.open(disk.root + "/a", OpenMode::kCreate).value();
  std::string expected;
  for (int i = 0; i < 5000; ++i) expected += std::to_string(i);
  std::vector<std::string_view> parts;
  for (std::size_t at = 0; at < expected.size(); at += 5) {
    parts.push_back(std::string_view(expected).substr(at, 5));
    parts.emplace_back();
  }
  CHECK(file->write(0, parts).ok());
  CHECK(read(*file, 0, expected.size() + 1) == expected);
}

TEMPLATE_TEST_CASE("a read is short only where the file ends", "[store_file][disk]", RealDisk,
                   DiskInMemory) {
  TestType disk;
  const auto file = disk.files.open(disk.root + "/a", OpenMode::kCreate).value();
  CHECK(write(*file, 0, "0123456789").ok());
  CHECK(read(*file, 8, 10) == "89");
  CHECK(read(*file, 10, 10).empty());
  CHECK(read(*file, 1'000, 10).empty());
  std::string bytes(20, '?');
  if (const auto cached = file->read_cached(5, bytes.data(), bytes.size())) {
    CHECK(cached->value() == 5);
    CHECK(bytes.starts_with("56789?"));
  }
}

TEMPLATE_TEST_CASE("truncating cuts a file, or grows it with zeros", "[store_file][disk]", RealDisk,
                   DiskInMemory) {
  TestType disk;
  const auto file = disk.files.open(disk.root + "/a", OpenMode::kCreate).value();
  CHECK(write(*file, 0, "0123456789").ok());
  CHECK(file->truncate(4).ok());
  CHECK(file->size().value() == 4);
  CHECK(file->truncate(6).ok());
  CHECK(read(*file, 0, 10) == std::string("0123\0\0", 6));
  CHECK(file->sync().ok());
  file->start_writeback(0, 6);
}

TEMPLATE_TEST_CASE("opening creates only when asked to, and never over a file",
                   "[store_file][disk]", RealDisk, DiskInMemory) {
  TestType disk;
  const std::string path = disk.root + "/a";
  CHECK(code_of(disk.files.open(path, OpenMode::kRead)) == ErrorCode::kNotFound);
  CHECK(code_of(disk.files.open(path, OpenMode::kReadWrite)) == ErrorCode::kNotFound);
  CHECK(write(*disk.files.open(path, OpenMode::kCreate).value(), 0, "kept").ok());
  CHECK(code_of(disk.files.open(path, OpenMode::kCreate)) == ErrorCode::kIo);
  CHECK(read(*disk.files.open(path, OpenMode::kReadWrite).value(), 0, 10) == "kept");
  CHECK(code_of(disk.files.open(disk.root + "/none/a", OpenMode::kCreate)) == ErrorCode::kNotFound);
}

TEMPLATE_TEST_CASE("a file open to read is not written", "[store_file][disk]", RealDisk,
                   DiskInMemory) {
  TestType disk;
  const std::string path = disk.root + "/a";
  CHECK(write(*disk.files.open(path, OpenMode::kCreate).value(), 0, "kept").ok());
  const auto file = disk.files.open(path, OpenMode::kRead).value();
  CHECK(code_of(write(*file, 0, "lost")) == ErrorCode::kIo);
  CHECK(code_of(file->truncate(0)) == ErrorCode::kIo);
  CHECK(read(*file, 0, 10) == "kept");
}

TEMPLATE_TEST_CASE("directories are created with all that is missing above them",
                   "[store_file][disk]", RealDisk, DiskInMemory) {
  TestType disk;
  const std::string path = disk.root + "/a/b/c";
  CHECK(disk.files.create_directories(path).ok());
  CHECK(disk.files.create_directories(path + "/").ok());
  CHECK(disk.files.create_directories(disk.root + "/a/d").ok());
  CHECK(disk.files.open(path + "/file", OpenMode::kCreate).ok());
  CHECK(code_of(disk.files.create_directories(path + "/file")) == ErrorCode::kIo);
  CHECK(code_of(disk.files.create_directories(path + "/file/e")) == ErrorCode::kIo);
}

TEMPLATE_TEST_CASE("listing names the files of a directory, and not its directories",
                   "[store_file][disk]", RealDisk, DiskInMemory) {
  TestType disk;
  CHECK(disk.files.list(disk.root).value().empty());
  CHECK(disk.files.create_directories(disk.root + "/inner").ok());
  CHECK(disk.files.open(disk.root + "/inner/c", OpenMode::kCreate).ok());
  CHECK(disk.files.open(disk.root + "/b", OpenMode::kCreate).ok());
  CHECK(disk.files.open(disk.root + "/a", OpenMode::kCreate).ok());
  CHECK(sorted(disk.files.list(disk.root).value()) == std::vector<std::string>{"a", "b"});
  CHECK(sorted(disk.files.list(disk.root + "/").value()) == std::vector<std::string>{"a", "b"});
  CHECK(code_of(disk.files.list(disk.root + "/none")) == ErrorCode::kNotFound);
}

TEMPLATE_TEST_CASE("a rename replaces what the new name stood for", "[store_file][disk]", RealDisk,
                   DiskInMemory) {
  TestType disk;
  const std::string from = disk.root + "/from";
  const std::string to = disk.root + "/to";
  CHECK(write(*disk.files.open(from, OpenMode::kCreate).value(), 0, "new").ok());
  const auto replaced = disk.files.open(to, OpenMode::kCreate).value();
  CHECK(write(*replaced, 0, "old").ok());
  CHECK(disk.files.rename(from, to).ok());
  CHECK(disk.files.sync_directory(disk.root).ok());
  CHECK(disk.files.list(disk.root).value() == std::vector<std::string>{"to"});
  CHECK(read(*disk.files.open(to, OpenMode::kRead).value(), 0, 10) == "new");
  CHECK(read(*replaced, 0, 10) == "old");
  CHECK(code_of(disk.files.rename(from, to)) == ErrorCode::kNotFound);
}

TEMPLATE_TEST_CASE("a removed file can be used by those who have it open", "[store_file][disk]",
                   RealDisk, DiskInMemory) {
  TestType disk;
  const std::string path = disk.root + "/a";
  const auto file = disk.files.open(path, OpenMode::kCreate).value();
  CHECK(write(*file, 0, "there").ok());
  CHECK(disk.files.remove(path).ok());
  CHECK(disk.files.list(disk.root).value().empty());
  CHECK(read(*file, 0, 10) == "there");
  CHECK(write(*file, 5, " still").ok());
  CHECK(code_of(disk.files.remove(path)) == ErrorCode::kNotFound);
  CHECK(code_of(disk.files.sync_directory(disk.root + "/none")) == ErrorCode::kNotFound);
}

TEMPLATE_TEST_CASE("a directory is locked by one at a time", "[store_file][disk]", RealDisk,
                   DiskInMemory) {
  TestType disk;
  auto lock = disk.files.lock(disk.root, "LOCK").value();
  const auto refused = disk.files.lock(disk.root + "/.", "LOCK");
  CHECK(code_of(refused) == ErrorCode::kUnavailable);
  CHECK(refused.error().message.ends_with("LOCK: in use by this process"));
  CHECK(disk.files.lock(disk.root, "OTHER").ok());
  lock.reset();
  CHECK(disk.files.lock(disk.root, "LOCK").ok());
  CHECK(sorted(disk.files.list(disk.root).value()) == std::vector<std::string>{"LOCK", "OTHER"});
  CHECK(code_of(disk.files.lock(disk.root + "/none", "LOCK")) == ErrorCode::kNotFound);
}

TEMPLATE_TEST_CASE("an error names the call, the path and the reason", "[store_file][disk]",
                   RealDisk, DiskInMemory) {
  TestType disk;
  const std::string path = disk.root + "/none";
  const std::string missing = path + ": No such file or directory";
  CHECK(disk.files.open(path, OpenMode::kRead).error().message == "open " + missing);
  CHECK(disk.files.remove(path).error().message == "remove " + missing);
  CHECK(disk.files.list(path).error().message == "list " + missing);
  CHECK(disk.files.sync_directory(path).error().message == "sync " + missing);
  CHECK(disk.files.rename(path, path + "2").error().message ==
        "rename " + path + " to " + path + "2: No such file or directory");
}

}  // namespace durable_streams

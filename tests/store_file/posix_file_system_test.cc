// What only the real disk shows: permissions, limits of the system, other processes.
#include "store/file/posix_file_system.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

namespace durable_streams {
namespace {

unsigned mode_of(const std::string& path) {
  struct stat facts {};
  REQUIRE(::stat(path.c_str(), &facts) == 0);
  return facts.st_mode & 0777U;
}

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// Another process that holds the lock of `directory`, until it goes. Threads: one at a time.
class LockingProcess {
 public:
  explicit LockingProcess(const std::string& directory) {
    REQUIRE(::pipe(ready_.data()) == 0);
    REQUIRE(::pipe(stop_.data()) == 0);
    pid_ = ::fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) hold(directory);
    char locked = 'n';
    REQUIRE(::read(ready_[0], &locked, 1) == 1);
    REQUIRE(locked == 'y');
  }
  LockingProcess(const LockingProcess&) = delete;
  LockingProcess& operator=(const LockingProcess&) = delete;
  ~LockingProcess() {
    end();
    for (const int end : {ready_[0], ready_[1], stop_[0], stop_[1]}) ::close(end);
  }

  pid_t pid() const { return pid_; }

  // Without a chance to release anything.
  void end() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  [[noreturn]] void hold(const std::string& directory) {
    const auto lock = PosixFileSystem().lock(directory, "LOCK");
    const char answer = lock.ok() ? 'y' : 'n';
    if (::write(ready_[1], &answer, 1) == 1) {
      char never = 0;
      static_cast<void>(::read(stop_[0], &never, 1) == 1);
    }
    ::_exit(0);
  }

  std::array<int, 2> ready_{};
  std::array<int, 2> stop_{};
  pid_t pid_ = -1;
};

// Sets how many files this process may have open, for a scope. Threads: one at a time.
class OpenFileLimit {
 public:
  explicit OpenFileLimit(rlim_t files) {
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
    const rlimit limit{.rlim_cur = files, .rlim_max = before_.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
  }
  OpenFileLimit(const OpenFileLimit&) = delete;
  OpenFileLimit& operator=(const OpenFileLimit&) = delete;
  ~OpenFileLimit() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

}  // namespace

TEST_CASE("a file is not written through a symbolic link", "[file_system]") {
  const TemporaryDirectory directory;
  PosixFileSystem files;
  const std::string target = directory.path() + "/target";
  std::ofstream(target) << "kept";
  const std::string link = directory.path() + "/link";
  REQUIRE(::symlink(target.c_str(), link.c_str()) == 0);
  CHECK_FALSE(files.open(link, OpenMode::kReadWrite).ok());
  CHECK_FALSE(files.open(link, OpenMode::kCreate).ok());
  CHECK(files.open(link, OpenMode::kRead).ok());
  CHECK(text_of(target) == "kept");
}

TEST_CASE("files and directories are for their owner alone", "[store_file][disk]") {
  const TemporaryDirectory directory;
  PosixFileSystem files;
  const std::string inner = directory.path() + "/a/b";
  REQUIRE(files.create_directories(inner).ok());
  const auto file = files.open(inner + "/file", OpenMode::kCreate).value();
  const auto lock = files.lock(inner, "LOCK").value();
  CHECK(mode_of(directory.path() + "/a") == 0700);
  CHECK(mode_of(inner) == 0700);
  CHECK(mode_of(inner + "/file") == 0600);
  CHECK(mode_of(inner + "/LOCK") == 0600);
}

TEST_CASE("the lock of a directory tells which process holds it", "[store_file][disk]") {
  const TemporaryDirectory directory;
  PosixFileSystem files;
  LockingProcess other(directory.path());
  const std::string path = directory.path() + "/LOCK";
  CHECK(text_of(path) == std::to_string(other.pid()));

  const auto refused = files.lock(directory.path(), "LOCK");
  REQUIRE(!refused.ok());
  CHECK(refused.error().code == ErrorCode::kUnavailable);
  CHECK(refused.error().message ==
        "lock " + path + ": in use by process " + std::to_string(other.pid()));

  std::ofstream(path) << "no number";
  CHECK(files.lock(directory.path(), "LOCK").error().message ==
        "lock " + path + ": in use by another process");

  other.end();
  const auto lock = files.lock(directory.path(), "LOCK");
  CHECK(lock.ok());
  CHECK(text_of(path) == std::to_string(::getpid()));
}

TEST_CASE("one process cannot lock a directory twice, by whatever path", "[store_file][disk]") {
  const TemporaryDirectory directory;
  PosixFileSystem files;
  const std::string data = directory.path() + "/data";
  const std::string link = directory.path() + "/link";
  REQUIRE(files.create_directories(data).ok());
  REQUIRE(::symlink(data.c_str(), link.c_str()) == 0);
  auto lock = files.lock(data, "LOCK").value();
  CHECK(PosixFileSystem().lock(link, "LOCK").error().code == ErrorCode::kUnavailable);
  REQUIRE(files.remove(data + "/LOCK").ok());
  CHECK(files.lock(data, "LOCK").error().code == ErrorCode::kUnavailable);
  lock.reset();
  CHECK(files.lock(link, "LOCK").ok());
}

TEST_CASE("a process without descriptors is told that it has too many files open",
          "[store_file][disk]") {
  const TemporaryDirectory directory;
  PosixFileSystem files;
  const std::string path = directory.path() + "/a";
  REQUIRE(files.open(path, OpenMode::kCreate).ok());
  // Checked when the limit is lifted again, for reporting a failure may itself want a descriptor.
  std::optional<OpenFileLimit> limit(3);
  const auto open = files.open(path, OpenMode::kRead);
  const auto list = files.list(directory.path());
  const auto lock = files.lock(directory.path(), "LOCK");
  limit.reset();
  REQUIRE(!open.ok());
  CHECK(open.error().code == ErrorCode::kTooMany);
  CHECK(open.error().message == "open " + path + ": Too many open files");
  REQUIRE(!list.ok());
  CHECK(list.error().code == ErrorCode::kTooMany);
  REQUIRE(!lock.ok());
  CHECK(lock.error().code == ErrorCode::kTooMany);
}

TEST_CASE("a full device is told from a broken one", "[store_file][disk]") {
  if (::access("/dev/full", W_OK) != 0) return;
  PosixFileSystem files;
  const auto full = files.open("/dev/full", OpenMode::kReadWrite).value();
  const std::array<std::string_view, 1> parts{"bytes"};
  const Status refused = full->write(0, parts);
  CHECK(refused.error().code == ErrorCode::kNoSpace);
  CHECK(refused.error().message == "write /dev/full: No space left on device");
}

TEST_CASE("a directory that may not be written says so", "[store_file][disk]") {
  if (::geteuid() == 0) return;  // who may do everything
  const TemporaryDirectory directory;
  PosixFileSystem files;
  REQUIRE(::chmod(directory.path().c_str(), 0500) == 0);
  const std::string path = directory.path() + "/a";
  const auto refused = files.open(path, OpenMode::kCreate);
  CHECK(refused.error().code == ErrorCode::kIo);
  CHECK(refused.error().message == "create " + path + ": Permission denied");
  CHECK(files.lock(directory.path(), "LOCK").error().code == ErrorCode::kIo);
  REQUIRE(::chmod(directory.path().c_str(), 0700) == 0);
}

TEST_CASE("offsets that no file reaches are refused", "[store_file][disk]") {
  const TemporaryDirectory directory;
  PosixFileSystem files;
  const auto file = files.open(directory.path() + "/a", OpenMode::kCreate).value();
  const std::array<std::string_view, 1> parts{"bytes"};
  CHECK(file->write(UINT64_MAX - 2, parts).error().code == ErrorCode::kIo);
  CHECK(file->truncate(UINT64_MAX).error().code == ErrorCode::kIo);
  char byte = 0;
  CHECK(file->read(UINT64_MAX - 2, &byte, 1).value() == 0);
  CHECK(file->size().value() == 0);
}

TEST_CASE("what was just written is read without waiting, where the system can tell",
          "[store_file][disk]") {
  const TemporaryDirectory directory;
  PosixFileSystem files;
  const auto file = files.open(directory.path() + "/a", OpenMode::kCreate).value();
  const std::string bytes(100'000, 'x');
  const std::array<std::string_view, 1> parts{bytes};
  REQUIRE(file->write(0, parts).ok());
  std::string got(bytes.size() + 10, '?');
  const auto cached = file->read_cached(0, got.data(), got.size());
  if (!cached) return;
  CHECK(cached->value() == bytes.size());
  got.resize(bytes.size());
  CHECK(got == bytes);
}

TEST_CASE("files do not pass to a program that this one starts", "[store_file][disk]") {
  const TemporaryDirectory directory;
  PosixFileSystem files;
  const auto file = files.open(directory.path() + "/a", OpenMode::kCreate).value();
  const auto lock = files.lock(directory.path(), "LOCK").value();
  std::size_t inherited = 0;
  for (int descriptor = 3; descriptor < 100; ++descriptor) {
    struct stat facts {};
    struct stat ours {};
    if (::fstat(descriptor, &facts) != 0) continue;
    for (const char* name : {"/a", "/LOCK"}) {
      REQUIRE(::stat((directory.path() + name).c_str(), &ours) == 0);
      const bool same = facts.st_dev == ours.st_dev && facts.st_ino == ours.st_ino;
      if (same && (::fcntl(descriptor, F_GETFD) & FD_CLOEXEC) == 0) ++inherited;
    }
  }
  CHECK(inherited == 0);
}

}  // namespace durable_streams

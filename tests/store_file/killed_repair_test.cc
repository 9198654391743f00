// A repair that is killed within a transaction of the catalog, before any write and sync of LMDB's.
// A program of its own: it stands between LMDB and the system.
#include <durable_streams/file_store.h>
#include <durable_streams/file_store_tools.h>

#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <limits>
#include <string>

#include "tests/store_file/filled_store.h"
#include "tests/store_file/killed_store.h"
#include "tests/support/catch.h"

namespace {

// Of this process, in all its threads; the last one kills it.
std::atomic<std::size_t> steps_left = std::numeric_limits<std::size_t>::max();

void take_step() {
  if (steps_left-- == 0) ::kill(::getpid(), SIGKILL);
}

}  // namespace

// What LMDB changes files by, in place of the system's own.
extern "C" {
__attribute__((visibility("default"))) ssize_t pwrite(int file, const void* bytes, size_t size,
                                                      off_t offset) {
  take_step();
  return ::syscall(SYS_pwrite64, file, bytes, size, offset);
}

__attribute__((visibility("default"))) ssize_t writev(int file, const iovec* parts, int count) {
  take_step();
  return ::syscall(SYS_writev, file, parts, count);
}

__attribute__((visibility("default"))) int fdatasync(int file) {
  take_step();
  return static_cast<int>(::syscall(SYS_fdatasync, file));
}
}

namespace durable_streams {

namespace {

namespace fs = std::filesystem;

// False: it was killed at that step.
bool repair_for(const std::string& directory, std::size_t steps) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    steps_left = steps;
    const Result<FileStoreCheck> check =
        check_file_store({.directory = directory, .repair = true}, [](const FileStoreFinding&) {});
    ::_exit(check.ok() && check->damages == 0 ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  if (WIFSIGNALED(status)) {
    REQUIRE(WTERMSIG(status) == SIGKILL);
    return false;
  }
  REQUIRE(WEXITSTATUS(status) == 0);
  return true;
}

// Returns how many steps it had.
std::size_t kill_at_each_step(const KilledStore& store, const std::string& added) {
  for (std::size_t steps = 0;; ++steps) {
    CAPTURE(steps);
    REQUIRE(steps < 200);
    const std::string directory = store.copy("killed" + std::to_string(steps));
    const bool done = repair_for(directory, steps);
    check_start(store.copy_of(directory, "started" + std::to_string(steps)), added, done);
    CHECK(repair_for(directory, std::numeric_limits<std::size_t>::max()));
    check_start(directory, added, true);
    fs::remove_all(directory);
    if (done) return steps;
  }
}

}  // namespace

TEST_CASE(
    "a repair that is killed while it makes the catalog anew is done again, and loses nothing",
    "[file][tools][repair]") {
  const KilledStore store(kSmallSegment);
  if (GENERATE(false, true)) {
    fs::remove(store.catalog());
  } else {
    overwrite(store.catalog(), 0, std::string(8192, '\x55'));
  }
  // The pages of a new file and of two transactions, and their syncs.
  CHECK(kill_at_each_step(store, "a_b_c") > 6);
}

TEST_CASE("a repair that is killed while it notes a loss in the catalog is done again",
          "[file][tools][repair]") {
  const KilledStore store(kSmallSegment);
  damage_journal(store);
  CHECK(kill_at_each_step(store, "a") > 3);
}

}  // namespace durable_streams

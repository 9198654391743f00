// What the file store asks of a disk: few calls, so that tests can stand a disk in that fails,
// tears and forgets.
#pragma once

#include <durable_streams/result.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace durable_streams {

// Errors of both classes: kNotFound (no such file), kNoSpace (the disk or a quota is full),
// kTooMany (no descriptor is left), kUnavailable (locked by another process), kIo (all else). The
// message names the call, the path and the reason.

// An open file; closed with it. Threads: any, but no two at once on ranges that overlap when one
// writes.
class File {
 public:
  virtual ~File() = default;

  // Writes all of `parts`, back to back, from `offset` on, growing the file as needed. After an
  // error any part of it may have been written.
  virtual Status write(std::uint64_t offset, std::span<const std::string_view> parts) = 0;

  // Reads up to `size` bytes from `offset` on; fewer only where the file ends.
  virtual Result<std::size_t> read(std::uint64_t offset, char* out, std::size_t size) = 0;

  // The same without waiting for the disk; nullopt: it would have to.
  virtual std::optional<Result<std::size_t>> read_cached(std::uint64_t offset, char* out,
                                                         std::size_t size) = 0;

  // Makes durable what was written, and the file's size. After an error nothing unsynced can be
  // relied on, ever.
  virtual Status sync() = 0;

  // Lets the disk begin on a written range, so that a later sync() finds little to do. A hint.
  virtual void start_writeback(std::uint64_t offset, std::uint64_t size) = 0;

  virtual Result<std::uint64_t> size() = 0;
  virtual Status truncate(std::uint64_t size) = 0;

  // Grows the file to `size` bytes, if it is smaller; the room for them is its own from then on.
  virtual Status allocate(std::uint64_t size) = 0;
};

// Keeps a directory to one user, in this process and in others, until it goes.
class DirectoryLock {
 public:
  virtual ~DirectoryLock() = default;
};

enum class OpenMode : std::uint8_t {
  kRead,
  kReadWrite,  // never through a symbolic link: what it names may be another's
  kCreate,     // to read and write; there must be no such file yet
};

// Paths are as the system takes them. What a call did to a directory is durable after
// sync_directory(). Threads: any.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  // New files may be read and written by their owner alone.
  virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;

  // Creates what is missing of a path, for its owner alone, and makes that durable. Fine if it is
  // there.
  virtual Status create_directories(const std::string& path) = 0;

  // The names of the files in a directory, in no order.
  virtual Result<std::vector<std::string>> list(const std::string& directory) = 0;

  // Replaces what `to` names.
  virtual Status rename(const std::string& from, const std::string& to) = 0;
  virtual Status remove(const std::string& path) = 0;
  // Gives the file `from` a second name. kInvalidArgument: it can't have that one, for example on
  // another disk.
  virtual Status link(const std::string& from, const std::string& to);
  // kConflict: it is not empty, or no directory.
  virtual Status remove_directory(const std::string& directory);
  virtual Status sync_directory(const std::string& directory) = 0;

  // By a file `name` in the directory.
  virtual Result<std::unique_ptr<DirectoryLock>> lock(const std::string& directory,
                                                      const std::string& name) = 0;
};

// A disk without links and without a way to remove directories, as those of most tests are.
inline Status FileSystem::link(const std::string& from, const std::string& to) {
  return Error{.code = ErrorCode::kInvalidArgument,
               .message = "link " + from + " to " + to + ": this disk has no links",
               .detail = {}};
}

inline Status FileSystem::remove_directory(const std::string& directory) {
  return Error{.code = ErrorCode::kNotFound,
               .message = "remove " + directory + ": this disk keeps its directories",
               .detail = {}};
}

}  // namespace durable_streams

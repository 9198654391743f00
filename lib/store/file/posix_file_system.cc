// What PosixFileSystem does to directories, and its locks.
#include "store/file/posix_file_system.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include "base/mutex.h"
#include "store/file/posix_file.h"

namespace durable_streams {
namespace {

constexpr mode_t kOwnerOnly = 0700;

std::string joined(const std::string& directory, const std::string& name) {
  return directory.ends_with('/') ? directory + name : directory + '/' + name;
}

// "." for a path of one name, "/" for what lies in it.
std::string parent_of(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  path = path.substr(0, slash);
  while (path.ends_with('/')) path.remove_suffix(1);
  return path.empty() ? "/" : std::string(path);
}

bool is_directory(const std::string& path) {
  struct stat facts {};
  return ::stat(path.c_str(), &facts) == 0 && S_ISDIR(facts.st_mode);
}

int open_flags(OpenMode mode) {
  switch (mode) {
    case OpenMode::kRead:
      return O_RDONLY;
    case OpenMode::kReadWrite:
      return O_RDWR | O_NOFOLLOW;
    case OpenMode::kCreate:
      return O_RDWR | O_CREAT | O_EXCL;
  }
  return O_RDONLY;
}

struct DirectoryCloser {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

// Not every file system tells an entry's kind with its name.
bool is_directory_entry(DIR* directory, const dirent& entry) {
  if (entry.d_type != DT_UNKNOWN) return entry.d_type == DT_DIR;
  struct stat facts {};
  return ::fstatat(::dirfd(directory), static_cast<const char*>(entry.d_name), &facts,
                   AT_SYMLINK_NOFOLLOW) == 0 &&
         S_ISDIR(facts.st_mode);
}

// A directory, whatever path leads to it, and the lock's name in it.
using LockKey = std::tuple<dev_t, ino_t, std::string>;

// The locks that this process holds. The system's own locks do not tell apart two opens of one
// process on every file system, and on some are lost when any descriptor of the file is closed: so
// this is asked before the file is opened.
struct HeldLocks {
  Mutex mutex;
  std::set<LockKey> keys DURABLE_STREAMS_GUARDED_BY(mutex);
};

HeldLocks& held_locks() {
  static HeldLocks locks;
  return locks;
}

class PosixDirectoryLock final : public DirectoryLock {
 public:
  PosixDirectoryLock(Descriptor descriptor, LockKey key)
      : descriptor_(std::move(descriptor)), key_(std::move(key)) {}
  PosixDirectoryLock(const PosixDirectoryLock&) = delete;
  PosixDirectoryLock& operator=(const PosixDirectoryLock&) = delete;

  ~PosixDirectoryLock() override {
    HeldLocks& locks = held_locks();
    const MutexLock lock(locks.mutex);
    // Closing unlocks. It comes first, so that nobody in this process finds the key free and the
    // file locked.
    descriptor_.reset();
    locks.keys.erase(key_);
  }

 private:
  std::optional<Descriptor> descriptor_;
  const LockKey key_;
};

Error lock_held(const std::string& path, const std::string& holder) {
  return Error{.code = ErrorCode::kUnavailable,
               .message = "lock " + path + ": in use by " + holder,
               .detail = {}};
}

// As the holder wrote it; a number and nothing else is believed.
std::string holder_of(int descriptor) {
  std::array<char, 24> text;
  const ssize_t size =
      uninterrupted([&] { return ::pread(descriptor, text.data(), text.size(), 0); });
  std::string_view pid(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  pid = pid.substr(0, pid.find('\n'));
  const bool number = !pid.empty() && pid.find_first_not_of("0123456789") == std::string_view::npos;
  return number ? "process " + std::string(pid) : "another process";
}

// For people only, so that a full disk, where it fails, does not keep a store from opening.
void write_holder(int descriptor) {
  const std::string pid = std::to_string(::getpid()) + '\n';
  if (::ftruncate(descriptor, 0) < 0) return;
  static_cast<void>(uninterrupted([&] { return ::pwrite(descriptor, pid.data(), pid.size(), 0); }));
}

// Whether `path` still names the open file: somebody may have removed it meanwhile, and then its
// lock keeps nobody out.
bool still_names(const std::string& path, int descriptor) {
  struct stat named {};
  struct stat opened {};
  return ::stat(path.c_str(), &named) == 0 && ::fstat(descriptor, &opened) == 0 &&
         named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

Result<Descriptor> open_locked(const std::string& path) {
  while (true) {
    Descriptor file = open_descriptor(path, O_RDWR | O_CREAT | O_NOFOLLOW);
    if (!file.ok()) return posix_error("lock", path, errno);
    if (uninterrupted([&] { return ::flock(file.number(), LOCK_EX | LOCK_NB); }) < 0) {
      if (errno == EWOULDBLOCK) return lock_held(path, holder_of(file.number()));
      return posix_error("lock", path, errno);
    }
    if (!still_names(path, file.number())) continue;
    write_holder(file.number());
    return file;
  }
}

Descriptor open_directory(const std::string& directory) {
  return open_descriptor(directory, O_RDONLY | O_DIRECTORY);
}

Status sync_entries(const Descriptor& open, const std::string& directory) {
  // Some file systems have no such call for directories, and make it so by themselves.
  if (uninterrupted([&] { return ::fsync(open.number()); }) < 0 && errno != EINVAL) {
    return posix_error("sync", directory, errno);
  }
  return {};
}

// Opening a directory that its user may only pass through fails, which is no reason not to use what
// lies in it.
Status sync_if_readable(const std::string& directory) {
  const Descriptor open = open_directory(directory);
  return open.ok() ? sync_entries(open, directory) : Status();
}

}  // namespace

Result<std::unique_ptr<File>> PosixFileSystem::open(const std::string& path, OpenMode mode) {
  Descriptor descriptor = open_descriptor(path, open_flags(mode));
  if (!descriptor.ok()) {
    return posix_error(mode == OpenMode::kCreate ? "create" : "open", path, errno);
  }
  return std::unique_ptr<File>(std::make_unique<PosixFile>(std::move(descriptor), path));
}

Status PosixFileSystem::create_directories(const std::string& path) {
  std::vector<std::string> missing;
  std::string existing = path;
  while (::mkdir(existing.c_str(), kOwnerOnly) < 0) {
    const int reason = errno == EEXIST ? ENOTDIR : errno;
    if (is_directory(existing)) break;
    if (reason != ENOENT || parent_of(existing) == existing) {
      return posix_error("create directory", existing, reason);
    }
    missing.push_back(existing);
    existing = parent_of(existing);
  }
  // Also when it was there: whoever made it may have been killed before this.
  if (Status synced = sync_if_readable(parent_of(existing)); !synced) return synced;
  for (; !missing.empty(); missing.pop_back()) {
    if (::mkdir(missing.back().c_str(), kOwnerOnly) < 0 && !is_directory(missing.back())) {
      return posix_error("create directory", missing.back(), errno);
    }
    if (Status synced = sync_directory(parent_of(missing.back())); !synced) return synced;
  }
  return {};
}

Result<std::vector<std::string>> PosixFileSystem::list(const std::string& directory) {
  const std::unique_ptr<DIR, DirectoryCloser> entries(::opendir(directory.c_str()));
  if (entries == nullptr) return posix_error("list", directory, errno);
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(entries.get())) {
    if (!is_directory_entry(entries.get(), *entry)) {
      names.emplace_back(static_cast<const char*>(entry->d_name));
    }
    errno = 0;
  }
  if (errno != 0) return posix_error("list", directory, errno);
  return names;
}

Status PosixFileSystem::rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) < 0)
    return posix_error("rename", from + " to " + to, errno);
  return {};
}

Status PosixFileSystem::remove(const std::string& path) {
  if (::unlink(path.c_str()) < 0) return posix_error("remove", path, errno);
  return {};
}

Status PosixFileSystem::link(const std::string& from, const std::string& to) {
  if (::link(from.c_str(), to.c_str()) == 0) return {};
  const int reason = errno;
  Error error = posix_error("link", from + " to " + to, reason);
  const bool impossible = reason == EXDEV || reason == EPERM || reason == EOPNOTSUPP ||
                          reason == EMLINK || reason == ENOSYS;
  if (impossible) error.code = ErrorCode::kInvalidArgument;
  return error;
}

Status PosixFileSystem::remove_directory(const std::string& directory) {
  if (::rmdir(directory.c_str()) == 0) return {};
  const int reason = errno;
  Error error = posix_error("remove", directory, reason);
  if (reason == ENOTEMPTY || reason == EEXIST || reason == ENOTDIR)
    error.code = ErrorCode::kConflict;
  return error;
}

Status PosixFileSystem::sync_directory(const std::string& directory) {
  const Descriptor open = open_directory(directory);
  if (!open.ok()) return posix_error("sync", directory, errno);
  return sync_entries(open, directory);
}

Result<std::unique_ptr<DirectoryLock>> PosixFileSystem::lock(const std::string& directory,
                                                             const std::string& name) {
  struct stat facts {};
  if (::stat(directory.c_str(), &facts) < 0) return posix_error("lock", directory, errno);
  LockKey key{facts.st_dev, facts.st_ino, name};
  const std::string path = joined(directory, name);
  HeldLocks& locks = held_locks();
  const MutexLock lock(locks.mutex);
  if (locks.keys.contains(key)) return lock_held(path, "this process");
  Result<Descriptor> file = open_locked(path);
  if (!file) return std::move(file).error();
  locks.keys.insert(key);
  return std::unique_ptr<DirectoryLock>(
      std::make_unique<PosixDirectoryLock>(std::move(*file), std::move(key)));
}

}  // namespace durable_streams

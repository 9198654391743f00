// Written beside the file, for a rename within one file system is what takes its place at once.
#include "server/cli/replace_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>

#include "server/net/unique_fd.h"

namespace durable_streams::server {
namespace {

constexpr mode_t kModeBits = 07777;

// 0, or why not.
int write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno != EINTR) return errno;
    if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

// The mode last: the system takes bits of it away when the owner changes.
int take_after(int fd, const struct stat& old) {
  if (::fchown(fd, old.st_uid, old.st_gid) != 0 && errno != EPERM) return errno;
  return ::fchmod(fd, old.st_mode & kModeBits) == 0 ? 0 : errno;
}

void sync_directory_of(const std::string& file) {
  const std::string directory = std::filesystem::path(file).parent_path().string();
  const UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd) ::fsync(fd.get());
}

// `file` without symbolic links.
int replace(const std::string& file, std::string_view text) {
  struct stat old {};
  if (::stat(file.c_str(), &old) != 0) return errno;
  if (S_ISDIR(old.st_mode)) return EISDIR;
  std::string unfinished = file + ".XXXXXX";
  const UniqueFd fd(::mkostemp(unfinished.data(), O_CLOEXEC));
  if (!fd) return errno;
  int error = write_all(fd.get(), text);
  if (error == 0) error = take_after(fd.get(), old);
  if (error == 0 && ::fsync(fd.get()) != 0) error = errno;
  if (error == 0 && ::rename(unfinished.c_str(), file.c_str()) != 0) error = errno;
  if (error != 0) ::unlink(unfinished.c_str());
  if (error == 0) sync_directory_of(file);
  return error;
}

}  // namespace

Status replace_file(const std::string& file, std::string_view text) {
  const std::unique_ptr<char, decltype(&std::free)> target(::realpath(file.c_str(), nullptr),
                                                           &std::free);
  const int error = target != nullptr ? replace(target.get(), text) : errno;
  if (error == 0) return {};
  // No other file can be renamed over a mount, as a file is that a container was given.
  const std::string why = error == EBUSY ? "it is mounted there, and can only be written into"
                                         : std::string(std::strerror(error));
  return Error{ErrorCode::kIo, fmt::format("cannot write {}: {}", file, why), {}};
}

}  // namespace durable_streams::server

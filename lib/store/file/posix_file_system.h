// The real disk behind FileSystem, by POSIX calls and, on Linux, those that spare a wait.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "store/file/file_system.h"

namespace durable_streams {

// Errors read like the shell's: `write journal/0001.log: No space left on device`. New files have
// mode 0600 and new directories 0700. A lock holds against other processes and within this one; its
// file tells the holder's process id, and stays behind. Threads: any.
class PosixFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Status create_directories(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& directory) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Status link(const std::string& from, const std::string& to) override;
  Status remove_directory(const std::string& directory) override;
  Status sync_directory(const std::string& directory) override;
  Result<std::unique_ptr<DirectoryLock>> lock(const std::string& directory,
                                              const std::string& name) override;
};

}  // namespace durable_streams

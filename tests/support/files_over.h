// A disk that lies over another and passes every call on: whoever fails or delays some of them says
// only which.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/file/file_system.h"

namespace durable_streams {

// Threads: as the file that it lies over.
class FileOver : public File {
 public:
  explicit FileOver(std::unique_ptr<File> under) : under_(std::move(under)) {}

  Status write(std::uint64_t offset, std::span<const std::string_view> parts) override {
    return under_->write(offset, parts);
  }
  Result<std::size_t> read(std::uint64_t offset, char* out, std::size_t size) override {
    return under_->read(offset, out, size);
  }
  std::optional<Result<std::size_t>> read_cached(std::uint64_t offset, char* out,
                                                 std::size_t size) override {
    return under_->read_cached(offset, out, size);
  }
  Status sync() override { return under_->sync(); }
  void start_writeback(std::uint64_t offset, std::uint64_t size) override {
    under_->start_writeback(offset, size);
  }
  Result<std::uint64_t> size() override { return under_->size(); }
  Status truncate(std::uint64_t size) override { return under_->truncate(size); }
  Status allocate(std::uint64_t size) override { return under_->allocate(size); }

 private:
  const std::unique_ptr<File> under_;
};

// Borrows what it lies over. Threads: as that.
class FilesOver : public FileSystem {
 public:
  explicit FilesOver(FileSystem& under) : under_(under) {}

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    return under_.open(path, mode);
  }
  Status create_directories(const std::string& path) override {
    return under_.create_directories(path);
  }
  Result<std::vector<std::string>> list(const std::string& directory) override {
    return under_.list(directory);
  }
  Status rename(const std::string& from, const std::string& to) override {
    return under_.rename(from, to);
  }
  Status remove(const std::string& path) override { return under_.remove(path); }
  Status link(const std::string& from, const std::string& to) override {
    return under_.link(from, to);
  }
  Status remove_directory(const std::string& directory) override {
    return under_.remove_directory(directory);
  }
  Status sync_directory(const std::string& directory) override {
    return under_.sync_directory(directory);
  }
  Result<std::unique_ptr<DirectoryLock>> lock(const std::string& directory,
                                              const std::string& name) override {
    return under_.lock(directory, name);
  }

 private:
  FileSystem& under_;
};

}  // namespace durable_streams

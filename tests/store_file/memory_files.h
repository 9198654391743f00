// A disk in memory whose bytes a test can read, change and refuse: what the tests of formats look
// at and spoil.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "store/file/file_system.h"

namespace durable_streams {

// Writes and removals are at once there for everyone; nothing tears or is forgotten. Threads: any,
// but a file's bytes are changed by one at a time.
class MemoryFiles final : public FileSystem {
 public:
  // For the test to set and read.
  std::atomic<bool> cached = true;  // whether read_cached() finds the bytes
  std::atomic<std::uint64_t> room = std::numeric_limits<std::uint64_t>::max();  // before kNoSpace
  std::atomic<std::size_t> reads = 0;
  std::atomic<std::size_t> open_files = 0;
  std::atomic<std::size_t> open_files_seen_max = 0;

  bool contains(const std::string& path) {
    const MutexLock lock(mutex_);
    return files_.contains(path);
  }

  std::string& bytes(const std::string& path) {
    const MutexLock lock(mutex_);
    return *files_.at(path);
  }

  void put(const std::string& path, std::string bytes) {
    const MutexLock lock(mutex_);
    files_[path] = std::make_shared<std::string>(std::move(bytes));
  }

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    const MutexLock lock(mutex_);
    auto found = files_.find(path);
    if (mode == OpenMode::kCreate) {
      if (found != files_.end()) return error(ErrorCode::kIo, path + " exists");
      found = files_.emplace(path, std::make_shared<std::string>()).first;
    }
    if (found == files_.end()) return error(ErrorCode::kNotFound, "no file " + path);
    return std::unique_ptr<File>(new MemoryFile(*this, found->second));
  }

  Status create_directories(const std::string&) override { return {}; }

  Result<std::vector<std::string>> list(const std::string& directory) override {
    const MutexLock lock(mutex_);
    std::vector<std::string> names;
    for (const auto& [path, bytes] : files_) {
      if (path.starts_with(directory + "/")) names.push_back(path.substr(directory.size() + 1));
    }
    return names;
  }

  Status rename(const std::string& from, const std::string& to) override {
    const MutexLock lock(mutex_);
    const auto found = files_.find(from);
    if (found == files_.end()) return error(ErrorCode::kNotFound, "no file " + from);
    files_[to] = found->second;
    files_.erase(from);
    return {};
  }

  Status remove(const std::string& path) override {
    const MutexLock lock(mutex_);
    if (files_.erase(path) == 0) return error(ErrorCode::kNotFound, "no file " + path);
    return {};
  }

  Status sync_directory(const std::string&) override { return {}; }

  Result<std::unique_ptr<DirectoryLock>> lock(const std::string&, const std::string&) override {
    return std::make_unique<DirectoryLock>();
  }

 private:
  class MemoryFile final : public File {
   public:
    MemoryFile(MemoryFiles& disk, std::shared_ptr<std::string> bytes)
        : disk_(disk), bytes_(std::move(bytes)) {
      const std::size_t open = ++disk_.open_files;
      std::size_t seen = disk_.open_files_seen_max;
      while (seen < open && !disk_.open_files_seen_max.compare_exchange_weak(seen, open)) {
      }
    }
    MemoryFile(const MemoryFile&) = delete;
    MemoryFile& operator=(const MemoryFile&) = delete;
    ~MemoryFile() override { --disk_.open_files; }

    Status write(std::uint64_t offset, std::span<const std::string_view> parts) override {
      for (const std::string_view part : parts) {
        if (part.size() > disk_.room) return error(ErrorCode::kNoSpace, "the disk is full");
        disk_.room -= part.size();
        if (bytes_->size() < offset + part.size()) bytes_->resize(offset + part.size());
        part.copy(bytes_->data() + offset, part.size());
        offset += part.size();
      }
      return {};
    }

    Result<std::size_t> read(std::uint64_t offset, char* out, std::size_t size) override {
      ++disk_.reads;
      if (offset >= bytes_->size()) return std::size_t{0};
      return bytes_->copy(out, size, offset);
    }

    std::optional<Result<std::size_t>> read_cached(std::uint64_t offset, char* out,
                                                   std::size_t size) override {
      if (!disk_.cached) return std::nullopt;
      return read(offset, out, size);
    }

    Status sync() override { return {}; }
    void start_writeback(std::uint64_t, std::uint64_t) override {}
    Result<std::uint64_t> size() override { return bytes_->size(); }
    Status truncate(std::uint64_t size) override {
      bytes_->resize(size);
      return {};
    }
    Status allocate(std::uint64_t size) override {
      bytes_->resize(std::max<std::size_t>(bytes_->size(), size));
      return {};
    }

   private:
    MemoryFiles& disk_;
    const std::shared_ptr<std::string> bytes_;
  };

  static Error error(ErrorCode code, std::string message) { return {code, std::move(message), {}}; }

  Mutex mutex_;
  std::map<std::string, std::shared_ptr<std::string>> files_ DURABLE_STREAMS_GUARDED_BY(mutex_);
};

}  // namespace durable_streams

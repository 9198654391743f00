// A file system during whose syncs others get their turn, as other threads do in life: they submit,
// read and commit while a batch or a pack is on its way to the disk.
#pragma once

#include <durable_streams/function.h>

#include <memory>
#include <string>
#include <utility>

#include "store/file/file_system.h"

namespace durable_streams {

// Borrows what it lies over. Threads: one at a time.
class InterruptedFiles final : public FileSystem {
 public:
  // Is told which file is about to be synced.
  using Interlude = Function<void(const std::string& path)>;

  explicit InterruptedFiles(FileSystem& under) : under_(under) {}

  void set_interlude(Interlude interlude) { interlude_ = std::move(interlude); }

  // Whether a file's sync has failed, though the machine was up, since the last forget_failures().
  bool sync_failed() const { return sync_failed_; }
  void forget_failures() { sync_failed_ = false; }

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    Result<std::unique_ptr<File>> file = under_.open(path, mode);
    if (!file) return file;
    return std::unique_ptr<File>(new InterruptedFile(*this, path, std::move(file).value()));
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
  // Threads: as File.
  class InterruptedFile final : public File {
   public:
    InterruptedFile(InterruptedFiles& files, std::string path, std::unique_ptr<File> under)
        : files_(files), path_(std::move(path)), under_(std::move(under)) {}

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
    Status sync() override {
      if (files_.interlude_) files_.interlude_(path_);
      Status synced = under_->sync();
      if (!synced && synced.error().code != ErrorCode::kCanceled) files_.sync_failed_ = true;
      return synced;
    }
    void start_writeback(std::uint64_t offset, std::uint64_t size) override {
      under_->start_writeback(offset, size);
    }
    Result<std::uint64_t> size() override { return under_->size(); }
    Status truncate(std::uint64_t size) override { return under_->truncate(size); }
    Status allocate(std::uint64_t size) override { return under_->allocate(size); }

   private:
    InterruptedFiles& files_;
    const std::string path_;
    const std::unique_ptr<File> under_;
  };

  FileSystem& under_;
  Interlude interlude_;
  bool sync_failed_ = false;
};

}  // namespace durable_streams

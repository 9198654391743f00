// A disk that goes away in the midst of what somebody does: at any step, as a kill may come.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/file/file_system.h"

namespace durable_streams {

// Borrows what it lies over. Lets so many steps that change something come to pass, and fails each
// one after; reads go on. Threads: one at a time.
class CutShortFiles final : public FileSystem {
 public:
  CutShortFiles(FileSystem& under, std::size_t steps) : under_(under), steps_(steps) {}

  // Whether a step has failed.
  bool was_cut() const { return was_cut_; }

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    if (mode == OpenMode::kCreate) {
      if (Status step = take_step(); !step) return step.error();
    }
    Result<std::unique_ptr<File>> file = under_.open(path, mode);
    if (!file) return file;
    return std::unique_ptr<File>(new CutShortFile(*this, std::move(file).value()));
  }
  Status create_directories(const std::string& path) override {
    Status step = take_step();
    return step.ok() ? under_.create_directories(path) : step;
  }
  Result<std::vector<std::string>> list(const std::string& directory) override {
    return under_.list(directory);
  }
  Status rename(const std::string& from, const std::string& to) override {
    Status step = take_step();
    return step.ok() ? under_.rename(from, to) : step;
  }
  Status remove(const std::string& path) override {
    Status step = take_step();
    return step.ok() ? under_.remove(path) : step;
  }
  Status link(const std::string& from, const std::string& to) override {
    Status step = take_step();
    return step.ok() ? under_.link(from, to) : step;
  }
  Status sync_directory(const std::string& directory) override {
    Status step = take_step();
    return step.ok() ? under_.sync_directory(directory) : step;
  }
  Result<std::unique_ptr<DirectoryLock>> lock(const std::string& directory,
                                              const std::string& name) override {
    return under_.lock(directory, name);
  }

 private:
  class CutShortFile final : public File {
   public:
    CutShortFile(CutShortFiles& files, std::unique_ptr<File> under)
        : files_(files), under_(std::move(under)) {}

    Status write(std::uint64_t offset, std::span<const std::string_view> parts) override {
      Status step = files_.take_step();
      return step.ok() ? under_->write(offset, parts) : step;
    }
    Result<std::size_t> read(std::uint64_t offset, char* out, std::size_t size) override {
      return under_->read(offset, out, size);
    }
    std::optional<Result<std::size_t>> read_cached(std::uint64_t offset, char* out,
                                                   std::size_t size) override {
      return under_->read_cached(offset, out, size);
    }
    Status sync() override {
      Status step = files_.take_step();
      return step.ok() ? under_->sync() : step;
    }
    void start_writeback(std::uint64_t offset, std::uint64_t size) override {
      under_->start_writeback(offset, size);
    }
    Result<std::uint64_t> size() override { return under_->size(); }
    Status truncate(std::uint64_t size) override {
      Status step = files_.take_step();
      return step.ok() ? under_->truncate(size) : step;
    }
    Status allocate(std::uint64_t size) override {
      Status step = files_.take_step();
      return step.ok() ? under_->allocate(size) : step;
    }

   private:
    CutShortFiles& files_;
    const std::unique_ptr<File> under_;
  };

  Status take_step() {
    if (steps_ > 0) {
      --steps_;
      return {};
    }
    was_cut_ = true;
    return Error{.code = ErrorCode::kIo, .message = "the disk is gone", .detail = {}};
  }

  FileSystem& under_;
  std::size_t steps_;
  bool was_cut_ = false;
};

}  // namespace durable_streams

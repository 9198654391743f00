// A disk that goes away in the midst of what somebody does: at any step, as a kill may come.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "tests/support/files_over.h"

namespace durable_streams {

// Borrows what it lies over. Lets so many steps that change something come to pass, and fails each
// one after; reads go on. Threads: one at a time.
class CutShortFiles final : public FilesOver {
 public:
  CutShortFiles(FileSystem& under, std::size_t steps) : FilesOver(under), steps_(steps) {}

  // Whether a step has failed.
  bool was_cut() const { return was_cut_; }

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    if (mode == OpenMode::kCreate) {
      if (Status step = take_step(); !step) return step.error();
    }
    Result<std::unique_ptr<File>> file = FilesOver::open(path, mode);
    if (!file) return file;
    return std::unique_ptr<File>(new CutShortFile(*this, std::move(file).value()));
  }
  Status create_directories(const std::string& path) override {
    Status step = take_step();
    return step.ok() ? FilesOver::create_directories(path) : step;
  }
  Status rename(const std::string& from, const std::string& to) override {
    Status step = take_step();
    return step.ok() ? FilesOver::rename(from, to) : step;
  }
  Status remove(const std::string& path) override {
    Status step = take_step();
    return step.ok() ? FilesOver::remove(path) : step;
  }
  Status link(const std::string& from, const std::string& to) override {
    Status step = take_step();
    return step.ok() ? FilesOver::link(from, to) : step;
  }
  Status sync_directory(const std::string& directory) override {
    Status step = take_step();
    return step.ok() ? FilesOver::sync_directory(directory) : step;
  }

 private:
  class CutShortFile final : public FileOver {
   public:
    CutShortFile(CutShortFiles& files, std::unique_ptr<File> under)
        : FileOver(std::move(under)), files_(files) {}

    Status write(std::uint64_t offset, std::span<const std::string_view> parts) override {
      Status step = files_.take_step();
      return step.ok() ? FileOver::write(offset, parts) : step;
    }
    Status sync() override {
      Status step = files_.take_step();
      return step.ok() ? FileOver::sync() : step;
    }
    Status truncate(std::uint64_t size) override {
      Status step = files_.take_step();
      return step.ok() ? FileOver::truncate(size) : step;
    }
    Status allocate(std::uint64_t size) override {
      Status step = files_.take_step();
      return step.ok() ? FileOver::allocate(size) : step;
    }

   private:
    CutShortFiles& files_;
  };

  Status take_step() {
    if (steps_ > 0) {
      --steps_;
      return {};
    }
    was_cut_ = true;
    return Error{.code = ErrorCode::kIo, .message = "the disk is gone", .detail = {}};
  }

  std::size_t steps_;
  bool was_cut_ = false;
};

}  // namespace durable_streams

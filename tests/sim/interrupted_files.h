// A file system during whose syncs others get their turn, as other threads do in life: they submit,
// read and commit while a batch or a pack is on its way to the disk.
#pragma once

#include <durable_streams/function.h>

#include <memory>
#include <string>
#include <utility>

#include "tests/support/files_over.h"

namespace durable_streams {

// Borrows what it lies over. Threads: one at a time.
class InterruptedFiles final : public FilesOver {
 public:
  // Is told which file is about to be synced.
  using Interlude = Function<void(const std::string& path)>;

  using FilesOver::FilesOver;

  void set_interlude(Interlude interlude) { interlude_ = std::move(interlude); }

  // Whether a file's sync has failed, though the machine was up, since the last forget_failures().
  bool sync_failed() const { return sync_failed_; }
  void forget_failures() { sync_failed_ = false; }

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    Result<std::unique_ptr<File>> file = FilesOver::open(path, mode);
    if (!file) return file;
    return std::unique_ptr<File>(new InterruptedFile(*this, path, std::move(file).value()));
  }

 private:
  // Threads: as File.
  class InterruptedFile final : public FileOver {
   public:
    InterruptedFile(InterruptedFiles& files, std::string path, std::unique_ptr<File> under)
        : FileOver(std::move(under)), files_(files), path_(std::move(path)) {}

    Status sync() override {
      if (files_.interlude_) files_.interlude_(path_);
      Status synced = FileOver::sync();
      if (!synced && synced.error().code != ErrorCode::kCanceled) files_.sync_failed_ = true;
      return synced;
    }

   private:
    InterruptedFiles& files_;
    const std::string path_;
  };

  Interlude interlude_;
  bool sync_failed_ = false;
};

}  // namespace durable_streams

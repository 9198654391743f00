// An open file by POSIX calls, and what those calls' failures mean to the file store.
#pragma once

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "store/file/file_system.h"

namespace durable_streams {

// What errno `number` means when `call` failed on `path`.
Error posix_error(std::string_view call, const std::string& path, int number);

// Calls the system again for as long as a signal interrupts it.
template <class Call>
auto uninterrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

// A file descriptor, closed with it; -1: none. Threads: one at a time.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor();

  bool ok() const { return number_ >= 0; }
  int number() const { return number_; }

 private:
  int number_;
};

// Opens with O_CLOEXEC, new files for their owner alone; errno says why it is not ok().
Descriptor open_descriptor(const std::string& path, int flags);

// Threads: as File.
class PosixFile final : public File {
 public:
  PosixFile(Descriptor descriptor, std::string path)
      : descriptor_(std::move(descriptor)), path_(std::move(path)) {}

  Status write(std::uint64_t offset, std::span<const std::string_view> parts) override;
  Result<std::size_t> read(std::uint64_t offset, char* out, std::size_t size) override;
  std::optional<Result<std::size_t>> read_cached(std::uint64_t offset, char* out,
                                                 std::size_t size) override;
  Status sync() override;
  void start_writeback(std::uint64_t offset, std::uint64_t size) override;
  Result<std::uint64_t> size() override;
  Status truncate(std::uint64_t size) override;
  Status allocate(std::uint64_t size) override;

 private:
  Error failed(std::string_view call, int number) const { return posix_error(call, path_, number); }

  const Descriptor descriptor_;
  const std::string path_;
  std::atomic<bool> reads_cached_ = true;  // false once the file's system said that it cannot
};

}  // namespace durable_streams

// How PosixFile makes whole reads and writes of the system's partial ones.
#include "store/file/posix_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <limits>
#include <system_error>

namespace durable_streams {
namespace {

// The most that Linux takes in one call (IOV_MAX); others take as many.
constexpr std::size_t kPartsPerCall = 1024;

constexpr mode_t kOwnerOnly = 0600;

ErrorCode code_of(int number) {
  switch (number) {
    case ENOENT:
      return ErrorCode::kNotFound;
    case ENOSPC:
    case EDQUOT:
      return ErrorCode::kNoSpace;
    case EMFILE:
    case ENFILE:
      return ErrorCode::kTooMany;
    default:
      return ErrorCode::kIo;
  }
}

bool beyond_reach(std::uint64_t offset) {
  return offset > static_cast<std::uint64_t>(std::numeric_limits<off_t>::max());
}

// Where a gathered write stands: at `part`, of which `done` bytes are written.
struct Position {
  std::size_t part = 0;
  std::size_t done = 0;
};

// Lists what is left from `position` on, as much as one call takes.
std::size_t gather(std::span<const std::string_view> parts, Position position,
                   std::array<iovec, kPartsPerCall>& out) {
  std::size_t count = 0;
  for (; position.part < parts.size() && count < out.size(); ++position.part) {
    const std::string_view rest = parts[position.part].substr(position.done);
    position.done = 0;
    if (rest.empty()) continue;
    // The call takes writers and readers alike, hence no const.
    out[count++] = {.iov_base = const_cast<char*>(rest.data()), .iov_len = rest.size()};
  }
  return count;
}

Position advanced(std::span<const std::string_view> parts, Position position, std::size_t bytes) {
  while (bytes > 0) {
    const std::size_t step = std::min(bytes, parts[position.part].size() - position.done);
    bytes -= step;
    position.done += step;
    if (position.done == parts[position.part].size()) position = {.part = position.part + 1};
  }
  return position;
}

int sync_data(int descriptor) {
#if defined(__APPLE__)
  return ::fcntl(descriptor, F_FULLFSYNC);  // fsync() leaves the bytes in the drive's cache there
#else
  return ::fdatasync(descriptor);
#endif
}

}  // namespace

Error posix_error(std::string_view call, const std::string& path, int number) {
  std::string message(call);
  message += ' ';
  message += path;
  message += ": ";
  message += std::generic_category().message(number);
  return Error{.code = code_of(number), .message = std::move(message), .detail = {}};
}

Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

Descriptor open_descriptor(const std::string& path, int flags) {
  return Descriptor(
      uninterrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC, kOwnerOnly); }));
}

Status PosixFile::write(std::uint64_t offset, std::span<const std::string_view> parts) {
  std::array<iovec, kPartsPerCall> left;
  Position position;
  while (true) {
    const std::size_t count = gather(parts, position, left);
    if (count == 0) return {};
    if (beyond_reach(offset)) return failed("write", EFBIG);
    const ssize_t written = uninterrupted([&] {
      return ::pwritev(descriptor_.number(), left.data(), static_cast<int>(count),
                       static_cast<off_t>(offset));
    });
    if (written < 0) return failed("write", errno);
    if (written == 0) return failed("write", EIO);  // else it would be tried for ever
    offset += static_cast<std::uint64_t>(written);
    position = advanced(parts, position, static_cast<std::size_t>(written));
  }
}

Result<std::size_t> PosixFile::read(std::uint64_t offset, char* out, std::size_t size) {
  std::size_t done = 0;
  while (done < size) {
    if (beyond_reach(offset + done)) return done;
    const ssize_t got = uninterrupted([&] {
      return ::pread(descriptor_.number(), out + done, size - done,
                     static_cast<off_t>(offset + done));
    });
    if (got < 0) return failed("read", errno);
    if (got == 0) return done;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

std::optional<Result<std::size_t>> PosixFile::read_cached(std::uint64_t offset, char* out,
                                                          std::size_t size) {
#if defined(RWF_NOWAIT)
  std::size_t done = 0;
  while (done < size && !beyond_reach(offset + done)) {
    if (!reads_cached_.load(std::memory_order_relaxed)) return std::nullopt;
    const iovec left{.iov_base = out + done, .iov_len = size - done};
    const ssize_t got = uninterrupted([&] {
      return ::preadv2(descriptor_.number(), &left, 1, static_cast<off_t>(offset + done),
                       RWF_NOWAIT);
    });
    if (got < 0 && errno == EAGAIN) return std::nullopt;
    if (got < 0 && (errno == EOPNOTSUPP || errno == ENOSYS)) {
      reads_cached_.store(false, std::memory_order_relaxed);
      return std::nullopt;
    }
    if (got < 0) return failed("read", errno);
    if (got == 0) {
      // Some kernels say so in the middle of a file when they would have to wait.
      const Result<std::uint64_t> end = this->size();
      if (end && *end > offset + done) return std::nullopt;
      break;
    }
    done += static_cast<std::size_t>(got);
  }
  return done;
#else
  static_cast<void>(offset);
  static_cast<void>(out);
  static_cast<void>(size);
  return std::nullopt;
#endif
}

Status PosixFile::sync() {
  if (uninterrupted([&] { return sync_data(descriptor_.number()); }) < 0) {
    return failed("sync", errno);
  }
  return {};
}

void PosixFile::start_writeback(std::uint64_t offset, std::uint64_t size) {
#if defined(__linux__)
  // It must not wait as well: that would take away the error that sync() is to report.
  ::sync_file_range(descriptor_.number(), static_cast<off_t>(offset), static_cast<off_t>(size),
                    SYNC_FILE_RANGE_WRITE);
#else
  static_cast<void>(offset);
  static_cast<void>(size);
#endif
}

Result<std::uint64_t> PosixFile::size() {
  struct stat facts {};
  if (::fstat(descriptor_.number(), &facts) < 0) return failed("stat", errno);
  return static_cast<std::uint64_t>(facts.st_size);
}

// Not posix_fallocate(): where the file system has no such thing, it reads and writes every block.
Status PosixFile::allocate(std::uint64_t size) {
  if (beyond_reach(size)) return failed("allocate", EFBIG);
  const int result = uninterrupted(
      [&] { return ::fallocate(descriptor_.number(), 0, 0, static_cast<off_t>(size)); });
  if (result == 0) return {};
  if (errno != EOPNOTSUPP) return failed("allocate", errno);
  const Result<std::uint64_t> now = this->size();
  if (!now) return now.error();
  static constexpr char kZeros[64 << 10] = {};
  for (std::uint64_t at = *now; at < size;) {
    const std::string_view piece(kZeros, std::min<std::uint64_t>(sizeof(kZeros), size - at));
    if (Status written = write(at, {{piece}}); !written) return written;
    at += piece.size();
  }
  return {};
}

Status PosixFile::truncate(std::uint64_t size) {
  if (beyond_reach(size)) return failed("truncate", EFBIG);
  const int result =
      uninterrupted([&] { return ::ftruncate(descriptor_.number(), static_cast<off_t>(size)); });
  if (result < 0) return failed("truncate", errno);
  return {};
}

}  // namespace durable_streams

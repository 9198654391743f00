// Reads one segment of the journal from bytes that may be damaged: no length is believed before its
// checksum.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "store/file/file_system.h"
#include "store/file/journal_format.h"

namespace durable_streams {

// Holds no more of the segment than one batch, or kWindowBytes. Threads: one at a time.
class SegmentReader {
 public:
  static constexpr std::size_t kWindowBytes = 256 << 10;

  // What lies behind the last batch that follows on those before it.
  struct Tail {
    std::uint64_t end = 0;  // where what was written there ends, as far as it shows
    Lsn durable = 0;        // the highest that a batch there knew to be durable; 0: there is none
  };

  // Opens segment `number`, and verifies its header. kCorruption: it is not what it should be;
  // kInvalidArgument: a newer version wrote it; kNotFound: no such file.
  static Result<SegmentReader> open(FileSystem& files, const std::string& directory,
                                    std::uint64_t store_id, journal_format::SegmentNumber number);

  journal_format::SegmentNumber number() const { return header_.number; }

  // The header of a batch at `position`; nullopt: there is none.
  Result<std::optional<journal_format::BatchHeader>> header_at(std::uint64_t position);

  // The records of the batch at `position`, which has this header; nullopt: they are torn or
  // damaged. Valid until the next call.
  Result<std::optional<std::string_view>> payload_at(std::uint64_t position,
                                                     const journal_format::BatchHeader& header);

  // Looks through all that lies from `position` on.
  Result<Tail> tail_from(std::uint64_t position);

 private:
  SegmentReader(std::unique_ptr<File> file, std::uint64_t size)
      : file_(std::move(file)), size_(size) {}

  Status read_header(const std::string& path, std::uint64_t store_id,
                     journal_format::SegmentNumber number);
  // The bytes from `position` on, `size` of them or as many as there are.
  Result<std::string_view> view(std::uint64_t position, std::size_t size);
  void look_through(std::uint64_t at, std::string_view window, Tail& tail) const;

  std::unique_ptr<File> file_;
  std::uint64_t size_;
  journal_format::SegmentHeader header_;
  std::uint32_t seed_ = 0;
  std::string window_;
  std::uint64_t window_at_ = 0;
};

}  // namespace durable_streams

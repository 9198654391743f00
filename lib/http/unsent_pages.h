// What pages take that were answered with, until their clients have taken them.
#pragma once

#include <durable_streams/slice.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <vector>

namespace durable_streams::http {

// A page counts whole until its last slice is let go of, which may be after this is gone. Threads:
// loop only; slices are let go of on any.
class UnsentPages {
 public:
  // A page that is no larger does not count: its host holds as much of a slow client's answer
  // anyway.
  static constexpr std::size_t kUncountedBytesMax = std::size_t{64} << 10;

  explicit UnsentPages(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  // Has `page`, of so many bytes, counted. False, and it stays as it was: there is no room for it.
  bool hold(std::vector<Slice>& page, std::size_t bytes);

 private:
  const std::size_t bytes_max_;
  const std::shared_ptr<std::atomic<std::size_t>> taken_ =
      std::make_shared<std::atomic<std::size_t>>(0);
};

}  // namespace durable_streams::http

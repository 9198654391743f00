// The slices of a page that counts share an owner, which has theirs and gives the room back.
#include "http/unsent_pages.h"

#include <utility>

namespace durable_streams::http {

namespace {

class CountedPage {
 public:
  CountedPage(std::vector<Slice> slices, std::size_t bytes,
              std::shared_ptr<std::atomic<std::size_t>> taken)
      : slices_(std::move(slices)), bytes_(bytes), taken_(std::move(taken)) {}
  ~CountedPage() { taken_->fetch_sub(bytes_, std::memory_order_relaxed); }
  CountedPage(const CountedPage&) = delete;
  CountedPage& operator=(const CountedPage&) = delete;

 private:
  const std::vector<Slice> slices_;
  const std::size_t bytes_;
  const std::shared_ptr<std::atomic<std::size_t>> taken_;
};

}  // namespace

bool UnsentPages::hold(std::vector<Slice>& page, std::size_t bytes) {
  if (bytes <= kUncountedBytesMax) return true;
  if (taken_->load(std::memory_order_relaxed) + bytes > bytes_max_) return false;
  taken_->fetch_add(bytes, std::memory_order_relaxed);
  const auto owner = std::make_shared<CountedPage>(page, bytes, taken_);
  for (Slice& slice : page) slice = Slice(owner, slice.view());
  return true;
}

}  // namespace durable_streams::http

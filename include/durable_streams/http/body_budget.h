// A limit on the bodies of requests that have come in part, over all endpoints that share it.
#pragma once

#include <atomic>
#include <cstddef>

namespace durable_streams::http {

// A body counts with the bytes that have come, until it is whole and handed over, refused or
// abandoned; one that comes in one piece never counts. Threads: any.
class BodyBudget {
 public:
  static constexpr std::size_t kBytesMaxDefault = std::size_t{256} << 20;

  explicit BodyBudget(std::size_t bytes_max = kBytesMaxDefault) : bytes_max_(bytes_max) {}
  BodyBudget(const BodyBudget&) = delete;
  BodyBudget& operator=(const BodyBudget&) = delete;

  // False: there is no room for so many more.
  bool take(std::size_t bytes) {
    if (taken_.fetch_add(bytes, std::memory_order_relaxed) + bytes <= bytes_max_) return true;
    give_back(bytes);
    return false;
  }

  void give_back(std::size_t bytes) { taken_.fetch_sub(bytes, std::memory_order_relaxed); }

  std::size_t taken() const { return taken_.load(std::memory_order_relaxed); }

 private:
  const std::size_t bytes_max_;
  std::atomic<std::size_t> taken_{0};
};

}  // namespace durable_streams::http

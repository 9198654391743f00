// Something that goes wrong again and again, said once and then counted.
#pragma once

#include <chrono>
#include <cstdint>
#include <utility>

namespace durable_streams::server {

// Threads: one at a time.
class Complaint {
 public:
  // It is said again no sooner.
  static constexpr std::chrono::milliseconds kInterval{60'000};

  // It went wrong at `now`, by a clock that never goes back. If it is to be said, returns how often
  // it went wrong since it was last said, this time included; else 0.
  std::uint64_t again(std::chrono::milliseconds now) {
    ++times_;
    if (said_ && now - said_at_ < kInterval) return 0;
    said_ = true;
    said_at_ = now;
    return std::exchange(times_, 0);
  }

 private:
  std::uint64_t times_ = 0;
  std::chrono::milliseconds said_at_{0};
  bool said_ = false;
};

}  // namespace durable_streams::server

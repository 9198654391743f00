// All streams that there should be, and the mistakes found.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "tests/crash/stream_model.h"

namespace durable_streams::crash {

inline constexpr int kWorkers = 12;
inline constexpr int kSharedStreams = 4;

struct Counts {
  std::atomic<std::uint64_t> appends{0};  // answered
  std::atomic<std::uint64_t> refused{0};  // with 503, for settling was behind
  std::atomic<std::uint64_t> creates{0};
  std::atomic<std::uint64_t> forks{0};
  std::atomic<std::uint64_t> closes{0};
  std::atomic<std::uint64_t> deletes{0};
  std::atomic<std::uint64_t> reads{0};
  std::uint64_t unanswered_taken = 0;  // as it turned out after a restart
  std::uint64_t unanswered_absent = 0;
  std::uint64_t retries_known = 0;  // 204
  std::uint64_t retries_new = 0;    // 200
};

// Threads: any, but forget_streams().
class World {
 public:
  // A stream to be made. It lives as long as the world, or until forget_streams() finds it of no
  // more use.
  StreamModel& add(std::string path, bool json, bool shared);

  // The stream is gone, or held for its forks alone. Its source may be next.
  void note_deleted(StreamModel& stream);

  // Drops those that are gone and that nothing can tell of any more, but for `keep`.
  void forget_streams(const std::vector<const StreamModel*>& keep);

  const std::deque<std::unique_ptr<StreamModel>>& streams() const { return streams_; }

  void fail(const StreamModel& stream, const std::string& what);
  void fail(const std::string& what);
  // Those since the last call.
  std::vector<std::string> take_failures();

  std::array<std::atomic<StreamModel*>, kSharedStreams> shared{};
  std::atomic<bool> ending{false};  // the server is about to be killed or stopped
  Counts counts;

 private:
  std::mutex mutex_;
  std::deque<std::unique_ptr<StreamModel>> streams_;  // in the order they were made
  std::uint64_t next_tag_ = 1;
  std::vector<std::string> failures_;
};

}  // namespace durable_streams::crash

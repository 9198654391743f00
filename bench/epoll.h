// Waits for many sockets at once, to the nanosecond. Raw epoll: a loop library's timers are too
// coarse for requests that are due 10 µs apart, and the generator must cost less than the servers
// that it measures.
#pragma once

#include "bench/nanos.h"
#include "bench/socket.h"

#include <durable_streams/result.h>

#include <array>
#include <cstddef>
#include <span>

#include <sys/epoll.h>

namespace durable_streams::bench {

struct Ready {
  std::size_t index = 0;  // as given to watch()
  bool readable = false;
  bool writable = false;
};

// Threads: one at a time.
class Epoll {
 public:
  static Result<Epoll> open();

  // Reports `descriptor` as `index` each time that it becomes ready anew.
  Status watch(int descriptor, std::size_t index);

  // Waits until something is ready, or for `wait` at the most. Valid until the next call.
  std::span<const Ready> wait(Nanos wait);

 private:
  static constexpr std::size_t kEventsMax = 256;

  explicit Epoll(Descriptor epoll) : epoll_(std::move(epoll)) {}

  Descriptor epoll_;
  std::array<epoll_event, kEventsMax> events_{};
  std::array<Ready, kEventsMax> ready_{};
};

}  // namespace durable_streams::bench

// A loop counts from when it was asked, which may be later than the time that it tells in this
// turn; what that adds is of this turn's length, and late all the same.
#include "server/metrics/loop_delay.h"

#include <algorithm>

namespace durable_streams::server {

void LoopDelay::start() {
  due_ = loop_.now() + kInterval;
  timer_ = loop_.run_after(kInterval, [this] { on_timer(); });
}

void LoopDelay::on_timer() {
  const auto late = std::max(loop_.now() - due_, EventLoop::TimePoint::duration::zero());
  metrics_.delay.observe(static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(late).count()));
  start();
}

}  // namespace durable_streams::server

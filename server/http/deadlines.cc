// A busy connection moves to the end of its list at most once a tick, not once a request.
#include "server/http/deadlines.h"

#include <algorithm>

namespace durable_streams::server {
namespace {

constexpr std::chrono::milliseconds kTick{500};
constexpr std::chrono::milliseconds kDrainTick{50};

}  // namespace

Deadlines::Deadlines(const Limits& limits) : tick_(kTick) {
  lengths_[index(Wait::kRequest)] = limits.idle_timeout;
  lengths_[index(Wait::kHead)] = limits.header_timeout;
  lengths_[index(Wait::kBody)] = limits.body_timeout;
  lengths_[index(Wait::kClient)] = limits.write_timeout;
  lengths_[index(Wait::kProbe)] = limits.probe_interval;
  lengths_[index(Wait::kLinger)] = limits.linger_timeout;
}

void Deadlines::begin_drain(const Limits& limits) {
  tick_ = kDrainTick;
  lengths_[index(Wait::kRequest)] = limits.drain_grace;
  lengths_[index(Wait::kLinger)] = limits.drain_linger_timeout;
}

void Deadlines::set(Timed& timed, Wait wait, EventLoop::TimePoint now) {
  const EventLoop::TimePoint earliest = now + lengths_[index(wait)];
  if (timed.wait_ == wait && timed.due_ >= earliest) return;
  clear(timed);
  if (wait == Wait::kNone) return;
  timed.wait_ = wait;
  timed.due_ = earliest + tick_;
  lists_[index(wait)].push_back(timed);
}

void Deadlines::clear(Timed& timed) {
  if (timed.wait_ == Wait::kNone) return;
  lists_[index(timed.wait_)].remove(timed);
  timed.wait_ = Wait::kNone;
}

bool Deadlines::empty() const {
  return std::all_of(lists_.begin(), lists_.end(), [](const auto& list) { return list.empty(); });
}

bool Deadlines::run(EventLoop::TimePoint now, std::size_t count_max) {
  std::size_t count = 0;
  for (auto& list : lists_) {
    while (!list.empty() && list.first()->due_ <= now) {
      if (count++ == count_max) return true;
      Timed& timed = *list.first();
      const Wait wait = timed.wait_;
      clear(timed);
      timed.on_deadline(wait);
    }
  }
  return false;
}

}  // namespace durable_streams::server

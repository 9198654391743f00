// Edge-triggered, so that the kernel need not look at a socket again only to find it drained.
#include "bench/epoll.h"

#include <algorithm>

#include <sys/prctl.h>

namespace durable_streams::bench {

Result<Epoll> Epoll::open() {
  // Without this the kernel may let a wait last 50 µs longer, to save power.
  ::prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
  Descriptor epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (epoll.get() < 0) return system_error("epoll_create1");
  return Epoll(std::move(epoll));
}

Status Epoll::watch(int descriptor, std::size_t index) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLET;
  event.data.u64 = index;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &event) != 0)
    return system_error("epoll_ctl");
  return {};
}

std::span<const Ready> Epoll::wait(Nanos wait) {
  const timespec limit = to_timespec(std::max<Nanos>(wait, 0));
  const int count = ::epoll_pwait2(epoll_.get(), events_.data(), kEventsMax, &limit, nullptr);
  const std::size_t found = count > 0 ? static_cast<std::size_t>(count) : 0;
  for (std::size_t i = 0; i < found; ++i) {
    const std::uint32_t events = events_[i].events;
    ready_[i] = {.index = static_cast<std::size_t>(events_[i].data.u64),
                 .readable = (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0,
                 .writable = (events & EPOLLOUT) != 0};
  }
  return std::span(ready_).first(found);
}

}  // namespace durable_streams::bench

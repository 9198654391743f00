// libuv's handles live until their close callbacks, so they are apart from the acceptor and outlive
// it by a turn.
#include "server/net/acceptor.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <utility>

namespace durable_streams::server {
namespace {

// So many in one go, so that a crowd of new clients does not hold up those that are served already.
constexpr int kAcceptsPerTurn = 64;

// Of the kernel's queue, which may be filled as it is emptied, so much is taken at the end.
constexpr int kLastTurnsMax = 64;

constexpr std::uint64_t kRetryMs = 100;

int accept_socket(int listener, sockaddr_storage& peer) {
  socklen_t size = sizeof(peer);
#if defined(__linux__)
  return accept4(listener, reinterpret_cast<sockaddr*>(&peer), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
#else
  const int fd = accept(listener, reinterpret_cast<sockaddr*>(&peer), &size);
  if (fd < 0) return fd;
  fcntl(fd, F_SETFD, FD_CLOEXEC);
  fcntl(fd, F_SETFL, O_NONBLOCK);
  return fd;
#endif
}

bool is_shortage(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

struct Acceptor::Watch {
  uv_poll_t poll;
  Acceptor* owner;
  Listener listener;
};

Acceptor::Acceptor(uv_loop_t* loop, std::vector<Listener> listeners, Deliver deliver, Logger log)
    : retry_timer_(new uv_timer_t), deliver_(std::move(deliver)), log_(log) {
  uv_timer_init(loop, retry_timer_);
  retry_timer_->data = this;
  for (Listener& listener : listeners) {
    auto* watch = new Watch{.poll = {}, .owner = this, .listener = std::move(listener)};
    uv_poll_init(loop, &watch->poll, watch->listener.socket.get());
    watch->poll.data = watch;
    watches_.push_back(watch);
  }
  resume();
}

Acceptor::~Acceptor() {
  for (Watch* watch : watches_) {
    uv_poll_stop(&watch->poll);
    watch->listener.socket.reset();
    uv_close(reinterpret_cast<uv_handle_t*>(&watch->poll),
             [](uv_handle_t* closed) { delete static_cast<Watch*>(closed->data); });
  }
  uv_close(reinterpret_cast<uv_handle_t*>(retry_timer_),
           [](uv_handle_t* closed) { delete reinterpret_cast<uv_timer_t*>(closed); });
}

void Acceptor::accept_waiting() {
  for (Watch* watch : watches_) {
    for (int turn = 0; turn < kLastTurnsMax && accept_some(watch->listener); ++turn) {
    }
  }
}

std::vector<SocketAddress> Acceptor::addresses() const {
  std::vector<SocketAddress> addresses;
  for (const Watch* watch : watches_) addresses.push_back(watch->listener.address);
  return addresses;
}

void Acceptor::share(bool shared) const {
  for (const Watch* watch : watches_) server::share(watch->listener, shared);
}

void Acceptor::set_silence_max(std::chrono::milliseconds silence) const {
  for (const Watch* watch : watches_) server::set_silence_max(watch->listener, silence);
}

bool Acceptor::accept_some(const Listener& listener) {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    sockaddr_storage peer{};
    UniqueFd fd(accept_socket(listener.socket.get(), peer));
    if (fd) {
      deliver_({.fd = std::move(fd),
                .peer = SocketAddress::of(reinterpret_cast<const sockaddr&>(peer))});
    } else if (is_shortage(errno)) {
      pause(errno);
      return false;
    } else if (errno != EINTR && errno != ECONNABORTED) {
      return false;  // nobody waits any more; anything worse comes back when the loop looks again
    }
  }
  return true;
}

void Acceptor::pause(int error) {
  log_.complain(shortage_, std::chrono::milliseconds(uv_now(retry_timer_->loop)), LogLevel::kError,
                "cannot accept connections; trying again until it works",
                {{"error", std::strerror(error)}});
  for (Watch* watch : watches_) uv_poll_stop(&watch->poll);
  uv_timer_start(
      retry_timer_, [](uv_timer_t* timer) { static_cast<Acceptor*>(timer->data)->resume(); },
      kRetryMs, 0);
}

void Acceptor::resume() {
  for (Watch* watch : watches_) {
    uv_poll_start(&watch->poll, UV_READABLE, [](uv_poll_t* poll, int status, int) {
      auto* readable = static_cast<Watch*>(poll->data);
      if (status == 0) readable->owner->accept_some(readable->listener);
    });
  }
}

}  // namespace durable_streams::server

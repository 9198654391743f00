// The server's side of its control socket: connections of their own on the first loop.
#pragma once

#include <durable_streams/clock.h>
#include <durable_streams/event_loop.h>
#include <durable_streams/file_store.h>
#include <durable_streams/function.h>

#include <uv.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>

#include "server/control/control_router.h"
#include "server/control/control_socket.h"
#include "server/http/connection_group.h"
#include "server/http/limits.h"
#include "server/log/logger.h"
#include "server/net/acceptor.h"

namespace durable_streams::server {

// Its connections are none of those that Limits::connections_max counts. What it is given outlives
// it; it is destroyed before its loop ends, without connections. Threads: loop only.
class Control {
 public:
  struct Place {
    uv_loop_t* uv_loop;
    EventLoop& loop;
    const Clock& clock;
    const Limits& limits;
  };

  Control(Place place, FileStore& store, ControlSocket socket, Logger log);
  ~Control();
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;

  // Removes the socket, answers what is asked already, within Limits::drain_timeout; then calls
  // `done`.
  void drain(Function<void()> done);

 private:
  void adopt(AcceptedSocket socket);

  const Place place_;
  ControlSocket socket_;
  const std::unique_ptr<char[]> read_buffer_;
  std::atomic<std::size_t> open_{0};
  ControlRouter router_;
  ConnectionGroup connections_;
  std::optional<Acceptor> acceptor_;
  EventLoop::TimerId drain_timer_ = 0;
};

}  // namespace durable_streams::server

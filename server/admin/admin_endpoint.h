// An admin endpoint: connections of their own on the first loop.
#pragma once

#include <durable_streams/clock.h>
#include <durable_streams/event_loop.h>
#include <durable_streams/function.h>

#include <atomic>
#include <memory>
#include <optional>
#include <vector>

#include "server/admin/admin_handler.h"
#include "server/admin/control_socket.h"
#include "server/http/connection_group.h"
#include "server/http/limits.h"
#include "server/log/logger.h"
#include "server/net/acceptor.h"
#include "server/net/listener.h"
#include "server/net/read_turn.h"

namespace durable_streams::server {

// Its connections are none of those that Limits::connections_max counts. What it is given outlives
// it; it is destroyed before its loop ends, without connections. Threads: loop only.
class AdminEndpoint {
 public:
  struct Place {
    ReadTurn& reads;
    EventLoop& loop;
    const Clock& clock;
    Logger log;
  };

  AdminEndpoint(const Place& place, AdminActions& actions, AdminAudience audience,
                std::vector<Listener> listeners);
  // The socket in a data directory.
  AdminEndpoint(const Place& place, AdminActions& actions, AdminAudience audience,
                ControlSocket socket);
  ~AdminEndpoint();
  AdminEndpoint(const AdminEndpoint&) = delete;
  AdminEndpoint& operator=(const AdminEndpoint&) = delete;

  const AdminAudience& audience() const { return audience_; }

  std::vector<SocketAddress> addresses() const { return acceptor_->addresses(); }

  // As share() of its listeners.
  void share(bool shared) const { acceptor_->share(shared); }

  // Accepts nobody any more, answers what is asked already, within Limits::drain_timeout; then
  // calls `done`.
  void drain(Function<void()> done);

 private:
  void listen(std::vector<Listener> listeners);
  void adopt(AcceptedSocket socket);

  const Place place_;
  const AdminAudience audience_;
  const Limits limits_;
  std::optional<ControlSocket> socket_;
  std::atomic<std::size_t> open_{0};
  AdminHandler handler_;
  ConnectionGroup connections_;
  std::optional<Acceptor> acceptor_;
  EventLoop::TimerId drain_timer_ = 0;
};

}  // namespace durable_streams::server

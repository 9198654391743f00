// Few clients, so they share nothing with the others but the loop and what it reads into.
#include "server/admin/admin_endpoint.h"

#include <array>
#include <chrono>
#include <utility>

#include "server/http/connection.h"
#include "server/net/tcp_transport.h"

namespace durable_streams::server {
namespace {

constexpr std::size_t kConnectionsMax = 64;

// Short, so that who only connects does not keep probes out for long.
Limits admin_limits() {
  Limits limits;
  limits.header_timeout = std::chrono::seconds(10);
  limits.idle_timeout = std::chrono::seconds(10);
  return limits;
}

}  // namespace

AdminEndpoint::AdminEndpoint(const Place& place, AdminActions& actions, AdminAudience audience,
                             std::vector<Listener> listeners)
    : place_(place),
      audience_(std::move(audience)),
      limits_(admin_limits()),
      handler_(actions, audience_),
      connections_(limits_, place.loop, place.clock, handler_, open_) {
  listen(std::move(listeners));
}

AdminEndpoint::AdminEndpoint(const Place& place, AdminActions& actions, AdminAudience audience,
                             ControlSocket socket)
    : AdminEndpoint(place, actions, std::move(audience), std::vector<Listener>()) {
  socket_.emplace(std::move(socket));
  std::vector<Listener> listeners;
  listeners.push_back({.socket = socket_->take_socket(), .address = {}});
  listen(std::move(listeners));
}

AdminEndpoint::~AdminEndpoint() {
  place_.loop.cancel(drain_timer_);
  if (socket_) socket_->remove_name();
}

void AdminEndpoint::listen(std::vector<Listener> listeners) {
  acceptor_.emplace(
      place_.reads.loop(), std::move(listeners),
      [this](AcceptedSocket accepted) { adopt(std::move(accepted)); }, place_.log);
}

void AdminEndpoint::adopt(AcceptedSocket socket) {
  const auto admission = open_.fetch_add(1, std::memory_order_relaxed) < kConnectionsMax
                             ? Connection::Admission::kServed
                             : Connection::Admission::kRefused;
  std::array<char, SocketAddress::kTextBytesMax> room;
  const std::string_view peer = socket.peer.host(room);
  const auto make_connection = [&](Transport& transport) {
    return std::make_unique<Connection>(connections_, transport, peer, admission);
  };
  if (!TcpTransport::adopt(place_.reads, socket.fd.release(), make_connection))
    open_.fetch_sub(1, std::memory_order_relaxed);
}

void AdminEndpoint::drain(Function<void()> done) {
  acceptor_->accept_waiting();
  acceptor_.reset();
  if (socket_) socket_->remove_name();
  drain_timer_ = place_.loop.run_after(limits_.drain_timeout, [this] { connections_.close_all(); });
  connections_.drain(std::move(done));
}

}  // namespace durable_streams::server

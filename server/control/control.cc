// Few and trusted clients, so they share nothing with the others but the loop.
#include "server/control/control.h"

#include <utility>
#include <vector>

#include "server/http/connection.h"
#include "server/net/tcp_transport.h"

namespace durable_streams::server {
namespace {

constexpr std::size_t kReadBufferBytes = std::size_t{16} << 10;
constexpr std::size_t kConnectionsMax = 64;

}  // namespace

Control::Control(Place place, FileStore& store, ControlSocket socket, Logger log)
    : place_(place),
      socket_(std::move(socket)),
      read_buffer_(new char[kReadBufferBytes]),
      router_(store, place.loop),
      connections_(place.limits, place.loop, place.clock, router_, open_) {
  std::vector<Listener> listeners;
  listeners.push_back({.socket = socket_.take_socket(), .address = {}});
  acceptor_.emplace(
      place_.uv_loop, std::move(listeners),
      [this](AcceptedSocket accepted) { adopt(std::move(accepted)); }, log);
}

Control::~Control() {
  place_.loop.cancel(drain_timer_);
  socket_.remove_name();
}

void Control::adopt(AcceptedSocket socket) {
  const auto admission = open_.fetch_add(1, std::memory_order_relaxed) < kConnectionsMax
                             ? Connection::Admission::kServed
                             : Connection::Admission::kRefused;
  const auto make_connection = [&](Transport& transport) {
    return std::make_unique<Connection>(connections_, transport, std::string_view(), admission);
  };
  const std::span<char> read_buffer(read_buffer_.get(), kReadBufferBytes);
  if (!TcpTransport::adopt(place_.uv_loop, read_buffer, socket.fd.release(), make_connection))
    open_.fetch_sub(1, std::memory_order_relaxed);
}

void Control::drain(Function<void()> done) {
  acceptor_->accept_waiting();
  acceptor_.reset();
  socket_.remove_name();
  drain_timer_ =
      place_.loop.run_after(place_.limits.drain_timeout, [this] { connections_.close_all(); });
  connections_.drain(std::move(done));
}

}  // namespace durable_streams::server

// The order of construction is the order of dependence; run() takes it down backwards, on the
// loop's own thread, but for the loop itself: others may post to it for as long as the worker
// lives.
#include "server/worker.h"

#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <utility>

#include "server/net/tcp_transport.h"

namespace durable_streams::server {
namespace {

// One for each loop. Holds a whole pipeline of small requests, and large bodies in few reads.
constexpr std::size_t kReadBufferBytes = std::size_t{64} << 10;

}  // namespace

Worker::Worker(const Limits& limits, std::atomic<std::size_t>& open_connections)
    : limits_(limits),
      open_connections_(open_connections),
      read_buffer_(new char[kReadBufferBytes]) {}

Result<std::unique_ptr<Worker>> Worker::make(Engine& engine, const http::EndpointOptions& endpoint,
                                             const Limits& limits, const Clock& clock,
                                             std::atomic<std::size_t>& open_connections,
                                             RequestIds ids) {
  std::unique_ptr<Worker> worker(new Worker(limits, open_connections));
  const int status = uv_loop_init(&worker->uv_loop_);
  if (status != 0) {
    return Error{ErrorCode::kUnavailable,
                 fmt::format("cannot make an event loop: {}", uv_strerror(status)),
                 {}};
  }
  uv_async_init(&worker->uv_loop_, &worker->keeper_, nullptr);
  worker->loop_.emplace(&worker->uv_loop_, /*may_wait=*/true);
  worker->streams_.emplace(engine, *worker->loop_);
  worker->endpoint_.emplace(*worker->streams_, endpoint);
  worker->router_.emplace(*worker->endpoint_);
  const Onlookers onlookers{.metrics = &worker->metrics_, .ids = ids};
  worker->connections_.emplace(limits, *worker->loop_, clock, *worker->router_, open_connections,
                               onlookers);
  worker->delay_.emplace(*worker->loop_, worker->metrics_);
  worker->post([delay = &*worker->delay_] { delay->start(); });
  return worker;
}

Worker::~Worker() {
  if (!loop_) return;  // never made
  if (streams_) {
    stop();
    run();
  }
  loop_.reset();
  uv_run(&uv_loop_, UV_RUN_DEFAULT);
  if (uv_loop_close(&uv_loop_) != 0) std::abort();  // a handle was forgotten
}

void Worker::run() {
  uv_run(&uv_loop_, UV_RUN_DEFAULT);
  delay_.reset();
  connections_.reset();
  router_.reset();
  endpoint_.reset();
  streams_.reset();
  uv_run(&uv_loop_, UV_RUN_DEFAULT);
}

void Worker::post(Task task) { loop_->post(std::move(task)); }

void Worker::adopt(AcceptedSocket socket, Connection::Admission admission) {
  const auto make_connection = [&](Transport& transport) {
    std::array<char, SocketAddress::kTextBytesMax> room;
    return std::make_unique<Connection>(*connections_, transport, socket.peer.host(room),
                                        admission);
  };
  const std::span<char> read_buffer(read_buffer_.get(), kReadBufferBytes);
  if (!TcpTransport::adopt(&uv_loop_, read_buffer, socket.fd.release(), make_connection)) {
    open_connections_.fetch_sub(1, std::memory_order_relaxed);
  }
}

void Worker::drain(Function<void()> done) {
  loop_->run_after(limits_.drain_timeout, [this] { connections_->close_all(); });
  // First, so that the answers which the endpoint now gives say that the connection ends.
  connections_->drain(std::move(done));
  endpoint_->drain();
}

void Worker::stop() {
  auto* const handle = reinterpret_cast<uv_handle_t*>(&keeper_);
  if (uv_is_closing(handle) == 0) uv_close(handle, nullptr);
}

}  // namespace durable_streams::server

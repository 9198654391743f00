// One event loop with all that serves connections on it.
#pragma once

#include <durable_streams/clock.h>
#include <durable_streams/engine.h>
#include <durable_streams/event_loop.h>
#include <durable_streams/function.h>
#include <durable_streams/http/endpoint.h>
#include <durable_streams/result.h>
#include <durable_streams/streams.h>
#include <durable_streams/uv_loop.h>

#include <uv.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>

#include "server/http/connection.h"
#include "server/http/connection_group.h"
#include "server/http/limits.h"
#include "server/http/router.h"
#include "server/log/request_ids.h"
#include "server/metrics/loop_delay.h"
#include "server/metrics/loop_metrics.h"
#include "server/net/acceptor.h"

namespace durable_streams::server {

// Made on any thread; from run() on it belongs to the thread that called it. What it is given
// outlives it. Threads: loop only, but post.
class Worker {
 public:
  static Result<std::unique_ptr<Worker>> make(Engine& engine, const http::EndpointOptions& endpoint,
                                              const Limits& limits, const Clock& clock,
                                              std::atomic<std::size_t>& open_connections,
                                              RequestIds ids);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Turns the loop until stop(), then takes down all that is on it. Once only.
  void run();

  // Runs `task` on the loop, also before run(); after it the task is dropped. Threads: any.
  void post(Task task);

  void adopt(AcceptedSocket socket, Connection::Admission admission);

  // Ends live responses, answers what is in flight and closes every connection, after the limit
  // whatever it is doing. `done` runs once none is left.
  void drain(Function<void()> done);

  // Has run() return.
  void stop();

  uv_loop_t* uv_loop() { return &uv_loop_; }
  EventLoop& loop() { return *loop_; }

  // What the loop counts; it is the loop's to write. Reading it: threads any.
  LoopMetrics& metrics() { return metrics_; }

 private:
  Worker(const Limits& limits, std::atomic<std::size_t>& open_connections);

  const Limits& limits_;
  std::atomic<std::size_t>& open_connections_;
  uv_loop_t uv_loop_{};
  uv_async_t keeper_{};  // keeps the loop turning while nothing else does
  std::unique_ptr<char[]> read_buffer_;
  LoopMetrics metrics_;
  std::optional<UvLoop> loop_;
  std::optional<LoopDelay> delay_;
  std::optional<Streams> streams_;
  std::optional<http::Endpoint> endpoint_;
  std::optional<Router> router_;
  std::optional<ConnectionGroup> connections_;
};

}  // namespace durable_streams::server

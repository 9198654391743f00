// The endpoints of one loop: those that are served, and those of an earlier configuration that
// still answer.
#pragma once

#include <durable_streams/event_loop.h>
#include <durable_streams/http/endpoint.h>
#include <durable_streams/streams.h>

#include <cstddef>
#include <memory>
#include <unordered_map>
#include <vector>

#include "server/runtime/plan.h"

namespace durable_streams::server {

class LoopEndpoints;

// One endpoint on one loop. Threads: loop only.
class LoopEndpoint {
 public:
  LoopEndpoint(LoopEndpoints& owner, std::shared_ptr<const EndpointPlan> plan, Streams& streams)
      : owner_(owner),
        plan_(std::move(plan)),
        streams_(streams),
        endpoint_(streams, plan_->options) {}
  LoopEndpoint(const LoopEndpoint&) = delete;
  LoopEndpoint& operator=(const LoopEndpoint&) = delete;

  http::Endpoint& endpoint() { return endpoint_; }
  Streams& streams() { return streams_; }
  const std::shared_ptr<const EndpointPlan>& plan() const { return plan_; }

  // It stays for as long as an answer, or who starts answers by it, holds it.
  void hold() { ++holders_; }
  void release();

 private:
  friend class LoopEndpoints;

  LoopEndpoints& owner_;
  const std::shared_ptr<const EndpointPlan> plan_;
  Streams& streams_;
  http::Endpoint endpoint_;
  std::size_t holders_ = 0;
  bool retired_ = false;
};

// Destroyed before its loop, with nobody left who holds an endpoint. Threads: loop only.
class LoopEndpoints {
 public:
  explicit LoopEndpoints(EventLoop& loop) : loop_(loop) {}
  ~LoopEndpoints();
  LoopEndpoints(const LoopEndpoints&) = delete;
  LoopEndpoints& operator=(const LoopEndpoints&) = delete;

  // The one that serves a plan's endpoint; made if it is not there.
  LoopEndpoint& take(const std::shared_ptr<const EndpointPlan>& plan);

  // Those that the plan does not have end their live responses, and go when nobody holds them.
  void keep_only(const Plan& plan);

  // Ends every live response, now and from now on.
  void drain();

 private:
  friend class LoopEndpoint;

  // A store's handle on this loop, which goes before the store.
  struct LoopStreams {
    LoopStreams(std::shared_ptr<OpenStore> opened, EventLoop& loop)
        : store(std::move(opened)), streams(store->engine(), loop) {}

    const std::shared_ptr<OpenStore> store;
    Streams streams;
  };

  Streams& streams_of(const std::shared_ptr<OpenStore>& store);
  void sweep_later();
  void sweep();

  EventLoop& loop_;
  std::unordered_map<const OpenStore*, std::unique_ptr<LoopStreams>> streams_;
  std::unordered_map<const EndpointPlan*, std::unique_ptr<LoopEndpoint>> served_;
  std::vector<std::unique_ptr<LoopEndpoint>> retired_;
  bool draining_ = false;
  // Null once this is gone, for a task that the loop still holds.
  std::shared_ptr<LoopEndpoints*> self_ = std::make_shared<LoopEndpoints*>(this);
  bool sweep_posted_ = false;
};

}  // namespace durable_streams::server

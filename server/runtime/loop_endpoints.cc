// What is retired is destroyed in a turn of its own: its last answer may be on the stack.
#include "server/runtime/loop_endpoints.h"

#include <algorithm>

namespace durable_streams::server {

void LoopEndpoint::release() {
  if (--holders_ == 0 && retired_) owner_.sweep_later();
}

LoopEndpoints::~LoopEndpoints() {
  *self_ = nullptr;
  endpoints_.clear();
}

LoopEndpoint& LoopEndpoints::take(const std::shared_ptr<const EndpointPlan>& plan) {
  for (const std::unique_ptr<LoopEndpoint>& endpoint : endpoints_) {
    if (endpoint->plan() == plan && !endpoint->retired_) return *endpoint;
  }
  endpoints_.push_back(std::make_unique<LoopEndpoint>(*this, plan, streams_of(plan->store)));
  if (draining_) endpoints_.back()->endpoint().drain();
  return *endpoints_.back();
}

void LoopEndpoints::keep_only(const Plan& plan) {
  for (const std::unique_ptr<LoopEndpoint>& endpoint : endpoints_) {
    const auto& wanted = plan.endpoints;
    if (endpoint->retired_ ||
        std::find(wanted.begin(), wanted.end(), endpoint->plan()) != wanted.end())
      continue;
    endpoint->retired_ = true;
    endpoint->endpoint().drain();
  }
  sweep_later();
}

void LoopEndpoints::drain() {
  draining_ = true;
  for (const std::unique_ptr<LoopEndpoint>& endpoint : endpoints_) endpoint->endpoint().drain();
}

Streams& LoopEndpoints::streams_of(const std::shared_ptr<OpenStore>& store) {
  for (const std::unique_ptr<LoopStreams>& each : streams_) {
    if (each->store == store) return each->streams;
  }
  return streams_.emplace_back(std::make_unique<LoopStreams>(store, loop_))->streams;
}

void LoopEndpoints::sweep_later() {
  if (sweep_posted_) return;
  sweep_posted_ = true;
  loop_.post([self = self_] {
    if (*self != nullptr) (*self)->sweep();
  });
}

void LoopEndpoints::sweep() {
  sweep_posted_ = false;
  std::erase_if(endpoints_,
                [](const auto& endpoint) { return endpoint->retired_ && endpoint->holders_ == 0; });
  std::erase_if(streams_, [this](const std::unique_ptr<LoopStreams>& streams) {
    return std::none_of(endpoints_.begin(), endpoints_.end(), [&](const auto& endpoint) {
      return endpoint->plan()->store == streams->store;
    });
  });
}

}  // namespace durable_streams::server

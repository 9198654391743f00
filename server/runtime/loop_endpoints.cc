// What is retired is destroyed in a turn of its own: its last answer may be on the stack.
#include "server/runtime/loop_endpoints.h"

#include <unordered_set>
#include <utility>

namespace durable_streams::server {

void LoopEndpoint::release() {
  if (--holders_ == 0 && retired_) owner_.sweep_later();
}

LoopEndpoints::~LoopEndpoints() {
  *self_ = nullptr;
  served_.clear();
  retired_.clear();
}

LoopEndpoint& LoopEndpoints::take(const std::shared_ptr<const EndpointPlan>& plan) {
  std::unique_ptr<LoopEndpoint>& endpoint = served_[plan.get()];
  if (endpoint == nullptr) {
    endpoint = std::make_unique<LoopEndpoint>(*this, plan, streams_of(plan->store));
    if (draining_) endpoint->endpoint().drain();
  }
  return *endpoint;
}

void LoopEndpoints::keep_only(const Plan& plan) {
  std::unordered_set<const EndpointPlan*> wanted;
  for (const std::shared_ptr<const EndpointPlan>& each : plan.endpoints) wanted.insert(each.get());
  for (auto each = served_.begin(); each != served_.end();) {
    if (wanted.contains(each->first)) {
      ++each;
      continue;
    }
    LoopEndpoint& endpoint = *retired_.emplace_back(std::move(each->second));
    each = served_.erase(each);
    endpoint.retired_ = true;
    endpoint.endpoint().drain();
  }
  sweep_later();
}

void LoopEndpoints::drain() {
  draining_ = true;
  for (const auto& [plan, endpoint] : served_) endpoint->endpoint().drain();
}

Streams& LoopEndpoints::streams_of(const std::shared_ptr<OpenStore>& store) {
  std::unique_ptr<LoopStreams>& streams = streams_[store.get()];
  if (streams == nullptr) streams = std::make_unique<LoopStreams>(store, loop_);
  return streams->streams;
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
  std::erase_if(retired_, [](const auto& endpoint) { return endpoint->holders_ == 0; });
  std::unordered_set<const OpenStore*> used;
  for (const auto& [plan, endpoint] : served_) used.insert(plan->store.get());
  for (const auto& endpoint : retired_) used.insert(endpoint->plan()->store.get());
  std::erase_if(streams_, [&used](const auto& each) { return !used.contains(each.first); });
}

}  // namespace durable_streams::server

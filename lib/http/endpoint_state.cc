// The pools, and the list of the exchanges in use.
#include "http/endpoint_state.h"

#include <algorithm>
#include <random>
#include <utility>

#include "base/assert.h"

namespace durable_streams::http {

namespace {

// As many bodies as are commonly on their way to one loop at once.
constexpr std::size_t kKeptRequestsMax = 64;

// Below it a page might hold nothing but an unfinished character.
constexpr std::size_t kChunkBytesMin = 16;

std::uint64_t random_seed() {
  std::random_device system;
  return std::uint64_t{system()} << 32 | system();
}

EndpointOptions usable(EndpointOptions options) {
  options.chunk_bytes_max = std::max(options.chunk_bytes_max, kChunkBytesMin);
  if (!options.prefix.starts_with('/')) options.prefix.insert(0, "/");
  if (!options.prefix.ends_with('/')) options.prefix += '/';
  return options;
}

}  // namespace

EndpointState::EndpointState(Streams& handle, EndpointOptions endpoint_options)
    : options(usable(std::move(endpoint_options))),
      cors(options.cors_origins),
      streams(handle.impl()),
      loop(handle.loop()),
      paths(options.prefix),
      fields(common_fields(cors.everybody())),
      unsent_pages(options.unsent_pages_bytes_max),
      random_state_(options.random_seed != 0 ? options.random_seed : random_seed()) {}

EndpointState::~EndpointState() {
  while (first_ != nullptr) {
    // Its client has gone; only an operation that has not come back yet holds it.
    DURABLE_STREAMS_ASSERT(first_->abandoned());
    Exchange::Impl* next = first_->next_;
    first_->orphan();
    first_ = next;
  }
}

// SplitMix64.
std::uint64_t EndpointState::random() {
  random_state_ += 0x9E3779B97F4A7C15;
  std::uint64_t mixed = random_state_;
  mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9;
  mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB;
  return mixed ^ mixed >> 31;
}

Exchange::Impl& EndpointState::take_exchange(ResponseSink& sink) {
  Exchange::Impl* exchange = exchanges_.create(*this, sink);
  exchange->next_ = first_;
  if (first_ != nullptr) first_->previous_ = exchange;
  first_ = exchange;
  return *exchange;
}

void EndpointState::give_back(Exchange::Impl& exchange) {
  if (exchange.next_ != nullptr) exchange.next_->previous_ = exchange.previous_;
  (exchange.previous_ != nullptr ? exchange.previous_->next_ : first_) = exchange.next_;
  exchanges_.destroy(&exchange);
}

std::unique_ptr<KeptRequest> EndpointState::take_kept_request() {
  if (kept_requests_.empty()) return std::make_unique<KeptRequest>();
  std::unique_ptr<KeptRequest> kept = std::move(kept_requests_.back());
  kept_requests_.pop_back();
  return kept;
}

void EndpointState::give_back(std::unique_ptr<KeptRequest> kept) {
  bodies().give_back(kept->body.size());
  if (kept_requests_.size() >= kKeptRequestsMax) return;
  kept->body.clear();
  kept_requests_.push_back(std::move(kept));
}

void EndpointState::drain() {
  draining_ = true;
  for (Exchange::Impl* each = first_; each != nullptr; each = each->next_) each->drain();
}

}  // namespace durable_streams::http

// What all exchanges of one endpoint share: options, the way to the streams, and memory that is
// used again.
#pragma once

#include <durable_streams/http/endpoint.h>
#include <durable_streams/slice.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/operations.h"
#include "engine/streams_impl.h"
#include "http/cors_origins.h"
#include "http/exchange.h"
#include "http/kept_request.h"
#include "http/object_pool.h"
#include "http/path_resolver.h"
#include "http/response_fields.h"
#include "http/sse_frames.h"
#include "http/unsent_pages.h"

namespace durable_streams::http {

// Threads: loop only.
class EndpointState {
 public:
  EndpointState(Streams& handle, EndpointOptions endpoint_options);
  ~EndpointState();
  EndpointState(const EndpointState&) = delete;
  EndpointState& operator=(const EndpointState&) = delete;

  const EndpointOptions options;
  const CorsOrigins cors;
  Streams::Impl& streams;
  EventLoop& loop;
  PathResolver paths;

  // Memory for what lives within one call.
  ResponseFields fields;
  ReadAnswer read_answer;
  std::vector<Slice> pieces;
  std::string text;

  SseFrames frames;
  UnsentPages unsent_pages;

  BodyBudget& bodies() { return options.body_budget != nullptr ? *options.body_budget : bodies_; }

  WallTime now() const { return streams.engine().now(); }

  // Any number; not for secrets.
  std::uint64_t random();

  Exchange::Impl& take_exchange(ResponseSink& sink);
  void give_back(Exchange::Impl& exchange);

  std::unique_ptr<KeptRequest> take_kept_request();
  // Gives back what its body took of bodies(), too.
  void give_back(std::unique_ptr<KeptRequest> kept);

  // Live responses end from now on.
  void drain();
  bool draining() const { return draining_; }

 private:
  BodyBudget bodies_;  // unless it is shared
  ObjectPool<Exchange::Impl> exchanges_;
  std::vector<std::unique_ptr<KeptRequest>> kept_requests_;  // free ones
  Exchange::Impl* first_ = nullptr;                          // of those in use
  std::uint64_t random_state_;
  bool draining_ = false;
};

}  // namespace durable_streams::http

// Hands each request to what serves its path.
#pragma once

#include <durable_streams/http/endpoint.h>
#include <durable_streams/http/message.h>

#include <string>
#include <string_view>
#include <vector>

#include "server/http/handler.h"

namespace durable_streams::server {

// Borrows the endpoint, which outlives it. Threads: loop only.
class Router final : public Handler {
 public:
  explicit Router(http::Endpoint& endpoint) : endpoint_(endpoint) {}

  void start(const http::RequestHead& head, http::ResponseSink& sink, AnswerSlot& slot) override;
  void refuse(http::ResponseSink& sink, int status, std::string_view detail) override;

 private:
  const std::vector<std::string>& cors_origins() const { return endpoint_.options().cors_origins; }

  http::Endpoint& endpoint_;
};

}  // namespace durable_streams::server

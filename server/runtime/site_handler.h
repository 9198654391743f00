// Answers the requests that come to one address, on one loop.
#pragma once

#include <durable_streams/http/message.h>

#include <memory>
#include <string_view>
#include <vector>

#include "server/http/handler.h"
#include "server/runtime/loop_endpoints.h"
#include "server/runtime/plan.h"

namespace durable_streams::server {

// Serves nothing before serve(). Threads: loop only.
class SiteHandler final : public Handler {
 public:
  SiteHandler() = default;
  ~SiteHandler() override { let_go(); }
  SiteHandler(const SiteHandler&) = delete;
  SiteHandler& operator=(const SiteHandler&) = delete;

  // From now on requests are answered as `site`, one of the plan's, says. What is being answered is
  // not touched. The endpoints stay until it serves others, or is gone, though no plan has them.
  void serve(std::shared_ptr<const Plan> plan, const SitePlan& site, LoopEndpoints& endpoints);

  void start(const http::RequestHead& head, http::ResponseSink& sink, AnswerSlot& slot) override;
  void refuse(http::ResponseSink& sink, int status, std::string_view detail) override;

 private:
  void let_go();
  void start_route(std::size_t index, const http::RequestHead& head, std::string_view path,
                   http::ResponseSink& sink, AnswerSlot& slot);
  void answer_nothing_here(const http::RequestHead& head, http::ResponseSink& sink) const;
  void log(const RoutePlan& route, const http::RequestHead& head, AnswerSlot& slot) const;

  std::shared_ptr<const Plan> plan_;
  const SitePlan* site_ = nullptr;
  std::vector<LoopEndpoint*> endpoints_;  // of each route; null: it is another kind
};

}  // namespace durable_streams::server

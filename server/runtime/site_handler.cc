// A request for streams goes straight to its endpoint; only what has to be changed on its way back
// is wrapped.
#include "server/runtime/site_handler.h"

#include <durable_streams/http/endpoint.h>

#include <array>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "server/config/path_pattern.h"
#include "server/runtime/header_sink.h"

namespace durable_streams::server {
namespace {

// A decoded path, or a host: more is no stream's and no site's.
constexpr std::size_t kPathRoom = 8192;
constexpr std::size_t kHostRoom = 256;

class EndpointAnswer final : public Answer {
 public:
  EndpointAnswer(LoopEndpoint& endpoint, const http::RequestHead& head, http::ResponseSink& sink)
      : endpoint_(endpoint) {
    endpoint_.hold();
    exchange_ = endpoint_.endpoint().start(head, sink);
  }
  ~EndpointAnswer() override {
    exchange_ = http::Exchange();
    endpoint_.release();
  }

  bool wants_body() const override { return exchange_.wants_body(); }
  void body(std::string_view piece, bool last) override { exchange_.body(piece, last); }
  void announce(std::uint64_t bytes) override { exchange_.announce(bytes); }
  void writable() override { exchange_.writable(); }
  void probe() override { exchange_.probe(); }

 private:
  LoopEndpoint& endpoint_;
  http::Exchange exchange_;
};

// An answer whose headers are changed on their way.
class ChangedAnswer final : public Answer {
 public:
  struct Wrapping {
    Wrapping(http::ResponseSink& to, std::vector<HeaderOperation> changes)
        : operations(std::move(changes)), sink(to, operations) {}

    const std::vector<HeaderOperation> operations;
    HeaderSink sink;
    std::optional<EndpointAnswer> answer;
  };

  explicit ChangedAnswer(std::unique_ptr<Wrapping> wrapping) : wrapping_(std::move(wrapping)) {}

  bool wants_body() const override { return wrapping_->answer && wrapping_->answer->wants_body(); }
  void body(std::string_view piece, bool last) override { wrapping_->answer->body(piece, last); }
  void announce(std::uint64_t bytes) override { wrapping_->answer->announce(bytes); }
  void writable() override {
    if (wrapping_->answer) wrapping_->answer->writable();
  }
  void probe() override {
    if (wrapping_->answer) wrapping_->answer->probe();
  }

 private:
  const std::unique_ptr<Wrapping> wrapping_;
};

std::vector<HeaderOperation> operations_for(const RoutePlan& route, std::string_view path) {
  std::vector<HeaderOperation> operations;
  for (const HeaderConfig& header : route.headers) {
    bool meant = header.paths.empty();
    for (const std::string& pattern : header.paths) meant = meant || matches(pattern, path);
    if (meant)
      operations.insert(operations.end(), header.operations.begin(), header.operations.end());
  }
  return operations;
}

void send(http::ResponseSink& sink, int status, std::string_view fields, std::string_view body) {
  const bool no_body = status == 204 || status == 304;
  sink.start(
      {.status = status,
       .fields = fields,
       .content_length = no_body ? std::nullopt : std::optional<std::uint64_t>(body.size())});
  if (!body.empty()) sink.write({{Slice::copy_of(body)}});
  sink.finish();
}

// False: it has been answered.
bool may_ask(const RoutePlan& route, const http::RequestHead& head, std::string_view path,
             http::ResponseSink& sink) {
  for (const std::shared_ptr<AccessControl>& control : route.controls) {
    const http::Access access =
        control->decide({.request = head, .path = path, .right = http::Right::kRead});
    if (access.verdict == http::Verdict::kAllowed) continue;
    std::string fields = "Cache-Control: no-store\r\nContent-Type: text/plain\r\n";
    if (!access.challenge.empty())
      fields.append("WWW-Authenticate: ").append(access.challenge).append("\r\n");
    switch (access.verdict) {
      case http::Verdict::kTooMany:
        fields.append("Retry-After: ")
            .append(std::to_string(access.retry_after.count()))
            .append("\r\n");
        send(sink, 429, fields, "too many requests; come again\n");
        return false;
      case http::Verdict::kForbidden:
        send(sink, 403, fields, "the request is not allowed\n");
        return false;
      default:
        send(sink, 401, fields, "the request needs valid credentials\n");
        return false;
    }
  }
  return true;
}

std::string_view field_of(const http::RequestHead& head, std::string_view lower_name) {
  for (const http::Header& header : head.headers) {
    if (header.name.size() != lower_name.size()) continue;
    bool same = true;
    for (std::size_t i = 0; same && i < lower_name.size(); ++i) {
      const char c = header.name[i];
      same = (c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c) == lower_name[i];
    }
    if (same) return header.value;
  }
  return {};
}

}  // namespace

void SiteHandler::serve(std::shared_ptr<const Plan> plan, const SitePlan& site,
                        LoopEndpoints& endpoints) {
  let_go();
  for (const RoutePlan& route : site.routes) {
    endpoints_.push_back(route.endpoint == nullptr ? nullptr : &endpoints.take(route.endpoint));
    if (endpoints_.back() != nullptr) endpoints_.back()->hold();
  }
  plan_ = std::move(plan);
  site_ = &site;
}

// Whoever has nothing left to hold it goes in a later turn, so what is taken again stays.
void SiteHandler::let_go() {
  for (LoopEndpoint* const endpoint : endpoints_) {
    if (endpoint != nullptr) endpoint->release();
  }
  endpoints_.clear();
}

void SiteHandler::start(const http::RequestHead& head, http::ResponseSink& sink, AnswerSlot& slot) {
  if (head.target == "*") {
    // Asks whether the server is there (RFC 9110 section 9.3.7).
    return http::answer_no_content(sink, {.request = &head, .cors_origins = &site_->cors_origins});
  }
  std::array<char, kPathRoom> path_room;
  std::array<char, kHostRoom> host_room;
  const std::string_view path = path_of(head.target, path_room);
  const std::string_view host =
      site_->by_host ? host_of(head.target, field_of(head, "host"), host_room) : std::string_view();
  const std::optional<std::size_t> index = site_->table.find(host, path);
  if (!index) return answer_nothing_here(head, sink);
  const bool secure = site_->config.tls.enabled();
  if (!secure && !site_->proxies) return start_route(*index, head, path, sink, slot);
  http::RequestHead request = head;
  if (secure) request.scheme = "https";
  if (site_->proxies) {
    const std::optional<IpAddress> peer = IpAddress::parse(head.peer);
    request.trusted_proxy = peer && site_->proxies->trusts(*peer);
  }
  start_route(*index, request, path, sink, slot);
}

void SiteHandler::start_route(std::size_t index, const http::RequestHead& head,
                              std::string_view path, http::ResponseSink& sink, AnswerSlot& slot) {
  const RoutePlan& route = site_->routes[index];
  if (route.log.on()) log(route, head, slot);
  LoopEndpoint* const endpoint = endpoints_[index];
  if (route.headers.empty() && endpoint != nullptr) {
    slot.emplace<EndpointAnswer>(*endpoint, head, sink);
    return;
  }
  auto wrapping = std::make_unique<ChangedAnswer::Wrapping>(sink, operations_for(route, path));
  if (endpoint != nullptr) {
    wrapping->answer.emplace(*endpoint, head, wrapping->sink);
    slot.emplace<ChangedAnswer>(std::move(wrapping));
    return;
  }
  if (!may_ask(route, head, path, wrapping->sink)) return;
  const auto* const respond = std::get_if<RespondConfig>(&route.config.terminal);
  if (respond == nullptr) return http::answer_problem(wrapping->sink, 404, site_->nothing_here);
  send(wrapping->sink, respond->status,
       respond->body.empty() ? "" : "Content-Type: text/plain; charset=utf-8\r\n", respond->body);
}

// The address of who asks, not of a proxy that is trusted.
void SiteHandler::log(const RoutePlan& route, const http::RequestHead& head,
                      AnswerSlot& slot) const {
  std::string client(head.peer);
  if (site_->proxies) {
    if (const auto address = client_address(head.peer, head.headers, *site_->proxies))
      client = address->to_string();
  }
  slot.log(route.log.begin(client, head));
}

void SiteHandler::refuse(http::ResponseSink& sink, int status, std::string_view detail) {
  http::answer_problem(sink, status, detail,
                       {.request = nullptr, .cors_origins = &site_->cors_origins});
}

void SiteHandler::answer_nothing_here(const http::RequestHead& head,
                                      http::ResponseSink& sink) const {
  http::answer_problem(sink, 404, site_->nothing_here,
                       {.request = &head, .cors_origins = &site_->cors_origins});
}

}  // namespace durable_streams::server

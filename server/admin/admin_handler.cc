// A browser that is made to believe that a page's name is this machine asks with that page's Host
// or Origin: that is how such requests are known.
#include "server/admin/admin_handler.h"

#include <durable_streams/http/endpoint.h>
#include <fmt/format.h>

#include <array>
#include <utility>

#include "server/admin/query.h"
#include "server/runtime/route_table.h"

namespace durable_streams::server {
namespace {

constexpr std::size_t kConfigBytesMax = std::size_t{16} << 20;

// A request whose answer comes later. The sink is null once its client has gone.
struct Waiting {
  http::ResponseSink* sink = nullptr;
};

int status_for(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kInvalidJson:
      return 400;
    case ErrorCode::kNotFound:
      return 404;
    case ErrorCode::kConflict:
      return 409;
    case ErrorCode::kNoSpace:
      return 507;
    case ErrorCode::kUnavailable:
    case ErrorCode::kTooMany:
    case ErrorCode::kCanceled:
      return 503;
    default:
      return 500;
  }
}

void send_text(http::ResponseSink& sink, int status, std::string_view type, std::string_view body) {
  const std::string fields = fmt::format("Cache-Control: no-store\r\nContent-Type: {}\r\n", type);
  sink.start({.status = status, .fields = fields, .content_length = body.size()});
  sink.write({{Slice::copy_of(body)}});
  sink.finish();
}

void send_outcome(http::ResponseSink& sink, const Status& status) {
  if (!status)
    return http::answer_problem(sink, status_for(status.error().code), status.error().message);
  sink.start({.status = 200, .fields = "Cache-Control: no-store\r\n", .content_length = 0});
  sink.finish();
}

Function<void(Status)> answer_to(const std::shared_ptr<Waiting>& waiting) {
  return [waiting](const Status& done) {
    if (http::ResponseSink* const to = std::exchange(waiting->sink, nullptr))
      send_outcome(*to, done);
  };
}

class WaitingAnswer : public Answer {
 public:
  explicit WaitingAnswer(std::shared_ptr<Waiting> waiting) : waiting_(std::move(waiting)) {}
  ~WaitingAnswer() override { waiting_->sink = nullptr; }

  bool wants_body() const override { return false; }
  void body(std::string_view, bool) override {}
  void announce(std::uint64_t) override {}
  void writable() override {}
  void probe() override {}

 protected:
  const std::shared_ptr<Waiting>& waiting() const { return waiting_; }

 private:
  const std::shared_ptr<Waiting> waiting_;
};

// Gathers a configuration, and has it loaded.
struct LoadRequest {
  AdminActions& actions;
  std::optional<ConfigLanguage> language;
  std::string text = {};
  bool whole = false;
};

class LoadAnswer final : public WaitingAnswer {
 public:
  LoadAnswer(std::shared_ptr<Waiting> waiting, std::unique_ptr<LoadRequest> request)
      : WaitingAnswer(std::move(waiting)), request_(std::move(request)) {}

  bool wants_body() const override { return !request_->whole && waiting()->sink != nullptr; }
  void body(std::string_view piece, bool last) override {
    if (request_->text.size() + piece.size() > kConfigBytesMax) {
      http::ResponseSink* const to = std::exchange(waiting()->sink, nullptr);
      return http::answer_problem(*to, 413, "The configuration is larger than 16 MiB.");
    }
    request_->text += piece;
    if (!last) return;
    request_->whole = true;
    request_->actions.load({.name = "request", .text = std::move(request_->text)},
                           request_->language, answer_to(waiting()));
  }

 private:
  const std::unique_ptr<LoadRequest> request_;
};

std::string_view field_of(const http::RequestHead& head, std::string_view name) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  for (const http::Header& header : head.headers) {
    if (std::equal(header.name.begin(), header.name.end(), name.begin(), name.end(),
                   [&](char a, char b) { return lower(a) == b; }))
      return header.value;
  }
  return {};
}

bool is_this_machine(std::string_view host, std::string_view own) {
  return host == "localhost" || host == "127.0.0.1" || host == "::1" ||
         (!own.empty() && host == own);
}

}  // namespace

struct AdminHandler::Route {
  std::string_view path;
  std::string_view method;
  bool for_everybody;
  void (AdminHandler::*answer)(const http::RequestHead&, http::ResponseSink&, AnswerSlot&);
};

const AdminHandler::Route* AdminHandler::find_route(std::string_view path) {
  static constexpr std::array<Route, 9> kRoutes{{
      {"/metrics", "GET", true, &AdminHandler::answer_metrics},
      {"/healthz", "GET", true, &AdminHandler::answer_health},
      {"/readyz", "GET", true, &AdminHandler::answer_readiness},
      {"/config/", "GET", false, &AdminHandler::answer_config},
      {"/config", "GET", false, &AdminHandler::answer_config},
      {"/streams", "GET", false, &AdminHandler::start_list},
      {"/load", "POST", false, &AdminHandler::start_load},
      {"/stop", "POST", false, &AdminHandler::start_stop},
      {"/backup", "POST", false, &AdminHandler::start_backup},
  }};
  for (const Route& route : kRoutes) {
    if (route.path == path) return &route;
  }
  return nullptr;
}

void AdminHandler::start(const http::RequestHead& head, http::ResponseSink& sink,
                         AnswerSlot& slot) {
  if (!welcome(head, sink)) return;
  std::array<char, 256> room;
  const std::string_view path = path_of(head.target, room);
  const Route* const route = find_route(path);
  if (route == nullptr)
    return http::answer_problem(sink, 404, "The admin endpoint has nothing here.");
  if (!route->for_everybody && audience_.kind == AdminAudience::Kind::kEverybody) {
    return http::answer_problem(sink, 403,
                                "From other machines only metrics and health can be asked for.");
  }
  const bool reads = route->method == "GET" && head.method == "HEAD";
  if (head.method != route->method && !reads) {
    sink.start({.status = 405,
                .fields = route->method == "GET" ? "Allow: GET, HEAD\r\n" : "Allow: POST\r\n",
                .content_length = 0});
    return sink.finish();
  }
  (this->*route->answer)(head, sink, slot);
}

void AdminHandler::refuse(http::ResponseSink& sink, int status, std::string_view detail) {
  http::answer_problem(sink, status, detail);
}

bool AdminHandler::welcome(const http::RequestHead& head, http::ResponseSink& sink) const {
  if (audience_.kind != AdminAudience::Kind::kMachine) return true;
  std::array<char, 256> room;
  const std::string_view host = host_of(head.target, field_of(head, "host"), room);
  if (!is_this_machine(host, audience_.host)) {
    http::answer_problem(sink, 403, "The admin endpoint is asked as localhost, not by that Host.");
    return false;
  }
  const std::string_view origin = field_of(head, "origin");
  if (origin.empty()) return true;
  std::array<char, 256> origin_room;
  // Another port of this machine is another origin, of whatever else runs here.
  const bool same_port = origin.ends_with(fmt::format(":{}", audience_.port));
  if (same_port && is_this_machine(host_of(origin, {}, origin_room), audience_.host)) return true;
  http::answer_problem(sink, 403, "The admin endpoint is not for pages of that Origin.");
  return false;
}

void AdminHandler::answer_metrics(const http::RequestHead&, http::ResponseSink& sink, AnswerSlot&) {
  send_text(sink, 200, "text/plain; version=0.0.4; charset=utf-8", actions_.metrics());
}

void AdminHandler::answer_health(const http::RequestHead&, http::ResponseSink& sink, AnswerSlot&) {
  send_text(sink, 200, "text/plain", "alive\n");
}

void AdminHandler::answer_readiness(const http::RequestHead&, http::ResponseSink& sink,
                                    AnswerSlot&) {
  const Status ready = actions_.ready();
  if (!ready) return http::answer_problem(sink, 503, ready.error().message);
  send_text(sink, 200, "text/plain", "ready\n");
}

void AdminHandler::answer_config(const http::RequestHead&, http::ResponseSink& sink, AnswerSlot&) {
  send_text(sink, 200, "application/json", actions_.config());
}

void AdminHandler::start_list(const http::RequestHead& head, http::ResponseSink& sink,
                              AnswerSlot& slot) {
  Result<StreamsQuery> query = parse_streams_query(head.target);
  if (!query) return http::answer_problem(sink, 400, query.error().message);
  const auto waiting = std::make_shared<Waiting>(Waiting{.sink = &sink});
  slot.emplace<WaitingAnswer>(waiting);
  actions_.list(std::move(*query), [waiting](Result<std::string> page) {
    http::ResponseSink* const to = std::exchange(waiting->sink, nullptr);
    if (to == nullptr) return;
    if (!page) return send_outcome(*to, page.error());
    send_text(*to, 200, "application/json", *page);
  });
}

void AdminHandler::start_load(const http::RequestHead& head, http::ResponseSink& sink,
                              AnswerSlot& slot) {
  const std::string_view type = field_of(head, "content-type");
  std::optional<ConfigLanguage> language;
  if (type.starts_with("application/json")) language = ConfigLanguage::kJson;
  if (type.starts_with("text/caddyfile")) language = ConfigLanguage::kCaddyfile;
  slot.emplace<LoadAnswer>(
      std::make_shared<Waiting>(Waiting{.sink = &sink}),
      std::make_unique<LoadRequest>(LoadRequest{.actions = actions_, .language = language}));
}

void AdminHandler::start_stop(const http::RequestHead&, http::ResponseSink& sink, AnswerSlot&) {
  actions_.stop();
  send_outcome(sink, {});
}

void AdminHandler::start_backup(const http::RequestHead& head, http::ResponseSink& sink,
                                AnswerSlot& slot) {
  std::string to = query_value(head.target, "to");
  if (!to.starts_with('/')) {
    return http::answer_problem(
        sink, 400, "Say where the backup goes: /backup?to=DIRECTORY, with its absolute path.");
  }
  std::string store = audience_.store.empty() ? query_value(head.target, "store") : audience_.store;
  const auto waiting = std::make_shared<Waiting>(Waiting{.sink = &sink});
  slot.emplace<WaitingAnswer>(waiting);
  actions_.backup(std::move(store), std::move(to), answer_to(waiting));
}

}  // namespace durable_streams::server

// A path outside every endpoint is 404 here; what lies inside one is the endpoint's alone.
#include "server/http/router.h"

#include <fmt/format.h>

#include <utility>

namespace durable_streams::server {
namespace {

class EndpointAnswer final : public Answer {
 public:
  explicit EndpointAnswer(http::Exchange exchange) : exchange_(std::move(exchange)) {}

  bool wants_body() const override { return exchange_.wants_body(); }
  void body(std::string_view piece, bool last) override { exchange_.body(piece, last); }
  void announce(std::uint64_t bytes) override { exchange_.announce(bytes); }
  void writable() override { exchange_.writable(); }
  void probe() override { exchange_.probe(); }

 private:
  http::Exchange exchange_;
};

}  // namespace

void Router::start(const http::RequestHead& head, http::ResponseSink& sink, AnswerSlot& slot) {
  if (endpoint_.serves(head.target)) {
    slot.emplace<EndpointAnswer>(endpoint_.start(head, sink));
  } else if (head.target == "*") {
    // Asks whether the server is there (RFC 9110 section 9.3.7).
    http::answer_no_content(sink, {.request = &head, .cors_origins = &cors_origins()});
  } else {
    http::answer_problem(
        sink, 404,
        fmt::format("Nothing is served here. Streams are under {}.", endpoint_.options().prefix),
        {.request = &head, .cors_origins = &cors_origins()});
  }
}

void Router::refuse(http::ResponseSink& sink, int status, std::string_view detail) {
  http::answer_problem(sink, status, detail, {.cors_origins = &cors_origins()});
}

}  // namespace durable_streams::server

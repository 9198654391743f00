// A body is the same however it comes: every request of a script is answered alike with its body in
// one piece, split at every boundary, byte by byte, and with an empty last piece.
#include <functional>

#include "tests/http/endpoint_fixture.h"

namespace durable_streams::http {

namespace {

struct ScriptedRequest {
  const char* method;
  const char* target;
  Headers headers;
  std::string body;
  bool announced = false;  // by a Content-Length
};

std::vector<ScriptedRequest> script() {
  const Header text = {"Content-Type", "text/plain"};
  const Header json = {"Content-Type", "application/json"};
  const Header closed = {"Stream-Closed", "true"};
  return {
      {"PUT", "/v1/stream/a", {text}, "first content"},
      {"PUT", "/v1/stream/a", {text}, "ignored"},
      {"PUT", "/v1/stream/bad", {{"Stream-TTL", "x"}}, "refused by its head"},
      {"PUT", "/v1/stream/a", {{"Content-Type", "text/html"}}, "conflict"},
      {"POST", "/v1/stream/a", {text}, "appended", true},
      {"POST", "/v1/stream/a", {text}, ""},
      {"POST", "/v1/stream/a", {}, "untyped"},
      {"POST", "/v1/stream/a", {{"Content-Type", "a/b"}}, "mismatch"},
      {"POST", "/v1/stream/none", {text}, "no stream"},
      {"POST", "/v1/stream/a", {text, {"Producer-Id", "p"}}, "refused by its head"},
      {"POST",
       "/v1/stream/a",
       {text, {"Producer-Id", "p"}, {"Producer-Epoch", "0"}, {"Producer-Seq", "0"}},
       "produced"},
      {"POST", "/v1/stream/a", {text, {"Stream-Seq", "5"}}, "in order"},
      {"POST", "/v1/stream/a", {text}, std::string(65, 'x')},
      {"POST", "/v1/stream/a", {text}, std::string(65, 'x'), true},
      {"POST", "/v1/stream/a", {text}, std::string(64, 'y'), true},
      {"PUT", "/v1/stream/f", {{"Stream-Forked-From", "/v1/stream/a"}}, "of the fork"},
      {"GET", "/v1/stream/f", {}, "a body that does not matter"},
      {"PUT", "/v1/stream/j", {json}, R"([{"a":[1,2]},"x"])"},
      {"POST", "/v1/stream/j", {json}, " { \"b\" : \"\xC3\xA4\" } "},
      {"POST", "/v1/stream/j", {json}, "{\"b\":"},
      {"POST", "/v1/stream/j", {json, closed}, "[3]"},
      {"POST", "/v1/stream/a", {text, closed}, "end"},
      {"POST", "/v1/stream/a", {text, closed}, ""},
      {"POST", "/v1/stream/a", {text}, "too late"},
      {"DELETE", "/v1/stream/f", {}, "nor this one"},
      {"GET", "/v1/stream/a", {}, ""},
      {"GET", "/v1/stream/j", {}, ""},
  };
}

using Feed = std::function<void(Exchange&, std::string_view body)>;

std::vector<Response> run(const Feed& feed) {
  EndpointFixture fixture({.body_bytes_max = 64});
  std::vector<Response> responses;
  for (const ScriptedRequest& request : script()) {
    RequestHead head{
        .method = request.method, .target = request.target, .headers = request.headers};
    if (request.announced) head.content_length = request.body.size();
    const std::unique_ptr<Call> call = fixture.open(head);
    feed(call->exchange, request.body);
    fixture.loop.run_until_idle();
    REQUIRE(call->response().finished);
    responses.push_back(call->response());
  }
  return responses;
}

}  // namespace

TEST_CASE("a body in pieces is answered like one that comes whole", "[http][body]") {
  const std::vector<Response> whole =
      run([](Exchange& exchange, std::string_view body) { exchange.body(body, true); });
  CHECK(whole.back().body == "[{\"a\":[1,2]},\n\"x\",\n{\"b\":\"\xC3\xA4\"},\n3]");
  for (std::size_t at = 0; at <= 66; ++at) {
    INFO("split at " << at);
    CHECK(whole == run([at](Exchange& exchange, std::string_view body) {
            const std::size_t split = std::min(at, body.size());
            exchange.body(body.substr(0, split), false);
            exchange.body(body.substr(split), true);
          }));
  }
  CHECK(whole == run([](Exchange& exchange, std::string_view body) {
          for (const char byte : body) exchange.body({&byte, 1}, false);
          exchange.body({}, true);
        }));
}

TEST_CASE("what a refused request still sends is not looked at", "[http][body]") {
  const std::vector<Response> polite = run([](Exchange& exchange, std::string_view body) {
    if (exchange.wants_body()) exchange.body(body, true);
  });
  const std::vector<Response> stubborn = run([](Exchange& exchange, std::string_view body) {
    exchange.body(body, false);
    exchange.body({}, true);
    exchange.body("after the end", true);
  });
  CHECK(polite == stubborn);
}

}  // namespace durable_streams::http

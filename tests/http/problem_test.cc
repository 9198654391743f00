// Refusals, and what they say.
#include "http/problem.h"

#include "tests/http/endpoint_fixture.h"

namespace durable_streams::http {

TEST_CASE("an error says what was wrong in problem+json, and no cache keeps it",
          "[http][problem]") {
  EndpointFixture fixture;
  const Response response = fixture.send("GET", "/v1/stream/none");
  CHECK(response.status == 404);
  CHECK(response["Content-Type"] == "application/problem+json");
  CHECK(response["Cache-Control"] == "no-store");
  CHECK(response.body ==
        R"({"title":"Not Found","status":404,"code":"not_found","detail":"no such stream"})");
}

TEST_CASE("every error code has a status", "[http][problem]") {
  using enum ErrorCode;
  const std::vector<std::pair<ErrorCode, int>> statuses = {{kInvalidArgument, 400},
                                                           {kInvalidJson, 400},
                                                           {kEpochStart, 400},
                                                           {kStaleEpoch, 403},
                                                           {kNotFound, 404},
                                                           {kConflict, 409},
                                                           {kClosed, 409},
                                                           {kContentTypeMismatch, 409},
                                                           {kSequenceGap, 409},
                                                           {kSequenceRegression, 409},
                                                           {kGone, 410},
                                                           {kTooLarge, 413},
                                                           {kPathTooLong, 414},
                                                           {kTooMany, 429},
                                                           {kIo, 500},
                                                           {kCorruption, 500},
                                                           {kUnavailable, 503},
                                                           {kNoSpace, 507},
                                                           {kWouldWait, 503},
                                                           {kCanceled, 503}};
  for (const auto& [code, status] : statuses) CHECK(status_of(code) == status);
}

TEST_CASE("what a client sent is quoted so that the answer stays JSON", "[http][problem]") {
  CHECK(problem_body(400, {}, "a \"b\" \\ \n\x01") ==
        R"({"title":"Bad Request","status":400,"detail":"a \"b\" \\ \u000a\u0001"})");
  CHECK(problem_body(400, {}, "\xC3\xA4 \xFF\xC3") ==
        "{\"title\":\"Bad Request\",\"status\":400,\"detail\":\"\xC3\xA4 \\ufffd\\ufffd\"}");
}

TEST_CASE("a full store is 507", "[http][problem]") {
  ManualLoop loop(ManualLoop::Time::kVirtual);
  MemoryStore store({.memory_bytes_max = 1 << 20});
  Engine engine(store);
  Streams streams(engine, loop);
  Endpoint endpoint(streams);
  Call call;
  const Headers headers = {{"Content-Type", "text/plain"}};
  call.exchange =
      endpoint.start({.method = "PUT", .target = "/v1/stream/a", .headers = headers}, call.sink);
  call.exchange.body(std::string(2 << 20, 'x'), true);
  CHECK(call.response().status == 507);
}

TEST_CASE("what no endpoint gets is answered like an endpoint's errors", "[http][problem]") {
  RecordingSink sink;
  answer_problem(sink, 431, "the header is too large");
  CHECK(sink.response.status == 431);
  CHECK(sink.response.finished);
  CHECK(sink.response["Content-Type"] == "application/problem+json");
  CHECK(sink.response["X-Content-Type-Options"] == "nosniff");
  CHECK(sink.response["Cross-Origin-Resource-Policy"] == "cross-origin");
  CHECK(sink.response["Cache-Control"] == "no-store");
  CHECK(
      sink.response.body ==
      R"({"title":"Request Header Fields Too Large","status":431,"detail":"the header is too large"})");
}

}  // namespace durable_streams::http

// How requests are told apart, and how long they and their loop take.
#include "server/metrics/loop_metrics.h"

#include <durable_streams/manual_loop.h>

#include <chrono>
#include <string_view>
#include <vector>

#include "server/metrics/loop_delay.h"
#include "server/metrics/turn_timer.h"
#include "tests/support/catch.h"

namespace durable_streams::server {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

TEST_CASE("methods have few labels", "[server][metrics]") {
  CHECK(label_of_method("GET") == MethodLabel::kGet);
  CHECK(label_of_method("HEAD") == MethodLabel::kHead);
  CHECK(label_of_method("POST") == MethodLabel::kPost);
  CHECK(label_of_method("PUT") == MethodLabel::kPut);
  CHECK(label_of_method("DELETE") == MethodLabel::kDelete);
  CHECK(label_of_method("OPTIONS") == MethodLabel::kOptions);
  for (const std::string_view method : {"", "get", "PATCH", "BREW", "other", "unread"})
    CHECK(label_of_method(method) == MethodLabel::kOther);
}

TEST_CASE("a live request is told by its query", "[server][metrics]") {
  struct Case {
    std::string_view target;
    LiveKind kind;
  };
  for (const Case& c : std::vector<Case>{{"/a", LiveKind::kNone},
                                         {"/a?offset=-1", LiveKind::kNone},
                                         {"/live=sse", LiveKind::kNone},
                                         {"/a?live=sse", LiveKind::kSse},
                                         {"/a?offset=0_0&live=long-poll", LiveKind::kLongPoll},
                                         {"/a?live=long-poll&offset=0_0", LiveKind::kLongPoll},
                                         {"/a?alive=sse", LiveKind::kNone},
                                         {"/a?alive=sse&live=sse", LiveKind::kSse},
                                         {"/a?live=sse2", LiveKind::kNone},
                                         {"/a?live=", LiveKind::kNone},
                                         {"/a?live", LiveKind::kNone},
                                         {"/a?", LiveKind::kNone}}) {
    CAPTURE(c.target);
    CHECK(live_kind_of(c.target) == c.kind);
  }
}

TEST_CASE("a status that is none is counted all the same", "[server][metrics]") {
  LoopMetrics metrics;
  for (const int code : {100, 204, 599, 0, 600, -1, 65'535})
    metrics.count_request(MethodLabel::kGet, code);
  const auto& codes = metrics.requests[static_cast<std::size_t>(MethodLabel::kGet)];
  CHECK(codes[0].value() == 1);
  CHECK(codes[104].value() == 1);
  CHECK(codes[499].value() == 5);
}

std::chrono::steady_clock::time_point told_time;

std::uint64_t observed(const LoopMetrics& metrics, MethodLabel method, std::size_t bucket) {
  return metrics.latency[static_cast<std::size_t>(method)].count(bucket);
}

TEST_CASE("requests of one turn take until their answers leave", "[server][metrics]") {
  LoopMetrics metrics;
  told_time = {};
  TurnTimer timer(metrics, [] { return told_time; });
  timer.begin();
  const auto began = timer.began();
  told_time += microseconds(50);
  timer.answered(MethodLabel::kPost, began);
  timer.answered(MethodLabel::kPost, began);
  timer.answered(MethodLabel::kGet, began);
  told_time += microseconds(150);
  CHECK(observed(metrics, MethodLabel::kPost, 1) == 0);
  timer.end();
  timer.end();
  CHECK(observed(metrics, MethodLabel::kPost, 1) == 2);  // 200 µs
  CHECK(observed(metrics, MethodLabel::kGet, 1) == 1);
  CHECK(metrics.latency[static_cast<std::size_t>(MethodLabel::kPost)].nanoseconds() == 400'000);
}

TEST_CASE("a request that began in an earlier turn takes from there", "[server][metrics]") {
  LoopMetrics metrics;
  told_time = {};
  TurnTimer timer(metrics, [] { return told_time; });
  timer.begin();
  const auto began = timer.began();
  told_time += milliseconds(4);
  timer.begin();
  timer.answered(MethodLabel::kPut, began);
  timer.end();
  CHECK(observed(metrics, MethodLabel::kPut, 5) == 1);  // up to 5 ms
  CHECK(metrics.latency[static_cast<std::size_t>(MethodLabel::kPut)].nanoseconds() == 4'000'000);
}

TEST_CASE("a loop's delay is how late it comes to its timer", "[server][metrics]") {
  LoopMetrics metrics;
  ManualLoop loop(ManualLoop::Time::kVirtual);
  LoopDelay delay(loop, metrics);
  delay.start();
  loop.advance(LoopDelay::kInterval);
  loop.run_until_idle();
  CHECK(metrics.delay.count(0) == 1);  // in time
  loop.advance(LoopDelay::kInterval + milliseconds(40));
  loop.run_until_idle();
  CHECK(metrics.delay.count(5) == 1);  // 25 to 50 ms
  CHECK(metrics.delay.nanoseconds() == 40'000'000);
  loop.advance(LoopDelay::kInterval);
  loop.run_until_idle();
  CHECK(metrics.delay.count(0) == 2);
}

}  // namespace
}  // namespace durable_streams::server

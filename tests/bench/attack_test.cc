// What an attack takes for an answer as it should be.
#include <array>
#include <string_view>

#include "bench/attack_client.h"
#include "bench/attack_options.h"
#include "bench/attack_script.h"
#include "tests/support/catch.h"

namespace durable_streams::bench {
namespace {

constexpr std::array<std::string_view, 11> kKinds = {
    "slow-headers", "slow-body", "slow-readers", "slow-sse", "half-open", "flood",
    "hold",         "oversized", "smuggling",    "garbage",  "handshakes"};

Target target() {
  Target target;
  target.authority = "h";
  target.prefix = "/s";
  return target;
}

TEST_CASE("every kind of attack that the help names has a script", "[bench][attack]") {
  for (const std::string_view kind : kKinds) {
    CAPTURE(kind);
    const Result<AttackScript> script = attack_script(kind, target());
    REQUIRE(script.ok());
    CHECK_FALSE(script->cases.empty());
    CHECK(attack_help().find(kind) != std::string_view::npos);
  }
  CHECK_FALSE(attack_script("polite", target()).ok());
}

TEST_CASE("an attack's flags are read, and what is none is refused", "[bench][attack]") {
  const std::array arguments = {"flood", "--rate", "10", "--connections", "7", "--seconds", "0.5"};
  const Result<AttackOptions> options = parse_attack_options(arguments);
  REQUIRE(options.ok());
  CHECK(options->kind == "flood");
  CHECK(options->rate == 10);
  CHECK(options->connections == 7);
  CHECK(options->seconds == 0.5);
  for (const auto& wrong : {std::array{"flood", "--rate", "x"}, std::array{"flood", "--rate", "0"},
                            std::array{"flood", "--speed", "1"}}) {
    CHECK_FALSE(parse_attack_options(wrong).ok());
  }
  CHECK_FALSE(parse_attack_options(std::array{"flood", "--rate"}).ok());
}

TEST_CASE("one answer of those that are right, and then the end, is as it should be",
          "[bench][attack]") {
  const AttackCase played{.name = "two lengths", .answers = {400}, .at_once = true};
  AttackClient::Outcome outcome{.played = &played, .connected = true, .ended = true};
  const auto complaint = [&](std::vector<int> answers) {
    outcome.answers = std::move(answers);
    return outcome.complaint();
  };
  CHECK(complaint({400}).empty());
  CHECK(complaint({503}).empty());  // a full server's
  CHECK(complaint({200}) == "two lengths: answered 200");
  CHECK(complaint({400, 200}) == "two lengths: 2 answers");
  CHECK(complaint({}) == "two lengths: ended unanswered");
  outcome.ended = false;
  CHECK(complaint({400}) == "two lengths: answered 400, and not ended");
  CHECK(complaint({}) == "two lengths: not answered");
}

TEST_CASE("who only waits may be closed unanswered, but not be answered", "[bench][attack]") {
  const AttackCase played{.name = "silence"};
  AttackClient::Outcome outcome{.played = &played, .connected = true, .ended = true};
  CHECK(outcome.complaint().empty());
  outcome.answers = {400};
  CHECK(outcome.complaint() == "silence: answered 400");
}

}  // namespace
}  // namespace durable_streams::bench

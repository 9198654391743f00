// Idempotent producers: the decision table, and the headers it starts from.
#include "protocol/producer.h"

#include "tests/support/catch.h"
#include "tests/support/seed.h"

#include "protocol/header_integer.h"

#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace durable_streams::protocol {
namespace {

using Verdict = ProducerDecision::Verdict;

TEST_CASE("a request without producer headers claims nothing", "[protocol][producer]") {
  CHECK_FALSE(parse_producer_claim(std::nullopt, std::nullopt, std::nullopt).value().has_value());
}

TEST_CASE("the three producer headers make a claim", "[protocol][producer]") {
  const std::optional<ProducerClaim> claim =
      parse_producer_claim("p", "2", "9007199254740991").value();
  REQUIRE(claim.has_value());
  CHECK(claim->id == "p");
  CHECK(claim->epoch == 2);
  CHECK(claim->seq == kHeaderIntegerMax);
}

TEST_CASE("producer headers come all three or not at all", "[protocol][producer]") {
  const std::optional<std::string_view> none;
  const std::optional<std::string_view> some = "1";
  for (int given = 1; given < 7; ++given) {
    INFO(given);
    const auto result =
        parse_producer_claim((given & 1) != 0 ? some : none, (given & 2) != 0 ? some : none,
                             (given & 4) != 0 ? some : none);
    REQUIRE_FALSE(result.ok());
    CHECK(result.error().code == ErrorCode::kInvalidArgument);
  }
}

TEST_CASE("an empty producer id is refused", "[protocol][producer]") {
  CHECK(parse_producer_claim("", "0", "0").error().code == ErrorCode::kInvalidArgument);
}

TEST_CASE("producer epoch and sequence are integers to 2^53-1 and nothing else",
          "[protocol][producer]") {
  for (const std::string bad :
       {"", "1abc", "0xyz", "1e3", "-1", "+1", "1.0", " 1", "9007199254740992"}) {
    INFO(bad);
    const auto epoch = parse_producer_claim("p", bad, "0");
    REQUIRE_FALSE(epoch.ok());
    CHECK(epoch.error().message.find("Producer-Epoch") != std::string::npos);
    const auto seq = parse_producer_claim("p", "0", bad);
    REQUIRE_FALSE(seq.ok());
    CHECK(seq.error().message.find("Producer-Seq") != std::string::npos);
  }
}

TEST_CASE("an unknown producer starts at sequence 0 of any epoch", "[protocol][producer]") {
  for (const std::uint64_t epoch : {std::uint64_t{0}, std::uint64_t{7}}) {
    const ProducerDecision decision = decide_producer(std::nullopt, epoch, 0);
    CHECK(decision.verdict == Verdict::kAccept);
    CHECK(decision.state == ProducerState{epoch, 0});
  }
}

TEST_CASE("an unknown producer with another sequence number is a gap expecting 0",
          "[protocol][producer]") {
  const ProducerDecision decision = decide_producer(std::nullopt, 3, 5);
  CHECK(decision.verdict == Verdict::kGap);
  CHECK(decision.expected_seq == 0);
  const Error error = producer_error(decision, 5);
  CHECK(error.code == ErrorCode::kSequenceGap);
  CHECK(error.detail.expected_seq == 0);
  CHECK(error.detail.received_seq == 5);
}

TEST_CASE("the next sequence number of the epoch is accepted", "[protocol][producer]") {
  const ProducerDecision decision = decide_producer(ProducerState{1, 4}, 1, 5);
  CHECK(decision.verdict == Verdict::kAccept);
  CHECK(decision.state == ProducerState{1, 5});
}

TEST_CASE("a sequence number seen before is a duplicate that tells the highest",
          "[protocol][producer]") {
  for (const std::uint64_t seq : {std::uint64_t{0}, std::uint64_t{3}, std::uint64_t{4}}) {
    const ProducerDecision decision = decide_producer(ProducerState{1, 4}, 1, seq);
    CHECK(decision.verdict == Verdict::kDuplicate);
    CHECK(decision.state == ProducerState{1, 4});
  }
}

TEST_CASE("a skipped sequence number is a gap that tells the expected", "[protocol][producer]") {
  const ProducerDecision decision = decide_producer(ProducerState{1, 4}, 1, 6);
  CHECK(decision.verdict == Verdict::kGap);
  CHECK(decision.expected_seq == 5);
  CHECK(decision.state == ProducerState{1, 4});
}

TEST_CASE("an older epoch is fenced off and told the current one", "[protocol][producer]") {
  for (const std::uint64_t seq : {std::uint64_t{0}, std::uint64_t{5}}) {
    const ProducerDecision decision = decide_producer(ProducerState{3, 4}, 2, seq);
    CHECK(decision.verdict == Verdict::kStaleEpoch);
    CHECK(decision.state == ProducerState{3, 4});
    const Error error = producer_error(decision, seq);
    CHECK(error.code == ErrorCode::kStaleEpoch);
    CHECK(error.detail.current_epoch == 3);
  }
}

TEST_CASE("a newer epoch takes over, at sequence 0 only", "[protocol][producer]") {
  const ProducerDecision taken = decide_producer(ProducerState{3, 4}, 9, 0);
  CHECK(taken.verdict == Verdict::kAccept);
  CHECK(taken.state == ProducerState{9, 0});
  const ProducerDecision refused = decide_producer(ProducerState{3, 4}, 9, 5);
  CHECK(refused.verdict == Verdict::kEpochStart);
  CHECK(refused.state == ProducerState{3, 4});
  CHECK(producer_error(refused, 5).code == ErrorCode::kEpochStart);
}

TEST_CASE("the last sequence number of all can be reached", "[protocol][producer]") {
  const ProducerDecision last =
      decide_producer(ProducerState{0, kHeaderIntegerMax - 1}, 0, kHeaderIntegerMax);
  CHECK(last.verdict == Verdict::kAccept);
  CHECK(decide_producer(last.state, 0, kHeaderIntegerMax).verdict == Verdict::kDuplicate);
}

// What was accepted so far, kept in full, judges as the state of two numbers does.
TEST_CASE("whatever arrives, each sequence number of an epoch is accepted once and in order",
          "[protocol][producer]") {
  const std::uint64_t seed = random_seed();
  INFO("DURABLE_STREAMS_SEED=" << seed);
  std::mt19937_64 random(seed);
  for (int run = 0; run < 200; ++run) {
    std::optional<ProducerState> state;
    std::map<std::uint64_t, std::set<std::uint64_t>> accepted;
    for (int i = 0; i < 100; ++i) {
      const std::uint64_t epoch = random() % 4;
      const std::uint64_t seq = random() % 6;
      const bool known = accepted.count(epoch) != 0 && accepted[epoch].count(seq) != 0;
      const ProducerDecision decision = decide_producer(state, epoch, seq);
      const bool stale = !accepted.empty() && epoch < accepted.rbegin()->first;
      REQUIRE((decision.verdict == Verdict::kStaleEpoch) == stale);
      REQUIRE((decision.verdict == Verdict::kDuplicate) == (known && !stale));
      if (decision.verdict == Verdict::kAccept) {
        REQUIRE(seq == (accepted.count(epoch) != 0 ? accepted[epoch].size() : 0));
        accepted[epoch].insert(seq);
        state = decision.state;
        REQUIRE(*state == ProducerState{epoch, seq});
      } else {
        REQUIRE(decision.state == state.value_or(ProducerState{}));
      }
    }
  }
}

}  // namespace
}  // namespace durable_streams::protocol

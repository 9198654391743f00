// The rules for idempotent producers.
#include "protocol/producer.h"

#include "base/assert.h"
#include "protocol/header_integer.h"

#include <string>

namespace durable_streams::protocol {
namespace {

using Verdict = ProducerDecision::Verdict;

Error invalid(std::string_view message) {
  return Error{ErrorCode::kInvalidArgument, std::string(message), {}};
}

}  // namespace

Result<std::optional<ProducerClaim>> parse_producer_claim(std::optional<std::string_view> id,
                                                          std::optional<std::string_view> epoch,
                                                          std::optional<std::string_view> seq) {
  if (!id && !epoch && !seq) return std::optional<ProducerClaim>();
  if (!id || !epoch || !seq) {
    return invalid("Producer-Id, Producer-Epoch and Producer-Seq must be given together");
  }
  if (id->empty()) return invalid("Producer-Id is empty");
  const std::optional<std::uint64_t> epoch_number =
      parse_header_integer(*epoch, LeadingZeros::kAllowed);
  if (!epoch_number) return invalid("Producer-Epoch is not an integer from 0 to 2^53-1");
  const std::optional<std::uint64_t> seq_number =
      parse_header_integer(*seq, LeadingZeros::kAllowed);
  if (!seq_number) return invalid("Producer-Seq is not an integer from 0 to 2^53-1");
  return std::optional<ProducerClaim>({*id, *epoch_number, *seq_number});
}

ProducerDecision decide_producer(const std::optional<ProducerState>& current, std::uint64_t epoch,
                                 std::uint64_t seq) {
  // An unknown producer starts in whatever epoch it says, at 0 like any other.
  if (!current) {
    if (seq != 0) return {Verdict::kGap, {}, 0};
    return {Verdict::kAccept, {epoch, 0}, 0};
  }
  if (epoch < current->epoch) return {Verdict::kStaleEpoch, *current, 0};
  if (epoch > current->epoch) {
    if (seq != 0) return {Verdict::kEpochStart, *current, 0};
    return {Verdict::kAccept, {epoch, 0}, 0};
  }
  if (seq <= current->last_seq) return {Verdict::kDuplicate, *current, 0};
  if (seq == current->last_seq + 1) return {Verdict::kAccept, {epoch, seq}, 0};
  return {Verdict::kGap, *current, current->last_seq + 1};
}

Error producer_error(const ProducerDecision& refusal, std::uint64_t seq) {
  Error error;
  switch (refusal.verdict) {
    case Verdict::kStaleEpoch:
      error.code = ErrorCode::kStaleEpoch;
      error.message = "the producer's epoch is stale: the current one is " +
                      std::to_string(refusal.state.epoch);
      error.detail.current_epoch = refusal.state.epoch;
      return error;
    case Verdict::kEpochStart:
      error.code = ErrorCode::kEpochStart;
      error.message = "a producer's new epoch must start at sequence number 0";
      return error;
    case Verdict::kGap:
      error.code = ErrorCode::kSequenceGap;
      error.message = "the producer skipped sequence numbers: expected " +
                      std::to_string(refusal.expected_seq) + ", received " + std::to_string(seq);
      error.detail.expected_seq = refusal.expected_seq;
      error.detail.received_seq = seq;
      return error;
    case Verdict::kAccept:
    case Verdict::kDuplicate:
      break;
  }
  DURABLE_STREAMS_ASSERT(false && "an accepted request has no error");
  return error;
}

}  // namespace durable_streams::protocol

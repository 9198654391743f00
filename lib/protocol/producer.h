// The rules for idempotent producers (protocol section 5.2.1): what to do with an epoch and a
// sequence number, given what is known of the producer.
#pragma once

#include <durable_streams/result.h>
#include <durable_streams/store.h>

#include <cstdint>
#include <optional>
#include <string_view>

namespace durable_streams::protocol {

// What the three producer headers say together.
struct ProducerClaim {
  std::string_view id;  // never empty
  std::uint64_t epoch = 0;
  std::uint64_t seq = 0;
};

// Reads Producer-Id, Producer-Epoch and Producer-Seq; nullopt stands for a header that is not
// there. None of them: no claim. kInvalidArgument for some but not all, an empty id, or a number
// that is not one up to 2^53-1 in digits.
Result<std::optional<ProducerClaim>> parse_producer_claim(std::optional<std::string_view> id,
                                                          std::optional<std::string_view> epoch,
                                                          std::optional<std::string_view> seq);

struct ProducerDecision {
  enum class Verdict : std::uint8_t {
    kAccept,      // new: append
    kDuplicate,   // kept already: succeed without appending
    kStaleEpoch,  // a newer epoch fenced the caller off
    kEpochStart,  // a new epoch that does not start at sequence 0
    kGap,         // sequence numbers before this one are missing
  };
  Verdict verdict = Verdict::kAccept;

  // The producer's state after the request: the new one of kAccept, else unchanged. Its last_seq is
  // the highest accepted sequence number, and its epoch the current one, which answers carry.
  ProducerState state;

  std::uint64_t expected_seq = 0;  // kGap only
};

// Judges (`epoch`, `seq`) of a producer in state `current`; nullopt: unknown so far. Changes
// nothing.
ProducerDecision decide_producer(const std::optional<ProducerState>& current, std::uint64_t epoch,
                                 std::uint64_t seq);

// The error of a refusal (kStaleEpoch, kEpochStart or kGap) of sequence number `seq`, with its
// detail.
Error producer_error(const ProducerDecision& refusal, std::uint64_t seq);

}  // namespace durable_streams::protocol

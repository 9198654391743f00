// What one loop counts of its requests and connections, as it serves them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "server/metrics/counter.h"

namespace durable_streams::server {

enum class MethodLabel : std::uint8_t {
  kGet,
  kHead,
  kPost,
  kPut,
  kDelete,
  kOptions,
  kOther,   // any other token: labels are bounded
  kUnread,  // what was refused before its head had been read
};
inline constexpr std::array<std::string_view, 8> kMethodNames = {
    "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "other", "unread"};

// Whether a request asked to be held until there is something to read, and how.
enum class LiveKind : std::uint8_t { kLongPoll, kSse, kNone };
inline constexpr std::array<std::string_view, 2> kLiveNames = {"long-poll", "sse"};

// The limits that a connection or a request can meet before anything serves it; docs/limits.md
// explains each.
enum class RefusedBy : std::uint8_t {
  kConnections,            // answered 503
  kConnectionsUnanswered,  // closed, because too many are being answered 503
  kConnectionsPerAddress,
  kHeaderSize,
  kTargetSize,
  kHeaderTimeout,
  kBodyTimeout,
  kWriteTimeout,
};
inline constexpr std::array<std::string_view, 8> kRefusedByNames = {"connections",
                                                                    "connections_unanswered",
                                                                    "connections_per_address",
                                                                    "header_size",
                                                                    "target_size",
                                                                    "header_timeout",
                                                                    "body_timeout",
                                                                    "write_timeout"};

inline constexpr std::array<std::uint64_t, 16> kLatencyBounds = {
    100'000,       250'000,       500'000,       1'000'000,     2'500'000,   5'000'000,
    10'000'000,    25'000'000,    50'000'000,    100'000'000,   250'000'000, 500'000'000,
    1'000'000'000, 2'500'000'000, 5'000'000'000, 10'000'000'000};
// Loops keep time in milliseconds.
inline constexpr std::array<std::uint64_t, 13> kLoopDelayBounds = {
    1'000'000,     2'500'000,     5'000'000,     10'000'000,  25'000'000,
    50'000'000,    100'000'000,   250'000'000,   500'000'000, 1'000'000'000,
    2'500'000'000, 5'000'000'000, 10'000'000'000};

// Threads: as Counter.
class LoopMetrics {
 public:
  static constexpr int kCodeMin = 100;
  static constexpr std::size_t kCodes = 500;  // one that is no HTTP status is counted as the last
  static constexpr int kClientGone = 499;     // nobody waited for the answer

  void count_request(MethodLabel method, int code) {
    const auto at = static_cast<std::size_t>(code - kCodeMin);
    requests[static_cast<std::size_t>(method)][at < kCodes ? at : kCodes - 1].add();
  }
  void refuse(RefusedBy limit) { refused[static_cast<std::size_t>(limit)].add(); }

  std::array<std::array<Counter, kCodes>, kMethodNames.size()> requests;
  std::array<Histogram<kLatencyBounds>, kMethodNames.size()> latency;
  std::array<Counter, kLiveNames.size()> live_begun;
  std::array<Counter, kLiveNames.size()> live_ended;
  Counter aborted;  // answers that were begun and whose clients went away; live ones are not meant
  Counter received_bytes;
  Counter sent_bytes;
  Counter connections_begun;
  Counter connections_ended;
  std::array<Counter, kRefusedByNames.size()> refused;
  Counter tls_full;  // handshakes
  Counter tls_resumed;
  Counter tls_failed;
  Histogram<kLoopDelayBounds> delay;
};

inline MethodLabel label_of_method(std::string_view method) {
  for (std::size_t i = 0; i < static_cast<std::size_t>(MethodLabel::kOther); ++i) {
    if (method == kMethodNames[i]) return static_cast<MethodLabel>(i);
  }
  return MethodLabel::kOther;
}

// By what a GET's target asks for, whether or not it is then granted.
inline LiveKind live_kind_of(std::string_view target) {
  const std::size_t mark = target.find('?');
  if (mark == std::string_view::npos) return LiveKind::kNone;
  const std::string_view query = target.substr(mark);
  constexpr std::string_view kLive = "live=";
  for (std::size_t at = query.find(kLive); at != std::string_view::npos;
       at = query.find(kLive, at + 1)) {
    if (query[at - 1] != '?' && query[at - 1] != '&') continue;
    const std::string_view value = query.substr(at + kLive.size());
    for (std::size_t kind = 0; kind < kLiveNames.size(); ++kind) {
      if (value.substr(0, value.find('&')) == kLiveNames[kind]) return static_cast<LiveKind>(kind);
    }
  }
  return LiveKind::kNone;
}

}  // namespace durable_streams::server

// A line for each request of a site: who asked for what, and what became of it.
#pragma once

#include <durable_streams/http/message.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "server/log/logger.h"
#include "server/log/request_ids.h"

namespace durable_streams::server {

// What became of a request.
struct RequestOutcome {
  int status = 0;           // 0: the client was gone before it was answered; said as 499
  std::uint64_t bytes = 0;  // of the response's body, as handed to the connection
  std::chrono::nanoseconds duration{0};
  bool http_1_1 = true;
  bool aborted = false;  // the response did not reach its end
};

// What a line will say of a request, kept until it is over. It is written once, by end(). Threads:
// loop only.
class AccessRecord {
 public:
  AccessRecord(Logger log, std::string_view client, const http::RequestHead& head);
  AccessRecord(const AccessRecord&) = delete;
  AccessRecord& operator=(const AccessRecord&) = delete;

  // The id that this request gets from `ids` when it is first asked for.
  const RequestId& id(RequestIds& ids) {
    if (!id_) id_ = ids.next();
    return *id_;
  }

  // Why the request could not be read to its end; a literal.
  void refused(std::string_view why) { refusal_ = why; }

  void end(const RequestOutcome& outcome, RequestIds& ids);

 private:
  const Logger log_;
  std::optional<RequestId> id_;
  const std::string client_;
  const std::string method_;  // empty: the head was never read
  const std::string target_;
  const std::string user_agent_;
  std::string_view refusal_;
};

// A site's log; one that is off costs a test of a pointer. Copied freely. Threads: any.
class AccessLog {
 public:
  // A line says no more of them.
  static constexpr std::size_t kTargetBytesMax = 2048;
  static constexpr std::size_t kUserAgentBytesMax = 256;

  AccessLog() = default;  // off
  explicit AccessLog(Logger log) : log_(log) {}

  // 5xx are said as errors, all else as info.
  bool on() const { return log_.says(LogLevel::kError); }

  // Keeps what it needs of the head, but no header other than User-Agent, and no token. `client` is
  // its address as text. For what never became a request `head` is empty. Null: off.
  std::unique_ptr<AccessRecord> begin(std::string_view client, const http::RequestHead& head) const;

 private:
  Logger log_;
};

}  // namespace durable_streams::server

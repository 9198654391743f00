// What a request brings is copied when it begins, for its head is gone by the time of its end.
#include "server/log/access_log.h"

#include <algorithm>
#include <vector>

namespace durable_streams::server {
namespace {

// As nginx calls a request whose client did not wait for its answer.
constexpr int kClientGone = 499;

bool is_user_agent(std::string_view name) {
  constexpr std::string_view kLower = "user-agent";
  return name.size() == kLower.size() &&
         std::equal(name.begin(), name.end(), kLower.begin(), [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + ('a' - 'A')) : a) == b;
         });
}

std::string_view user_agent_of(const http::RequestHead& head) {
  for (const http::Header& field : head.headers) {
    if (is_user_agent(field.name)) return field.value.substr(0, AccessLog::kUserAgentBytesMax);
  }
  return {};
}

double milliseconds(std::chrono::nanoseconds time) {
  return static_cast<double>(std::chrono::round<std::chrono::microseconds>(time).count()) / 1000.0;
}

}  // namespace

AccessRecord::AccessRecord(Logger log, std::string_view client, const http::RequestHead& head)
    : log_(log),
      client_(client),
      method_(head.method),
      target_(head.target.substr(0, AccessLog::kTargetBytesMax)),
      user_agent_(user_agent_of(head)) {}

void AccessRecord::end(const RequestOutcome& outcome, RequestIds& ids) {
  const int status = outcome.status != 0 ? outcome.status : kClientGone;
  const LogLevel level = status >= 500 ? LogLevel::kError : LogLevel::kInfo;
  if (!log_.says(level)) return;
  std::vector<LogField> fields{{"request_id", id(ids).text()}, {"client", client_}};
  if (!method_.empty()) {
    fields.emplace_back("method", method_);
    fields.emplace_back("target", target_);
    fields.emplace_back("protocol", outcome.http_1_1 ? "HTTP/1.1" : "HTTP/1.0");
  }
  fields.emplace_back("status", status);
  fields.emplace_back("bytes", outcome.bytes);
  fields.emplace_back("duration_ms", milliseconds(outcome.duration));
  if (!user_agent_.empty()) fields.emplace_back("user_agent", user_agent_);
  if (outcome.aborted) fields.emplace_back("aborted", true);
  if (!refusal_.empty()) fields.emplace_back("refused", refusal_);
  log_.log(level, "request", fields);
}

std::unique_ptr<AccessRecord> AccessLog::begin(std::string_view client,
                                               const http::RequestHead& head) const {
  if (!on()) return nullptr;
  return std::make_unique<AccessRecord>(log_, client, head);
}

}  // namespace durable_streams::server

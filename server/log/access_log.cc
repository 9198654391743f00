// What a request brings is copied when it begins, for its head is gone by the time of its end.
#include "server/log/access_log.h"

#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

#include "server/http/characters.h"

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
    if (is_user_agent(field.name)) return field.value;
  }
  return {};
}

// Where the value of a token begins and ends that stands in `text` from `at` on; npos: there is
// none. Those that `token` makes are known by how they begin, others by the parameter that RFC 6750
// section 2.3 has for them.
std::pair<std::size_t, std::size_t> find_token(std::string_view text, std::size_t at) {
  constexpr std::string_view kBegin = "ds_";
  constexpr std::string_view kParameter = "access_token=";
  constexpr std::size_t kTokenBytesMin = 32;
  constexpr CharacterSet kOfTokens = alphanumerics_and("-_");
  for (; at < text.size(); ++at) {
    const std::string_view rest = text.substr(at);
    if (rest.starts_with(kParameter))
      return {at + kParameter.size(), std::min(text.find_first_of("&#", at), text.size())};
    if (!rest.starts_with(kBegin)) continue;
    std::size_t end = at + kBegin.size();
    while (end < text.size() && in(kOfTokens, text[end])) ++end;
    if (end - at >= kTokenBytesMin) return {at + kBegin.size(), end};
  }
  return {std::string_view::npos, std::string_view::npos};
}

// A token counts only in its header, but some are sent elsewhere.
std::string without_tokens(std::string_view text) {
  std::string kept;
  std::size_t at = 0;
  for (auto [begin, end] = find_token(text, 0); begin < text.size();
       std::tie(begin, end) = find_token(text, end)) {
    kept.append(text.substr(at, begin - at)).append("...");
    at = end;
  }
  return kept.append(text.substr(std::min(at, text.size())));
}

double milliseconds(std::chrono::nanoseconds time) {
  return static_cast<double>(std::chrono::round<std::chrono::microseconds>(time).count()) / 1000.0;
}

}  // namespace

AccessRecord::AccessRecord(Logger log, std::string_view client, const http::RequestHead& head)
    : log_(log),
      client_(client),
      method_(head.method),
      target_(without_tokens(head.target).substr(0, AccessLog::kTargetBytesMax)),
      user_agent_(without_tokens(user_agent_of(head)).substr(0, AccessLog::kUserAgentBytesMax)) {}

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

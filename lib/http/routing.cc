// From a request's head to its handler.
#include <algorithm>
#include <utility>

#include "http/endpoint_state.h"
#include "protocol/header_names.h"

namespace durable_streams::http {

namespace {

enum class Method : std::uint8_t { kGet, kHead, kPut, kPost, kDelete, kOptions, kOther };

Method method_of(std::string_view name) {
  switch (name.size()) {
    case 3:
      if (name == "GET") return Method::kGet;
      return name == "PUT" ? Method::kPut : Method::kOther;
    case 4:
      if (name == "POST") return Method::kPost;
      return name == "HEAD" ? Method::kHead : Method::kOther;
    case 6:
      return name == "DELETE" ? Method::kDelete : Method::kOther;
    case 7:
      return name == "OPTIONS" ? Method::kOptions : Method::kOther;
    default:
      return Method::kOther;
  }
}

Right right_for(Method method) {
  switch (method) {
    case Method::kPut:
      return Right::kCreate;
    case Method::kPost:
      return Right::kAppend;
    case Method::kDelete:
      return Right::kRemove;
    default:
      return Right::kRead;
  }
}

// How long browsers may remember a preflight's answer, which never changes: a day.
constexpr std::uint64_t kPreflightSeconds = 86'400;

}  // namespace

void Exchange::Impl::start(const RequestHead& head) {
  const Method method = method_of(head.method);
  head_only_ = method == Method::kHead;
  if (endpoint_->cors.listed()) origin_ = endpoint_->cors.find(head.headers);
  if (method == Method::kOptions && endpoint_->paths.serves(head.target)) return answer_options();
  Result<StreamTarget> target = endpoint_->paths.resolve(head.target);
  const bool lost = !target.ok() && target.error().code == ErrorCode::kNotFound;
  if (method == Method::kOther && !lost) return answer_method_not_allowed();
  if (!target) return answer_error(target.error());
  if (!allowed(head, target->path, right_for(method))) return;
  const Request request{head, RequestFields(head.headers), *target};
  switch (method) {
    case Method::kGet:
      return read(request);
    case Method::kHead:
      return describe(request);
    case Method::kPut:
      return start_create(request);
    case Method::kPost:
      return start_append(request);
    case Method::kDelete:
      return remove(request);
    case Method::kOptions:
    case Method::kOther:
      return answer_method_not_allowed();
  }
}

bool Exchange::Impl::allowed(const RequestHead& head, std::string_view path, Right right) {
  Authorizer* authorizer = endpoint_->options.authorizer;
  if (authorizer == nullptr) return true;
  const Access access = authorizer->authorize(head, path, right);
  personal_ = personal_ || access.personal;
  if (access.verdict == Verdict::kAllowed) return true;
  refuse_access(access);
  return false;
}

void Exchange::Impl::refuse_access(const Access& access) {
  ResponseFields& fields = begin_fields();
  switch (access.verdict) {
    case Verdict::kTooMany:
      fields.add("Retry-After", static_cast<std::uint64_t>(std::max<std::chrono::seconds::rep>(
                                    access.retry_after.count(), 1)));
      return answer_problem(429, to_string(ErrorCode::kTooMany), "too many requests; come again");
    case Verdict::kForbidden:
      if (!access.challenge.empty()) fields.add("WWW-Authenticate", access.challenge);
      return answer_problem(403, "forbidden", "the request is not allowed");
    case Verdict::kAllowed:
    case Verdict::kUnauthenticated:
      break;
  }
  fields.add("WWW-Authenticate", access.challenge.empty() ? "Bearer" : access.challenge);
  answer_problem(401, "unauthenticated", "the request needs valid credentials");
}

void Exchange::Impl::answer_options() {
  ResponseFields& fields = begin_fields();
  fields.add("Allow", protocol::kStreamMethods);
  if (endpoint_->cors.everybody() || origin_ != 0) {
    fields.add("Access-Control-Allow-Methods", protocol::kStreamMethods);
    fields.add("Access-Control-Allow-Headers", protocol::kCorsRequestHeaders);
    fields.add("Access-Control-Max-Age", kPreflightSeconds);
  }
  answer(204, std::nullopt);
}

void Exchange::Impl::answer_method_not_allowed() {
  begin_fields().add("Allow", protocol::kStreamMethods);
  answer_problem(405, "method_not_allowed", "a stream knows no such method");
}

}  // namespace durable_streams::http

// Who may do what: asked by the endpoint before it touches a stream.
#pragma once

#include <durable_streams/export.h>
#include <durable_streams/http/message.h>

#include <chrono>
#include <cstdint>
#include <string_view>

namespace durable_streams::http {

enum class Right : std::uint8_t { kRead, kAppend, kCreate, kRemove };

enum class Verdict : std::uint8_t {
  kAllowed,
  kUnauthenticated,  // 401, with `challenge` as WWW-Authenticate
  kForbidden,        // 403, with `challenge`, unless that is empty
  kTooMany,          // 429, with `retry_after` as Retry-After
};

struct Access {
  Verdict verdict = Verdict::kAllowed;
  std::string_view challenge = {};  // must outlive the call, for example a literal; empty: `Bearer`
  // The answer depends on who asks: it is marked `Cache-Control: private` and `Vary:
  // Authorization`.
  bool personal = false;
  std::chrono::seconds retry_after{1};  // of kTooMany
};

// Injected into the endpoint; the default allows everything. Asked once a request with the decoded
// stream path (twice for a fork: kCreate for the target, kRead for the source); CORS preflights are
// never asked about. Threads: any.
class DURABLE_STREAMS_EXPORT Authorizer {
 public:
  virtual ~Authorizer() = default;
  virtual Access authorize(const RequestHead& request, std::string_view stream_path,
                           Right right) = 0;
};

}  // namespace durable_streams::http

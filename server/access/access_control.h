// Who may do what: one `authorize` of the configuration, at work.
#pragma once

#include <durable_streams/clock.h>
#include <durable_streams/http/authorizer.h>
#include <durable_streams/result.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/access/path_glob.h"
#include "server/access/rate_limiter.h"
#include "server/access/token_file.h"
#include "server/access/trusted_proxies.h"
#include "server/config/config.h"

namespace durable_streams::server {

// The steady time that rates are measured by. Threads: any.
using SteadyNow = std::function<SteadyTime()>;

struct AccessOptions {
  std::shared_ptr<const TrustedProxies> proxies = {};  // null: nobody is trusted
  TokenFile::Log log = {};                             // for the operator; empty: nobody is told
  // Tells when tokens expire, and outlives who asks it; null: the system's.
  const Clock* clock = nullptr;
  SteadyNow now = {};  // empty: the steady clock's
  // Counts the requests that come too fast, and outlives who counts; null: nobody does.
  std::atomic<std::uint64_t>* refused = nullptr;
};

// Shared by the endpoints that it protects. Threads: any, but refresh.
class AccessControl {
 public:
  struct Question {
    const http::RequestHead& request;
    std::string_view path;  // of the URL, all of it, decoded once
    http::Right right = http::Right::kRead;
    // Asked before about the same request: it has been counted.
    bool again = false;
  };

  // Reads the token file. Errors: kInvalidArgument and kIo, with a message for the operator.
  static Result<std::unique_ptr<AccessControl>> open(const AuthorizeConfig& config,
                                                     AccessOptions options);
  AccessControl(const AccessControl&) = delete;
  AccessControl& operator=(const AccessControl&) = delete;

  http::Access decide(const Question& question);

  // Takes a changed token file over. To be called about once a second, from where it may wait for
  // the disk; more often costs nothing. Threads: one at a time.
  void refresh();

 private:
  struct Anonymous {
    AccessRights rights;
    std::vector<PathGlob> streams;  // none: all
  };
  // Who asks, as far as it is known.
  struct Visitor {
    bool presents = false;         // there is an Authorization header
    const Token* token = nullptr;  // a right one, in force
    std::string_view wrong;        // the challenge to what was presented and is no right token
    std::uint64_t address = 0;
  };

  AccessControl() = default;
  static Status add_anonymous(const AnonymousConfig& config, std::vector<Anonymous>& to);

  bool concerns(std::string_view path) const;
  Visitor visitor(const http::RequestHead& request, const TokenSet* tokens) const;
  std::optional<std::chrono::nanoseconds> count(const Visitor& visitor);
  http::Access judge(const Visitor& visitor, std::string_view path, http::Right right) const;
  bool anybody_may(std::string_view path, http::Right right) const;

  std::vector<PathGlob> paths_;  // none: all
  std::vector<Anonymous> anonymous_;
  std::unique_ptr<TokenFile> token_file_;  // null: there are no tokens
  std::optional<Rate> rate_per_token_;
  std::unique_ptr<AddressLimiter> visits_;    // null: as many as they like
  std::unique_ptr<AddressLimiter> failures_;  // null: there are no tokens
  std::shared_ptr<const TrustedProxies> proxies_;
  SystemClock system_clock_;
  const Clock* clock_ = nullptr;
  SteadyNow now_;
  std::atomic<std::uint64_t>* refused_ = nullptr;
};

// What an endpoint asks: every one of some access controls, all of which must agree. Threads: any.
class StreamAuthorizer final : public http::Authorizer {
 public:
  // `prefix` is the endpoint's (http::EndpointOptions::prefix).
  StreamAuthorizer(std::string prefix, std::vector<std::shared_ptr<AccessControl>> controls)
      : prefix_(std::move(prefix)), controls_(std::move(controls)) {}

  http::Access authorize(const http::RequestHead& request, std::string_view stream_path,
                         http::Right right) override;

 private:
  const std::string prefix_;
  const std::vector<std::shared_ptr<AccessControl>> controls_;
};

}  // namespace durable_streams::server

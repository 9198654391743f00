// The order of the checks is the order in which they cost: limits before rights, so that who comes
// too often is told nothing else.
#include "server/access/access_control.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "server/access/access_limits.h"
#include "server/access/bearer.h"
#include "server/access/rights_text.h"

namespace durable_streams::server {
namespace {

using http::Access;
using http::Right;
using http::Verdict;

// RFC 6750 section 3. Who presents nothing is told nothing but the scheme.
constexpr std::string_view kChallenge = R"(Bearer realm="durable-streams")";
constexpr std::string_view kMalformed =
    R"(Bearer realm="durable-streams", error="invalid_request", )"
    R"(error_description="one header, Authorization: Bearer TOKEN")";
constexpr std::string_view kWrongToken =
    R"(Bearer realm="durable-streams", error="invalid_token", )"
    R"(error_description="the token is unknown or has expired")";
constexpr std::string_view kInsufficient =
    R"(Bearer realm="durable-streams", error="insufficient_scope")";

SteadyTime steady_now() { return std::chrono::steady_clock::now(); }

Error in_authorize(std::string_view what, const Error& error) {
  return Error{error.code, fmt::format("authorize: {}: {}", what, error.message), {}};
}

Result<std::unique_ptr<AddressLimiter>> make_limiter(const RateLimit& limit) {
  Result<Rate> rate = Rate::make(limit);
  if (!rate) return std::move(rate).error();
  return std::make_unique<AddressLimiter>(*rate);
}

}  // namespace

Result<std::unique_ptr<AccessControl>> AccessControl::open(const AuthorizeConfig& config,
                                                           AccessOptions options) {
  std::unique_ptr<AccessControl> control(new AccessControl);
  for (const std::string& path : config.paths) {
    Result<PathGlob> glob = PathGlob::parse(path);
    if (!glob) return in_authorize(fmt::format("the path '{}'", path), glob.error());
    control->paths_.push_back(std::move(*glob));
  }
  for (const AnonymousConfig& anonymous : config.anonymous) {
    if (Status added = add_anonymous(anonymous, control->anonymous_); !added) {
      return in_authorize("anonymous", added.error());
    }
  }
  if (config.rate_per_token) {
    Result<Rate> rate = Rate::make(*config.rate_per_token);
    if (!rate) return in_authorize("rate per token", rate.error());
    control->rate_per_token_ = *rate;
  }
  if (config.rate_per_address) {
    Result<std::unique_ptr<AddressLimiter>> limiter = make_limiter(*config.rate_per_address);
    if (!limiter) return in_authorize("rate per address", limiter.error());
    control->visits_ = std::move(*limiter);
  }
  if (config.token_file) {
    if (!options.log) options.log = [](std::string_view) {};
    Result<std::unique_ptr<TokenFile>> file =
        TokenFile::open(*config.token_file, std::move(options.log));
    if (!file) return std::move(file).error();
    control->token_file_ = std::move(*file);
    Result<std::unique_ptr<AddressLimiter>> limiter = make_limiter(
        {.per_second = kFailedAuthenticationsPerSecond, .burst = kFailedAuthenticationsBurst});
    if (!limiter) return std::move(limiter).error();
    control->failures_ = std::move(*limiter);
  }
  control->proxies_ =
      options.proxies ? std::move(options.proxies) : std::make_shared<const TrustedProxies>();
  control->clock_ = options.clock != nullptr ? options.clock : &control->system_clock_;
  control->refused_ = options.refused;
  control->now_ = options.now ? std::move(options.now) : steady_now;
  return control;
}

Status AccessControl::add_anonymous(const AnonymousConfig& config, std::vector<Anonymous>& to) {
  const std::vector<std::string_view> texts(config.streams.begin(), config.streams.end());
  Result<std::vector<PathGlob>> streams = parse_stream_globs(texts);
  if (!streams) return std::move(streams).error();
  to.push_back({.rights = config.rights, .streams = std::move(*streams)});
  return {};
}

Access AccessControl::decide(const Question& question) {
  if (!concerns(question.path)) return {};
  const std::shared_ptr<const TokenSet> tokens = token_file_ ? token_file_->tokens() : nullptr;
  const Visitor who = visitor(question.request, tokens.get());
  if (!question.again) {
    if (const auto wait = count(who)) {
      if (refused_ != nullptr) refused_->fetch_add(1, std::memory_order_relaxed);
      return {.verdict = Verdict::kTooMany, .personal = true, .retry_after = retry_after(*wait)};
    }
  }
  Access access = judge(who, question.path, question.right);
  // What anybody may have, asked for by nobody in particular, is the same for all. But an answer to
  // a request with an Authorization header may only be kept for the one who sent it.
  access.personal = who.presents || access.verdict != Verdict::kAllowed;
  return access;
}

void AccessControl::refresh() {
  if (token_file_) token_file_->look(now_());
}

bool AccessControl::concerns(std::string_view path) const {
  return paths_.empty() || any_matches(paths_, path);
}

AccessControl::Visitor AccessControl::visitor(const http::RequestHead& request,
                                              const TokenSet* tokens) const {
  const Credentials credentials = read_credentials(request.headers);
  Visitor who;
  who.presents = credentials.kind != Credentials::Kind::kNone;
  if (const auto address = client_address(request.peer, request.headers, *proxies_)) {
    who.address = address->client_key();
  }
  if (tokens == nullptr) return who;
  if (credentials.kind == Credentials::Kind::kMalformed) who.wrong = kMalformed;
  if (credentials.kind != Credentials::Kind::kToken) return who;
  const std::optional<TokenHash> hash = TokenHash::of(credentials.token);
  const Token* const token = hash ? tokens->find(*hash) : nullptr;
  if (token != nullptr && clock_->now() < token->expires) {
    who.token = token;
  } else {
    who.wrong = kWrongToken;
  }
  return who;
}

// Counts the visit; tells how long the visitor should wait when there were too many.
std::optional<std::chrono::nanoseconds> AccessControl::count(const Visitor& visitor) {
  const SteadyTime now = now_();
  if (visitor.token != nullptr) {
    TokenUse& use = *visitor.token->use;
    if (!use.addresses.knows(visitor.address)) {
      // As if it were wrong, so that a right guess is not told from a wrong one.
      if (const auto wait = failures_->wait(visitor.address, now)) return wait;
      use.addresses.add(visitor.address);
    }
    return rate_per_token_ ? use.requests.take(*rate_per_token_, now) : std::nullopt;
  }
  // First, so that there is no guess that is not counted.
  if (!visitor.wrong.empty()) {
    if (const auto wait = failures_->take(visitor.address, now)) return wait;
  }
  return visits_ ? visits_->take(visitor.address, now) : std::nullopt;
}

Access AccessControl::judge(const Visitor& visitor, std::string_view path, Right right) const {
  if (!visitor.wrong.empty()) {
    return {.verdict = Verdict::kUnauthenticated, .challenge = visitor.wrong};
  }
  const Token* const token = visitor.token;
  if (token != nullptr && includes(token->rights, right) && any_matches(token->paths, path)) {
    return {};
  }
  if (anybody_may(path, right)) return {};
  if (token != nullptr) return {.verdict = Verdict::kForbidden, .challenge = kInsufficient};
  // Where there are no tokens, none would help.
  if (token_file_ == nullptr) return {.verdict = Verdict::kForbidden};
  return {.verdict = Verdict::kUnauthenticated, .challenge = kChallenge};
}

bool AccessControl::anybody_may(std::string_view path, Right right) const {
  return std::any_of(anonymous_.begin(), anonymous_.end(), [&](const Anonymous& each) {
    return includes(each.rights, right) &&
           (each.streams.empty() || any_matches(each.streams, path));
  });
}

Access StreamAuthorizer::authorize(const http::RequestHead& request, std::string_view stream_path,
                                   Right right) {
  std::array<char, 1024> room;
  std::string large;
  std::string_view path;
  if (prefix_.size() + stream_path.size() <= room.size()) {
    char* const end = std::copy(prefix_.begin(), prefix_.end(), room.begin());
    path = {room.data(), static_cast<std::size_t>(
                             std::copy(stream_path.begin(), stream_path.end(), end) - room.data())};
  } else {
    path = large.append(prefix_).append(stream_path);
  }
  // Of a fork the endpoint asks twice: about the stream to be, then about its source.
  const bool again = right == Right::kRead && request.method == "PUT";
  bool personal = false;
  for (const std::shared_ptr<AccessControl>& control : controls_) {
    Access access = control->decide({request, path, right, again});
    if (access.verdict != Verdict::kAllowed) return access;
    personal = personal || access.personal;
  }
  return {.verdict = Verdict::kAllowed, .personal = personal};
}

}  // namespace durable_streams::server
